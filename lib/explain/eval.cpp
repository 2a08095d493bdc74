#include "drywall/explain/eval.h"

#include <new>
#include <utility>

#include "answer.h"
#include "drywall/explain/requests.h"
#include "names.h"
#include "question.h"

namespace drywall::explain {

namespace {

// Texts that are kept for the next question with the same trace. There may be millions of traces.
constexpr std::size_t kCachedBytes = std::size_t{256} << 20;

constexpr std::uint8_t kEchoRequest = 8;
constexpr std::uint8_t kEchoRequestV6 = 128;

Error no_port(const policy::Surroundings& around, const std::string& name) {
    std::string known;
    for (const std::string& port : around.port_names) known += (known.empty() ? "" : ", ") + port;
    return Error::of(ErrorKind::kInvalid, "the appliance has no port '" + name + "'", "its ports are " + known);
}

Result<std::size_t> port_called(const policy::Surroundings& around, const std::string& name) {
    for (std::size_t i = 0; i < around.port_names.size(); ++i)
        if (around.port_names[i] == name) return i;
    return no_port(around, name);
}

// Where the connection enters: the port that was named, or the other end of the one where it leaves, or the first one.
Result<std::uint16_t> lane_of(const policy::Surroundings& around, const Question& question) {
    std::optional<std::size_t> in;
    if (!question.in_port.empty()) {
        const Result<std::size_t> port = port_called(around, question.in_port);
        if (!port) return port.error();
        in = *port;
    }
    if (question.out_port.empty()) return static_cast<std::uint16_t>(in.value_or(0));
    const Result<std::size_t> out = port_called(around, question.out_port);
    if (!out) return out.error();
    for (std::size_t i = 0; i < around.peer_of.size(); ++i)
        if (around.peer_of[i] == PortId{static_cast<std::uint16_t>(*out)} && in.value_or(i) == i)
            return static_cast<std::uint16_t>(i);
    return Error::of(
        ErrorKind::kInvalid,
        "nothing that enters by " + (in ? question.in_port : "any port") + " leaves by " + question.out_port,
        "name two ports of one pair, or only one of them");
}

void set_service(const Question& question, net::Tuple& tuple) {
    tuple.protocol = question.protocol;
    if (net::has_ports(tuple.protocol)) {
        tuple.source_port = question.source_port;
        tuple.destination_port = question.destination_port;
    }
    if (net::is_icmp(tuple.protocol)) {
        const std::uint8_t echo = tuple.protocol == net::protocol::kIcmp ? kEchoRequest : kEchoRequestV6;
        const unsigned type = question.icmp_type.value_or(echo);
        tuple.destination_port = static_cast<std::uint16_t>(type << 8 | question.icmp_code.value_or(0));
    }
}

}  // namespace

struct Evaluation::Parts {
    Site site;
    EndpointNames names;
    Judge judge;                     // empty: the compiled ruleset answers
    std::vector<std::string> texts;  // by TraceId; empty until asked for
    std::size_t cached = 0;
    inspect::ConditionWorkspace workspace{};  // of a ruleset that inspects

    [[nodiscard]] Result<std::pair<net::Address, net::Address>> addresses(const Question& question) const {
        const std::optional<net::Address> from = net::Address::parse(question.source);
        const std::optional<net::Address> to = net::Address::parse(question.destination);
        if (from && to && from->family == to->family) return std::pair(*from, *to);
        const Result<Side> source = side_of(*site.ruleset, names, question.source);
        if (!source) return named("src", source.error());
        const Result<Side> destination = side_of(*site.ruleset, names, question.destination);
        if (!destination) return named("dst", destination.error());
        return common_family(*source, *destination);
    }

    static Error named(const std::string& key, Error error) {
        for (Complaint& complaint : error.complaints) complaint.message.insert(0, key + ": ");
        return error;
    }

    [[nodiscard]] Result<net::Tuple> tuple_of(const Question& question) const {
        const auto pair = addresses(question);
        if (!pair) return pair.error();
        const Result<std::uint16_t> lane = lane_of(site.ruleset->surroundings(), question);
        if (!lane) return lane.error();
        net::Tuple tuple;
        tuple.source = pair->first.bytes;
        tuple.destination = pair->second.bytes;
        tuple.family = pair->first.family;
        tuple.ingress_port = *lane;
        set_service(question, tuple);
        return tuple;
    }

    void append_answer(const net::Tuple& tuple, const reference::ConnectionFacts& facts, std::string& out) {
        if (judge) {
            out += json_text(judge(tuple, facts));
            return;
        }
        const TraceId classified = site.ruleset->classify(tuple);
        const bool depends = site.ruleset->verdict(classified).inspection != ruleset::Inspection::kNone;
        const TraceId trace = depends ? site.ruleset->resolve(classified, facts, workspace) : classified;
        std::string& text = texts[index(trace)];
        if (!text.empty()) {
            out += text;
            return;
        }
        std::string fresh = json_text(answer_of(*site.ruleset, trace));
        out += fresh;
        cached += fresh.size();
        if (cached <= kCachedBytes) text = std::move(fresh);
    }
};

Evaluation::Evaluation(const Site& site) : Evaluation(site, Judge()) {}

Evaluation::Evaluation(const Site& site, Judge judge)
    : parts_(new Parts{.site = site,
                       .names = EndpointNames(*site.ruleset, site.inventory.get()),
                       .judge = std::move(judge),
                       .texts = std::vector<std::string>(site.ruleset->trace_count())}) {
    if (site.ruleset->inspects() && !parts_->workspace.grow_for(site.ruleset->conditions())) throw std::bad_alloc();
}

Evaluation::~Evaluation() = default;
Evaluation::Evaluation(Evaluation&&) noexcept = default;
Evaluation& Evaluation::operator=(Evaluation&&) noexcept = default;

void Evaluation::answer(std::string_view line, std::string& out) {
    if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    ++asked_;
    Question question = read_question(line);
    std::optional<net::Tuple> asked;
    reference::ConnectionFacts facts;
    if (question.wrong.empty()) {
        Result<net::Tuple> tuple = parts_->tuple_of(question);
        const Result<reference::ConnectionFacts> shown = connection_facts(question.http, question.sni, question.domain);
        if (shown) facts = *shown;
        if (!tuple || !shown)
            question.wrong = tuple ? shown.error().text() : tuple.error().text();
        else
            asked = *tuple;
    }
    out.append("{\"id\":").append(question.id).append(",");
    if (asked) {
        parts_->append_answer(*asked, facts, out);
    } else {
        ++wrong_;
        out += "\"error\":";
        append_json(out, question.wrong);
    }
    out += "}\n";
}

reference::Answer judged(const ruleset::Ruleset& ruleset, const net::Tuple& tuple,
                         const reference::ConnectionFacts& facts) {
    const TraceId trace = ruleset.classify(tuple);
    if (ruleset.verdict(trace).inspection == ruleset::Inspection::kNone) return answer_of(ruleset, trace);
    inspect::ConditionWorkspace workspace;
    if (!workspace.grow_for(ruleset.conditions())) throw std::bad_alloc();
    return answer_of(ruleset, ruleset.resolve(trace, facts, workspace));
}

}  // namespace drywall::explain
