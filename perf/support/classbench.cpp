#include "classbench.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

namespace drywall::perf {
namespace {

constexpr std::size_t kHeaderBytes = 17;
constexpr classify::PortRange kAllPorts{0, 65535};

struct CloseStream {
    void operator()(std::FILE* stream) const noexcept { (void)std::fclose(stream); }
};
struct ClosePipe {
    void operator()(std::FILE* stream) const noexcept { (void)pclose(stream); }
};

std::string read_all(std::FILE* stream) {
    std::string content;
    std::array<char, 1 << 16> part{};
    for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), stream)) != 0;) {
        content.append(part.data(), got);
    }
    return content;
}

Error unreadable(const std::filesystem::path& file) {
    return Error::of(ErrorKind::kInvalid, "'" + file.string() + "' can't be read, or is empty",
                     "give a file in ClassBench's format, plain or packed with xz");
}

std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char letter : text) out += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return out + "'";
}

Result<std::string> content_of(const std::filesystem::path& file) {
    std::string content;
    if (file.extension() == ".xz") {
        const std::string command = "xz -dc -- " + quoted(file.string());
        const std::unique_ptr<std::FILE, ClosePipe> stream(popen(command.c_str(), "r"));
        if (stream) content = read_all(stream.get());
    } else {
        const std::unique_ptr<std::FILE, CloseStream> stream(std::fopen(file.c_str(), "rb"));
        if (stream) content = read_all(stream.get());
    }
    if (content.empty()) return unreadable(file);
    return content;
}

std::optional<FiveTupleRule> parse_rule(const char* line) {
    std::array<unsigned, 4> from{};
    std::array<unsigned, 4> to{};
    unsigned from_length = 0;
    unsigned to_length = 0;
    std::array<unsigned, 4> ports{};
    unsigned protocol = 0;
    unsigned mask = 0;
    const int read = std::sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &from[0], &from[1],
                                 &from[2], &from[3], &from_length, &to[0], &to[1], &to[2], &to[3], &to_length,
                                 &ports[0], &ports[1], &ports[2], &ports[3], &protocol, &mask);
    const auto is_byte = [](unsigned value) { return value <= 255; };
    if (read != 16 || from_length > 32 || to_length > 32 || !std::ranges::all_of(from, is_byte) ||
        !std::ranges::all_of(to, is_byte) || std::ranges::any_of(ports, [](unsigned port) { return port > 65535; }) ||
        ports[0] > ports[1] || ports[2] > ports[3] || protocol > 255 || mask > 255)
        return std::nullopt;
    const auto prefix = [](const std::array<unsigned, 4>& bytes, unsigned length) {
        const std::uint32_t address = bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
        const std::uint32_t kept = length == 0 ? 0 : address >> (32 - length) << (32 - length);
        return FiveTuplePrefix{kept, static_cast<std::uint8_t>(length)};
    };
    const auto range = [](unsigned first, unsigned last) {
        return classify::PortRange{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
    };
    return FiveTupleRule{prefix(from, from_length),           prefix(to, to_length),
                         range(ports[0], ports[1]),           range(ports[2], ports[3]),
                         static_cast<std::uint8_t>(protocol), static_cast<std::uint8_t>(mask)};
}

Status parse_rules(const std::string& content, const std::filesystem::path& file, std::vector<FiveTupleRule>& rules) {
    std::size_t number = 0;
    for (std::size_t at = 0; at < content.size();) {
        const std::size_t end = std::min(content.find('\n', at), content.size());
        const std::string line = content.substr(at, end - at);
        at = end + 1;
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        const auto rule = parse_rule(line.c_str());
        if (!rule) {
            return Error::of(ErrorKind::kInvalid,
                             file.string() + ":" + std::to_string(number) + ": '" + line + "' is no rule",
                             "write @sip/len dip/len splo : sphi dplo : dphi proto/mask");
        }
        rules.push_back(*rule);
    }
    return Done{};
}

