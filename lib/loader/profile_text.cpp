// The little languages inside a profile, which the command line speaks too: rates, frame sizes, values of fields.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "drywall/loader/traffic_profile.h"
#include "scalars.h"

namespace drywall::loader {
namespace {

constexpr double kMostPerSecond = 1e13;
constexpr std::size_t kMostListed = 65536;
constexpr std::uint32_t kMostWeight = 10'000;

struct RateUnit {
    std::string_view name;
    TrafficRate::Unit unit;
};
constexpr std::array<RateUnit, 4> kRateUnits{{{"pps", TrafficRate::Unit::kPackets},
                                              {"bps", TrafficRate::Unit::kBitsOfLayer2},
                                              {"bps-l2", TrafficRate::Unit::kBitsOfLayer2},
                                              {"bps-l1", TrafficRate::Unit::kBitsOfLayer1}}};
constexpr std::array<std::pair<char, double>, 4> kFactors{{{'k', 1e3}, {'M', 1e6}, {'G', 1e9}, {'T', 1e12}}};

std::vector<std::string_view> parts(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    for (;;) {
        const std::size_t end = text.find(separator);
        std::string_view part = text.substr(0, end);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        out.push_back(part);
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end + 1);
    }
}

std::optional<std::uint16_t> frame_size(std::string_view text) {
    const auto bytes = parse_decimal(text);
    if (!bytes || *bytes < kSmallestFrame || *bytes > kLargestFrame) return std::nullopt;
    return static_cast<std::uint16_t>(*bytes);
}

// What addresses and numbers have in common: the words around them.
template <typename T>
struct Range {
    T first{};
    T last{};
};

// The last 64 bits (IPv6) or 32 (IPv4) as a number.
std::uint64_t low_bits(const net::Address& address) noexcept {
    const std::size_t begin = address.family == net::Family::kIPv4 ? 0 : 8;
    const std::size_t end = address.family == net::Family::kIPv4 ? 4 : 16;
    std::uint64_t value = 0;
    for (std::size_t i = begin; i < end; ++i) value = value << 8U | address.bytes[i];
    return value;
}

net::Address with_low_bits(net::Address address, std::uint64_t value) noexcept {
    const std::size_t begin = address.family == net::Family::kIPv4 ? 0 : 8;
    const std::size_t end = address.family == net::Family::kIPv4 ? 4 : 16;
    for (std::size_t i = end; i > begin; --i, value >>= 8U) address.bytes[i - 1] = static_cast<std::uint8_t>(value);
    return address;
}

std::uint64_t low_bits(std::uint16_t number) noexcept { return number; }

bool same_kind(const net::Address& one, const net::Address& other) noexcept {
    return one.family == other.family && (one.family == net::Family::kIPv4 ||
                                          std::equal(one.bytes.begin(), one.bytes.begin() + 8, other.bytes.begin()));
}
bool same_kind(std::uint16_t /*one*/, std::uint16_t /*other*/) noexcept { return true; }

std::optional<Range<net::Address>> prefix_range(std::string_view text) {
    const auto prefix = net::Prefix::parse_strict(text);
    if (!prefix) return std::nullopt;
    const unsigned free_bits = prefix->address.bits() - prefix->length;
    if (free_bits > 32) return std::nullopt;
    const std::uint64_t last = low_bits(prefix->address) + ((std::uint64_t{1} << free_bits) - 1);
    return Range<net::Address>{prefix->address, with_low_bits(prefix->address, last)};
}

template <typename T>
bool set_range(const Range<T>& range, std::uint64_t step, Values<T>& values) {
    if (!same_kind(range.first, range.last) || low_bits(range.last) < low_bits(range.first) || step == 0) return false;
    values.first = range.first;
    values.step = step;
    const std::uint64_t span = (low_bits(range.last) - low_bits(range.first)) / step;
    if (span >= kMostValues) return false;
    values.count = span + 1;
    return true;
}

template <typename T, typename Parse>
std::optional<Values<T>> parse_values(std::string_view text, const Parse& parse,
                                      std::optional<Range<T>> (*whole)(std::string_view)) {
    Values<T> values;
    constexpr std::string_view kRandom = "random:";
    if (text.starts_with(kRandom)) {
        values.random = true;
        text.remove_prefix(kRandom.size());
    }
    std::uint64_t step = 1;
    constexpr std::string_view kStep = " step ";
    if (const std::size_t at = text.find(kStep); at != std::string_view::npos) {
        const auto written = parse_decimal(text.substr(at + kStep.size()));
        if (!written) return std::nullopt;
        step = *written;
        text = text.substr(0, at);
    }
    if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
        const auto first = parse(text.substr(0, dash));
        const auto last = parse(text.substr(dash + 1));
        if (!first || !last || !set_range(Range<T>{*first, *last}, step, values)) return std::nullopt;
        return values;
    }
    if (const auto range = whole(text)) {
        if (!set_range(*range, step, values)) return std::nullopt;
        return values;
    }
    const auto items = parts(text, ',');
    if (step != 1 || items.size() > kMostListed) return std::nullopt;
    for (const std::string_view item : items) {
        const auto value = parse(item);
        if (!value || (!values.listed.empty() && !same_kind(values.listed.front(), *value))) return std::nullopt;
        values.listed.push_back(*value);
    }
    if (values.listed.size() == 1) {
        values.first = values.listed.front();
        values.listed.clear();
    }
    return values;
}

}  // namespace

