#include "drywall/whatif/recorded_flows.h"

#include <algorithm>
#include <istream>
#include <iterator>
#include <tuple>
#include <utility>

#include "drywall/explain/first_packet.h"
#include "drywall/explain/parameters.h"
#include "drywall/explain/protocols.h"

namespace drywall::whatif {

namespace {

using explain::Json;

Error missing(const std::string& field, const std::string& wanted) {
    return Error::of(ErrorKind::kInvalid, "'" + field + "' is missing or is not " + wanted,
                     "give records as `drywall flows -o jsonl` writes them");
}

// A number made in this process may be of a signed type though it is none.
std::optional<std::uint64_t> natural(const Json& value) {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0) return std::nullopt;
    return static_cast<std::uint64_t>(value.get<std::int64_t>());
}

std::string text_of(const Json& record, const char* field) {
    const auto found = record.find(field);
    if (found == record.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    const auto number = natural(*found);
    return number ? std::to_string(*number) : std::string();
}

std::uint64_t number_of(const Json& record, const char* field) {
    const auto found = record.find(field);
    return found == record.end() ? 0 : natural(*found).value_or(0);
}

std::optional<std::uint16_t> port_of(const Json& record, const char* field, std::uint64_t most = 65535) {
    const auto found = record.find(field);
    const auto number = found == record.end() ? std::nullopt : natural(*found);
    if (!number || *number > most) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

Status read_service(const Json& record, RecordedFlow& flow) {
    const auto protocol = explain::protocol_number(text_of(record, "protocol"));
    if (!protocol) return missing("protocol", "a protocol's name or number");
    flow.protocol = *protocol;
    if (net::is_icmp(flow.protocol)) {
        const auto type = port_of(record, "icmp_type", 255);
        const auto code = port_of(record, "icmp_code", 255);
        if (!type || !code) return missing("icmp_type' or 'icmp_code", "a number up to 255");
        flow.destination_port = static_cast<std::uint16_t>(*type << 8U | *code);
        return Done{};
    }
    flow.source_port = port_of(record, "source_port").value_or(0);
    if (!net::has_ports(flow.protocol)) return Done{};
    const auto port = port_of(record, "dest_port");
    if (!port) return missing("dest_port", "a port");
    flow.destination_port = *port;
    return Done{};
}

// The appliance's flow file has a line for every request inside of a connection, too; the connection has its own.
bool is_of_a_request(const Json& record) { return record.is_object() && text_of(record, "record") == "request"; }

void place(Error& error, const std::string& name, int line) {
    for (Complaint& complaint : error.complaints) complaint.place = {name, line, 0};
}

// Takes what `from` holds: a record, or an answer with a list of them.
class Collector {
public:
    explicit Collector(std::string name) : name_(std::move(name)) {}

    void take(const Json& json, int line) {
        const auto list = json.is_object() ? json.find("flows") : json.end();
        if (!json.is_object() || list == json.end() || !list->is_array()) return take_record(json, line);
        for (const Json& record : *list) take_record(record, line);
    }
    void complain(Error error, int line) {
        place(error, name_, line);
        for (Complaint& complaint : error.complaints)
            if (wrong_.complaints.size() < kMostComplaints) wrong_.complaints.push_back(std::move(complaint));
    }
    [[nodiscard]] bool full() const noexcept { return wrong_.complaints.size() >= kMostComplaints; }
    Result<std::vector<RecordedFlow>> result() {
        if (!wrong_.complaints.empty()) return std::move(wrong_);
        return std::move(flows_);
    }

private:
    void take_record(const Json& record, int line) {
        if (is_of_a_request(record)) return;
        Result<RecordedFlow> flow = recorded_flow(record);
        if (flow)
            flows_.push_back(*std::move(flow));
        else
            complain(std::move(flow).error(), line);
    }

    std::string name_;
    std::vector<RecordedFlow> flows_;
    Error wrong_{ErrorKind::kInvalid, {}};
};

// Year, month, day, hour, minute, second: "2026-11-22T12:15:07"
std::optional<WallTime> whole_seconds(std::string_view text) {
    constexpr std::string_view kPattern = "dddd-dd-ddTdd:dd:dd";
    if (text.size() != kPattern.size()) return std::nullopt;
    std::vector<int> numbers(1, 0);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (digit != (kPattern[i] == 'd') || (!digit && text[i] != kPattern[i])) return std::nullopt;
        if (digit)
            numbers.back() = numbers.back() * 10 + (text[i] - '0');
        else
            numbers.push_back(0);
    }
    using namespace std::chrono;
    const year_month_day date{year(numbers[0]), month(static_cast<unsigned>(numbers[1])),
                              day(static_cast<unsigned>(numbers[2]))};
    if (!date.ok() || numbers[3] > 23 || numbers[4] > 59 || numbers[5] > 60) return std::nullopt;
    return WallTime(sys_days(date)) + hours(numbers[3]) + minutes(numbers[4]) + seconds(numbers[5]);
}

std::string digits(int value, std::size_t width) {
    const std::string text = std::to_string(value);
    return std::string(width - std::min(width, text.size()), '0') + text;
}

}  // namespace

Amount RecordedFlow::amount() const noexcept {
    telemetry::PacketsBytes traffic = forward;
    traffic += reverse;
    return {connections, traffic};
}

std::optional<WallTime> parse_time(std::string_view text) {
    if (text.empty() || text.back() != 'Z') return std::nullopt;
    text.remove_suffix(1);
    std::optional<WallTime> time = whole_seconds(text.substr(0, text.find('.')));
    if (!time || text.find('.') == std::string_view::npos) return time;
    std::string_view fraction = text.substr(text.find('.') + 1);
    if (fraction.empty() || fraction.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    int milliseconds = 0;
    for (std::size_t i = 0; i < 3; ++i)
        milliseconds = milliseconds * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
    return *time + std::chrono::milliseconds(milliseconds);
}

std::optional<WallTime> parse_since(std::string_view text, WallTime now) {
    if (const auto time = parse_time(text)) return time;
    if (text.size() < 2 || text.size() > 7) return std::nullopt;  // no number that would not fit
    const auto number = explain::parse_number(text.substr(0, text.size() - 1));
    if (!number) return std::nullopt;
    const auto count = static_cast<std::int64_t>(*number);
    switch (text.back()) {
        case 's': return now - std::chrono::seconds(count);
        case 'm': return now - std::chrono::minutes(count);
        case 'h': return now - std::chrono::hours(count);
        case 'd': return now - std::chrono::hours(24 * count);
        default: return std::nullopt;
    }
}

std::string time_text(WallTime time) {
    using namespace std::chrono;
    const auto day_start = floor<days>(time);
    const year_month_day date(day_start);
    const hh_mm_ss clock(time - day_start);
    return digits(static_cast<int>(date.year()), 4) + '-' + digits(static_cast<int>(unsigned(date.month())), 2) + '-' +
           digits(static_cast<int>(unsigned(date.day())), 2) + 'T' +
           digits(static_cast<int>(clock.hours().count()), 2) + ':' +
           digits(static_cast<int>(clock.minutes().count()), 2) + ':' +
           digits(static_cast<int>(clock.seconds().count()), 2) + '.' +
           digits(static_cast<int>(clock.subseconds().count()), 3) + 'Z';
}

Result<RecordedFlow> recorded_flow(const Json& record) {
    if (!record.is_object()) return Error::of(ErrorKind::kInvalid, "is no JSON object", "give one record per line");
    RecordedFlow flow;
    const auto source = net::Address::parse(text_of(record, "source_ip"));
    if (!source) return missing("source_ip", "an address");
    const auto destination = net::Address::parse(text_of(record, "dest_ip"));
    if (!destination) return missing("dest_ip", "an address");
    if (source->family != destination->family)
        return Error::of(ErrorKind::kInvalid, "'source_ip' and 'dest_ip' are of different families", "give one family");
    flow.source = *source;
    flow.destination = *destination;
    if (Status read = read_service(record, flow); !read) return std::move(read).error();
    const std::string action = text_of(record, "action");
    if (action != "allow" && action != "deny") return missing("action", "'allow' or 'deny'");
    flow.action = action == "allow" ? Verdict::kAllow : Verdict::kDeny;
    // What lives since before its policies changed was not started under these.
    flow.connections =
        std::max(number_of(record, "num_connections_started"), number_of(record, "num_connections_live"));
    flow.forward = {number_of(record, "packets_out"), number_of(record, "bytes_out")};
    flow.reverse = {number_of(record, "packets_in"), number_of(record, "bytes_in")};
    flow.ingress_port = text_of(record, "ingress_port");
    flow.first = parse_time(text_of(record, "start_time"));
    flow.last = parse_time(text_of(record, "end_time"));
    return flow;
}

Result<std::vector<RecordedFlow>> read_recorded_flows(std::istream& in, const std::string& name) {
    Collector collector(name);
    // A whole answer may be written over many lines; records are one per line.
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (const Json whole = Json::parse(text, nullptr, false); !whole.is_discarded()) {
        collector.take(whole, 1);
        return collector.result();
    }
    int line = 0;
    for (std::size_t at = 0; at < text.size() && !collector.full();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view record = std::string_view(text).substr(at, end - at);
        at = end + 1;
        ++line;
        if (record.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        const Json json = Json::parse(record, nullptr, false);
        if (json.is_discarded())
            collector.complain(Error::of(ErrorKind::kInvalid, "is no JSON", "give one record per line"), line);
        else
            collector.take(json, line);
    }
    return collector.result();
}

net::Tuple first_packet(const RecordedFlow& flow, PortId ingress) {
    return explain::first_packet(flow.source, flow.destination, flow.protocol,
                                 {flow.source_port, flow.destination_port}, ingress);
}

namespace {

RejudgedFlow judge(const ruleset::Ruleset& ruleset, RecordedFlow flow) {
    const std::vector<std::string>& ports = ruleset.surroundings().port_names;
    const auto entered = std::find(ports.begin(), ports.end(), flow.ingress_port);
    const bool known = entered != ports.end();
    RejudgedFlow judged{std::move(flow), {}};
    const auto outcomes = [&](const net::Tuple& tuple) {
        return std::pair(explain::Regime{&ruleset, World::kEnforced}.outcome(tuple),
                         explain::Regime{&ruleset, World::kPending}.outcome(tuple));
    };
    const PortId port{static_cast<std::uint16_t>(known ? entered - ports.begin() : 0)};
    const net::Tuple tuple = first_packet(judged.recorded, port);
    judged.trace = ruleset.classify(tuple);
    std::tie(judged.enforced, judged.pending) = outcomes(tuple);
    for (std::size_t other = 1; !known && other < ports.size(); ++other)
        if (outcomes(first_packet(judged.recorded, PortId(other))) != std::pair(judged.enforced, judged.pending))
            judged.uncertain = true;
    return judged;
}

bool differs_from(Verdict recorded, explain::Outcome outcome) {
    return outcome != (recorded == Verdict::kAllow ? explain::Outcome::kAllow : explain::Outcome::kDeny);
}

Verdict verdict_of(explain::Outcome outcome) {
    return outcome == explain::Outcome::kAllow ? Verdict::kAllow : Verdict::kDeny;
}

}  // namespace

void FlowRejudge::add(RecordedFlow flow) {
    using explain::Outcome;
    RejudgedFlow judged = judge(ruleset_, std::move(flow));
    const Verdict recorded = judged.recorded.action;
    const Amount amount = judged.recorded.amount();
    const bool was_allowed = recorded == Verdict::kAllow;
    (was_allowed ? replay_.recorded_allowed : replay_.recorded_denied) += amount;
    if (judged.uncertain) {
        replay_.uncertain += amount;
    } else {
        if (judged.undecided())
            replay_.undecided += amount;
        else
            replay_.judged.add(verdict_of(judged.enforced), verdict_of(judged.pending), amount);
        if (judged.enforced != Outcome::kDepends && differs_from(recorded, judged.enforced))
            (was_allowed ? replay_.enforced_newly_denied : replay_.enforced_newly_allowed) += amount;
        if (judged.pending != Outcome::kDepends && differs_from(recorded, judged.pending))
            (was_allowed ? replay_.pending_newly_denied : replay_.pending_newly_allowed) += amount;
    }
    if (keep_ == Keep::kDiffering && !judged.differs()) return;
    if (replay_.flows.size() < most_kept_)
        replay_.flows.push_back(std::move(judged));
    else
        replay_.flows_left_out += amount.connections;
}

bool RejudgedFlow::differs() const noexcept {
    return uncertain || differs_from(recorded.action, enforced) || differs_from(recorded.action, pending);
}

FlowReplay rejudge(const ruleset::Ruleset& ruleset, std::vector<RecordedFlow> flows) {
    FlowRejudge all(ruleset, FlowRejudge::Keep::kAll);
    for (RecordedFlow& flow : flows) all.add(std::move(flow));
    return all.take();
}

}  // namespace drywall::whatif