Status parse_headers(const std::string& content, const std::filesystem::path& file,
                     std::vector<FiveTupleHeader>& headers) {
    if (content.size() % kHeaderBytes != 0) {
        return Error::of(ErrorKind::kInvalid,
                         "'" + file.string() + "' has " + std::to_string(content.size()) +
                             " bytes, which is no multiple of " + std::to_string(kHeaderBytes),
                         "give a file of packed headers of 17 bytes");
    }
    for (std::size_t at = 0; at < content.size(); at += kHeaderBytes) {
        FiveTupleHeader header;
        const char* bytes = content.data() + at;
        std::memcpy(&header.source, bytes, 4);
        std::memcpy(&header.destination, bytes + 4, 4);
        std::memcpy(&header.source_port, bytes + 8, 2);
        std::memcpy(&header.destination_port, bytes + 10, 2);
        std::memcpy(&header.protocol, bytes + 12, 1);
        std::memcpy(&header.first_match, bytes + 13, 4);
        headers.push_back(header);
    }
    return Done{};
}

bool names_ports(const FiveTupleRule& rule) {
    return !(rule.source_ports == kAllPorts) || !(rule.destination_ports == kAllPorts);
}

// The protocols that a rule's value under its mask stands for; empty: all.
std::vector<std::uint8_t> protocols_of(const FiveTupleRule& rule) {
    std::vector<std::uint8_t> protocols;
    if (rule.protocol_mask == 0) return protocols;
    for (unsigned protocol = 0; protocol < 256; ++protocol) {
        if (((protocol ^ rule.protocol) & rule.protocol_mask) == 0) {
            protocols.push_back(static_cast<std::uint8_t>(protocol));
        }
    }
    return protocols;
}

// A made-up perimeter.
class SetMaker {
public:
    explicit SetMaker(std::uint64_t seed) : random_(seed) {
        for (std::uint32_t& network : networks_) network = below(1 << 24) << 8;
    }

    FiveTupleSet make(std::size_t rules, std::size_t headers) {
        FiveTupleSet set;
        for (std::size_t at = 0; at < rules; ++at) set.rules.push_back(rule());
        for (std::size_t at = 0; at < headers; ++at) {
            set.headers.push_back(header(set.rules[below(rules)], set.rules[below(rules)]));
            FiveTupleHeader& made = set.headers.back();
            const auto first =
                std::ranges::find_if(set.rules, [&](const FiveTupleRule& rule) { return perf::matches(rule, made); });
            if (first != set.rules.end()) made.first_match = static_cast<std::uint32_t>(first - set.rules.begin());
        }
        return set;
    }

private:
    std::uint32_t below(std::size_t bound) {
        return static_cast<std::uint32_t>(std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_));
    }

    FiveTuplePrefix prefix() {
        constexpr std::array<std::uint8_t, 10> kLengths{0, 8, 16, 21, 24, 24, 28, 32, 32, 32};
        const std::uint8_t length = kLengths[below(kLengths.size())];
        const std::uint32_t address = networks_[below(networks_.size())] | below(256);
        return {length == 0 ? 0 : address >> (32 - length) << (32 - length), length};
    }

    classify::PortRange ports() {
        constexpr std::array<std::uint16_t, 6> kKnown{22, 25, 53, 80, 443, 1521};
        const auto port = static_cast<std::uint16_t>(below(3) == 0 ? below(65536) : kKnown[below(kKnown.size())]);
        if (below(4) != 0) return {port, port};
        return {port, static_cast<std::uint16_t>(std::min<std::uint32_t>(65535, port + below(2000)))};
    }

    FiveTupleRule rule() {
        FiveTupleRule rule{prefix(), prefix(), kAllPorts, kAllPorts, 0, 0};
        if (below(10) == 0) return rule;
        rule.protocol_mask = 255;
        rule.protocol = below(3) == 0 ? net::protocol::kUdp : net::protocol::kTcp;
        rule.destination_ports = ports();
        if (below(8) == 0) rule.source_ports = ports();
        return rule;
    }

    // Most lie in one rule; some have the other one's destination.
    FiveTupleHeader header(const FiveTupleRule& rule, const FiveTupleRule& other) {
        const auto inside = [&](const FiveTuplePrefix& prefix) {
            const std::uint32_t mask = prefix.length == 0 ? 0xffffffff : 0xffffffff >> 1 >> (prefix.length - 1);
            return prefix.address | (below(std::size_t{1} << 32) & mask);
        };
        const auto within = [&](classify::PortRange range) {
            return static_cast<std::uint16_t>(range.first + below(std::size_t{range.last} - range.first + 1));
        };
        const bool mixed = below(10) == 0;
        FiveTupleHeader header;
        header.source = inside(rule.source);
        header.destination = inside((mixed ? other : rule).destination);
        header.source_port = within(rule.source_ports);
        header.destination_port = within((mixed ? other : rule).destination_ports);
        header.protocol = rule.protocol_mask == 0 ? net::protocol::kTcp : rule.protocol;
        return header;
    }

    std::mt19937_64 random_;
    std::array<std::uint32_t, 200> networks_{};
};