std::string TrafficRate::text() const {
    if (unit == Unit::kMaximum) return "max";
    double value = per_second;
    std::string factor;
    for (const auto& [letter, by] : kFactors)
        if (per_second >= by) {
            value = per_second / by;
            factor = letter;
        }
    std::array<char, 48> number{};
    (void)std::snprintf(number.data(), number.size(), "%.12g", value);
    const std::string_view suffix = unit == Unit::kPackets ? "pps" : unit == Unit::kBitsOfLayer2 ? "bps" : "bps-l1";
    return number.data() + factor + std::string(suffix);
}

std::optional<TrafficRate> parse_rate(std::string_view text) {
    if (text == "max") return TrafficRate{};
    TrafficRate rate;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, rate.per_second, std::chars_format::fixed);
    if (error != std::errc()) return std::nullopt;
    std::string_view rest(end, static_cast<std::size_t>(last - end));
    for (const auto& [letter, by] : kFactors)
        if (rest.starts_with(letter)) {
            rate.per_second *= by;
            rest.remove_prefix(1);
            break;
        }
    std::string unit(rest);
    std::replace(unit.begin(), unit.end(), 'L', 'l');
    for (const RateUnit& known : kRateUnits) {
        if (known.name != unit) continue;
        rate.unit = known.unit;
        const bool sensible = rate.per_second > 0 && rate.per_second <= kMostPerSecond;
        return sensible ? std::optional(rate) : std::nullopt;
    }
    return std::nullopt;
}

std::optional<std::optional<double>> parse_connection_rate(std::string_view text) {
    if (text == "max") return std::optional<double>();
    constexpr std::string_view kUnit = "cps";
    if (!text.ends_with(kUnit)) return std::nullopt;
    text.remove_suffix(kUnit.size());
    const auto rate = parse_rate(std::string(text) + "pps");
    return rate ? std::optional(std::optional(rate->per_second)) : std::nullopt;
}

std::uint16_t FrameSizes::smallest() const noexcept {
    if (range) return range->first;
    return std::min_element(mix.begin(), mix.end(), [](auto& a, auto& b) { return a.bytes < b.bytes; })->bytes;
}

std::uint16_t FrameSizes::largest() const noexcept {
    if (range) return range->second;
    return std::max_element(mix.begin(), mix.end(), [](auto& a, auto& b) { return a.bytes < b.bytes; })->bytes;
}

