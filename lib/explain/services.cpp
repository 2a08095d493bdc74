#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string>

#include "drywall/explain/matrix.h"
#include "drywall/explain/protocols.h"

namespace drywall::explain {

namespace {

namespace protocol = net::protocol;

struct Interval {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};

bool concerns(const classify::ServiceMatch& match, std::uint8_t number) {
    return (!match.protocol || *match.protocol == number) && (!match.not_protocol || *match.not_protocol != number);
}

void add(std::vector<Interval>& named, const std::vector<classify::PortRange>& ranges) {
    for (const classify::PortRange& range : ranges) named.push_back({range.first, range.last});
}

void add(std::vector<Interval>& named, const std::optional<classify::IcmpMatch>& icmp) {
    if (!icmp) return;
    const std::uint32_t type = std::uint32_t{icmp->type} << 8;
    named.push_back(icmp->code ? Interval{type | *icmp->code, type | *icmp->code} : Interval{type, type | 0xff});
}

// Every interval of destination ports (ICMP: type and code) that a rule about this protocol names.
std::vector<Interval> named_by_rules(const classify::Program& program, std::uint8_t number) {
    std::vector<Interval> named;
    for (const classify::Rule& rule : program.rules) {
        if (!concerns(rule.service, number)) continue;
        if (net::has_ports(number)) {
            add(named, rule.service.destination_ports);
            add(named, rule.service.not_destination_ports);
        } else {
            add(named, rule.service.icmp);
            add(named, rule.service.not_icmp);
        }
    }
    return named;
}

bool covers(const std::vector<Interval>& named, std::uint32_t value) {
    return std::any_of(named.begin(), named.end(),
                       [&](const Interval& range) { return range.first <= value && value <= range.last; });
}

// Cuts overlapping intervals where one of them begins or ends.
std::vector<Interval> elementary(const std::vector<Interval>& named) {
    std::set<std::uint32_t> edges;
    for (const Interval& range : named) {
        edges.insert(range.first);
        edges.insert(range.last + 1);
    }
    std::vector<Interval> out;
    for (auto edge = edges.begin(); edge != edges.end() && std::next(edge) != edges.end(); ++edge)
        if (covers(named, *edge)) out.push_back({*edge, *std::next(edge) - 1});
    return out;
}

// A value that no rule names; the usual suspects first.
std::optional<std::uint16_t> unnamed_value(const std::vector<Interval>& pieces, std::uint8_t number) {
    const bool icmp = net::is_icmp(number);
    const std::uint32_t usual = number == protocol::kIcmp ? 8U << 8 : icmp ? 128U << 8 : 9U;  // echo; discard
    if (!covers(pieces, usual)) return static_cast<std::uint16_t>(usual);
    std::uint32_t candidate = icmp ? 0 : 1;
    for (const Interval& piece : pieces) {
        if (candidate < piece.first) break;
        candidate = piece.last + 1;
    }
    if (candidate > 0xffff) return std::nullopt;
    return static_cast<std::uint16_t>(candidate);
}

void add_services(std::vector<Service>& out, const classify::Program& program, std::uint8_t number) {
    const std::vector<Interval> pieces = elementary(named_by_rules(program, number));
    for (const Interval& piece : pieces)
        out.push_back({number, static_cast<std::uint16_t>(piece.first), static_cast<std::uint16_t>(piece.last), false});
    if (const auto rest = unnamed_value(pieces, number)) out.push_back({number, *rest, *rest, true});
}

std::string icmp_text(std::uint16_t first, std::uint16_t last) {
    const auto type = [](std::uint16_t value) { return std::to_string(value >> 8); };
    const auto code = [](std::uint16_t value) { return std::to_string(value & 0xff); };
    if (first == last) return type(first) + '/' + code(first);
    if ((first & 0xff) == 0 && (last & 0xff) == 0xff)
        return type(first) == type(last) ? type(first) : type(first) + '-' + type(last);
    return type(first) + '/' + code(first) + '-' + (type(first) == type(last) ? "" : type(last) + '/') + code(last);
}

std::optional<unsigned> number_in(std::string_view text, unsigned most) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
    return value;
}

// "8" or "8/0", as in "icmp/8/0"
std::optional<std::uint16_t> icmp_value(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::optional<unsigned> type = number_in(text.substr(0, slash), 255);
    const std::optional<unsigned> code =
        slash == std::string_view::npos ? std::optional<unsigned>(0) : number_in(text.substr(slash + 1), 255);
    if (!type || !code) return std::nullopt;
    return static_cast<std::uint16_t>(*type << 8 | *code);
}

Error no_service(std::string_view text) {
    return Error::of(ErrorKind::kInvalid, "'" + std::string(text) + "' is not a service",
                     "write tcp/8080, udp/53, icmp/8/0, or a protocol alone");
}

}  // namespace

std::string Service::text() const {
    std::string name = protocol_name(protocol);
    if (!net::has_ports(protocol) && !net::is_icmp(protocol)) return name;
    if (other) return name + "/other";
    if (net::is_icmp(protocol)) return name + '/' + icmp_text(first, last);
    return name + '/' + std::to_string(first) + (first == last ? "" : '-' + std::to_string(last));
}

std::vector<Service> services_of(const classify::Program& program) {
    std::set<std::uint8_t> mentioned;
    for (const classify::Rule& rule : program.rules) {
        if (rule.service.protocol) mentioned.insert(*rule.service.protocol);
        if (rule.service.not_protocol) mentioned.insert(*rule.service.not_protocol);
    }
    std::vector<Service> out;
    for (const std::uint8_t number : {protocol::kTcp, protocol::kUdp, protocol::kIcmp, protocol::kIcmpv6}) {
        add_services(out, program, number);
        mentioned.erase(number);
    }
    for (const std::uint8_t number : mentioned) {
        if (net::has_ports(number))
            add_services(out, program, number);
        else
            out.push_back({number, 0, 0, true});
    }
    return out;
}

Result<Service> parse_service(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::optional<std::uint8_t> number = protocol_number(text.substr(0, slash));
    if (!number) return no_service(text);
    if (slash == std::string_view::npos) return Service{*number, 0, 0, true};
    const std::string_view rest = text.substr(slash + 1);
    if (rest == "other") return Service{*number, 0, 0, true};
    if (net::is_icmp(*number)) {
        const std::optional<std::uint16_t> value = icmp_value(rest);
        if (!value) return no_service(text);
        return Service{*number, *value, *value, false};
    }
    const std::optional<unsigned> port = number_in(rest, 65535);
    if (!port || *port == 0 || !net::has_ports(*number)) return no_service(text);
    return Service{*number, static_cast<std::uint16_t>(*port), static_cast<std::uint16_t>(*port), false};
}

}  // namespace drywall::explain