// A Program whose one walk is a list of rules.
class ListWriter {
public:
    explicit ListWriter(net::Family family) : family_(family) {}

    classify::Program write(const std::vector<FiveTupleRule>& rules) {
        for (std::uint32_t at = 0; at < rules.size(); ++at) add(rules[at], HitId{at});
        const HitId none{static_cast<std::uint32_t>(rules.size())};
        classify::Walk walk{
            .tiers = {{std::move(list_), Action::kDeny, none}}, .otherwise = Verdict::kDeny, .otherwise_hit = none};
        program_.walks.push_back(std::move(walk));
        program_.lanes.push_back({.ingress_port = classify::Walks{}, .egress_port = {}});
        return std::move(program_);
    }

private:
    void add(const FiveTupleRule& rule, HitId hit) {
        classify::Rule made{
            .source = match(rule.source), .destination = match(rule.destination), .action = Action::kAllow, .hit = hit};
        if (!(rule.source_ports == kAllPorts)) made.service.source_ports = {rule.source_ports};
        if (!(rule.destination_ports == kAllPorts)) made.service.destination_ports = {rule.destination_ports};
        const std::vector<std::uint8_t> protocols = protocols_of(rule);
        if (protocols.empty()) append(made);
        for (const std::uint8_t protocol : protocols) {
            made.service.protocol = protocol;
            append(made);
        }
    }

    void append(const classify::Rule& rule) {
        list_.push_back(classify::RuleIndex{static_cast<std::uint32_t>(program_.rules.size())});
        program_.rules.push_back(rule);
    }

    classify::AddressMatch match(const FiveTuplePrefix& prefix) {
        if (prefix.length == 0) return {};
        const auto next = static_cast<std::uint32_t>(program_.sets.size());
        const auto [known, fresh] = sets_.try_emplace({prefix.address, prefix.length}, next);
        if (fresh) program_.sets.push_back({{prefix_of(prefix, family_)}});
        return {.in = {classify::SetId{known->second}}, .not_in = {}};
    }

    net::Family family_;
    classify::Program program_;
    std::vector<classify::RuleIndex> list_;
    std::map<std::pair<std::uint32_t, std::uint8_t>, std::uint32_t> sets_;
};

}  // namespace

net::Prefix prefix_of(const FiveTuplePrefix& prefix, net::Family family) {
    if (family == net::Family::kIPv4) return net::Prefix::around(net::Address::v4(prefix.address), prefix.length);
    net::Address address{net::Family::kIPv6, {}};
    if (prefix.length == 0) return {address, 0};
    address.bytes = {0x20, 0x01, 0x0d, 0xb8};
    for (std::size_t at = 0; at < 4; ++at) {
        address.bytes[4 + at] = static_cast<std::uint8_t>(prefix.address >> (24 - 8 * at));
    }
    return {address, static_cast<std::uint8_t>(32 + prefix.length)};
}