double FrameSizes::mean() const noexcept {
    if (range) return (range->first + range->second) / 2.0;
    double bytes = 0;
    double weights = 0;
    for (const Share& share : mix) {
        bytes += static_cast<double>(share.bytes) * share.weight;
        weights += share.weight;
    }
    return bytes / weights;
}

std::optional<FrameSizes> parse_frame_sizes(std::string_view text) {
    if (text == "imix") text = "64:7,594:4,1518:1";
    if (text == "imix-csit") text = "64:28,570:16,1518:4";
    if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
        const auto least = frame_size(text.substr(0, dash));
        const auto most = frame_size(text.substr(dash + 1));
        if (!least || !most || *least > *most) return std::nullopt;
        return FrameSizes{.mix = {}, .range = {{*least, *most}}};
    }
    FrameSizes sizes;
    const auto items = parts(text, ',');
    if (items.size() > 64) return std::nullopt;
    for (const std::string_view item : items) {
        const std::size_t colon = item.find(':');
        const auto bytes = frame_size(item.substr(0, colon));
        const auto weight =
            colon == std::string_view::npos ? std::optional<std::uint64_t>(1) : parse_decimal(item.substr(colon + 1));
        if (!bytes || !weight || *weight == 0 || *weight > kMostWeight) return std::nullopt;
        sizes.mix.push_back({*bytes, static_cast<std::uint32_t>(*weight)});
    }
    return sizes;
}

net::Address nth(const AddressValues& values, std::uint64_t i) noexcept {
    if (!values.listed.empty()) return values.listed[i];
    return with_low_bits(values.first, low_bits(values.first) + i * values.step);
}

std::uint16_t nth(const NumberValues& values, std::uint64_t i) noexcept {
    if (!values.listed.empty()) return values.listed[i];
    return static_cast<std::uint16_t>(values.first + i * values.step);
}

std::optional<AddressValues> parse_addresses(std::string_view text) {
    return parse_values<net::Address>(text, net::Address::parse, prefix_range);
}

std::optional<NumberValues> parse_numbers(std::string_view text, std::uint16_t least, std::uint16_t most) {
    const auto parse = [=](std::string_view digits) -> std::optional<std::uint16_t> {
        const auto value = parse_decimal(digits);
        if (!value || *value < least || *value > most) return std::nullopt;
        return static_cast<std::uint16_t>(*value);
    };
    return parse_values<std::uint16_t>(
        text, parse, +[](std::string_view /*text*/) -> std::optional<Range<std::uint16_t>> { return std::nullopt; });
}

std::optional<std::chrono::milliseconds> parse_time(std::string_view text) {
    Node node;
    node.kind = Node::Kind::kScalar;
    node.scalar = text;
    Complaints nobody_reads("");
    return read_duration(node, "a time", std::chrono::milliseconds(0), std::chrono::hours(24 * 30), nobody_reads);
}

std::optional<MacAddress> parse_mac(std::string_view text) {
    MacAddress mac{};
    const auto bytes = parts(text, ':');
    if (bytes.size() != mac.size()) return std::nullopt;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const char* const last = bytes[i].data() + bytes[i].size();
        const auto [end, error] = std::from_chars(bytes[i].data(), last, mac[i], 16);
        if (bytes[i].size() != 2 || error != std::errc() || end != last) return std::nullopt;
    }
    return mac;
}

std::string_view name(Expect expect) noexcept {
    switch (expect) {
        case Expect::kAny: return "any";
        case Expect::kAllow: return "allow";
        case Expect::kDeny: return "deny";
    }
    return "any";
}

StreamProfile default_stream(std::string name, std::string from, std::string to) {
    StreamProfile stream;
    stream.name = std::move(name);
    stream.from = std::move(from);
    stream.to = std::move(to);
    stream.source.first = net::Address::v4(0xc6120001);       // 198.18.0.1
    stream.destination.first = net::Address::v4(0xc6130001);  // 198.19.0.1
    stream.source_port.first = 49152;
    stream.destination_port.first = 7;  // echo (RFC 2544, appendix C.2.6.4)
    return stream;
}

}  // namespace drywall::loader