bool matches(const FiveTupleRule& rule, const FiveTupleHeader& header) noexcept {
    return rule.source.holds(header.source) && rule.destination.holds(header.destination) &&
           rule.source_ports.first <= header.source_port && header.source_port <= rule.source_ports.last &&
           rule.destination_ports.first <= header.destination_port &&
           header.destination_port <= rule.destination_ports.last &&
           ((header.protocol ^ rule.protocol) & rule.protocol_mask) == 0;
}

Result<FiveTupleSet> read_classbench(const std::filesystem::path& rules, const std::filesystem::path& headers) {
    FiveTupleSet set;
    const auto rule_text = content_of(rules);
    if (!rule_text) return rule_text.error();
    if (Status status = parse_rules(*rule_text, rules, set.rules); !status) return status.error();
    const auto header_bytes = content_of(headers);
    if (!header_bytes) return header_bytes.error();
    if (Status status = parse_headers(*header_bytes, headers, set.headers); !status) return status.error();
    if (set.rules.empty()) return unreadable(rules);
    const auto is_known = [&](const FiveTupleHeader& header) {
        return header.first_match == kNoRule || header.first_match < set.rules.size();
    };
    if (!std::ranges::all_of(set.headers, is_known)) {
        return Error::of(ErrorKind::kInvalid,
                         "'" + headers.string() + "' names rules that '" + rules.string() + "' has not",
                         "give the headers that were made for these rules");
    }
    return set;
}

FiveTupleSet make_set(std::size_t rules, std::size_t headers, std::uint64_t seed) {
    return SetMaker(seed).make(rules, headers);
}

Status rename_protocols(FiveTupleSet& set) {
    std::set<std::uint8_t> with_ports;
    for (const FiveTupleRule& rule : set.rules) {
        if (!names_ports(rule)) continue;
        const std::vector<std::uint8_t> protocols = protocols_of(rule);
        with_ports.insert(protocols.begin(), protocols.end());
        if (protocols.empty() || with_ports.size() > 3) {
            return Error::of(ErrorKind::kRefused, "the rules give ports to more than three protocols",
                             "only TCP, UDP and SCTP have ports; leave the ports of the others out");
        }
    }
    std::array<std::uint8_t, 256> name{};
    for (std::size_t at = 0; at < name.size(); ++at) name[at] = static_cast<std::uint8_t>(at);
    for (const std::uint8_t protocol : with_ports) {
        if (net::has_ports(name[protocol])) continue;
        for (const std::uint8_t free : {net::protocol::kTcp, net::protocol::kUdp, net::protocol::kSctp}) {
            const auto holder = std::ranges::find(name, free) - name.begin();
            if (with_ports.contains(static_cast<std::uint8_t>(holder))) continue;
            std::swap(name[protocol], name[static_cast<std::size_t>(holder)]);
            break;
        }
    }
    for (FiveTupleRule& rule : set.rules) {
        if (rule.protocol_mask == 255)
            rule.protocol = name[rule.protocol];
        else if (rule.protocol_mask != 0 && !with_ports.empty()) {
            return Error::of(ErrorKind::kRefused, "the rules name protocols by part of their bits",
                             "name whole protocols");
        }
    }
    for (FiveTupleHeader& header : set.headers) header.protocol = name[header.protocol];
    return Done{};
}

classify::Program program_of(const std::vector<FiveTupleRule>& rules, net::Family family) {
    return ListWriter(family).write(rules);
}

net::Tuple tuple_of(const FiveTupleHeader& header, net::Family family) {
    const auto address = [&](std::uint32_t v4) { return prefix_of({v4, 32}, family).address.bytes; };
    return {.source = address(header.source),
            .destination = address(header.destination),
            .source_port = header.source_port,
            .destination_port = header.destination_port,
            .protocol = header.protocol,
            .family = family,
            .ingress_port = 0};
}

}  // namespace drywall::perf
