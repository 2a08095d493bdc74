#include "drywall/observe/flow_json.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "drywall/explain/protocols.h"
#include "drywall/net/packet_meta.h"
#include "drywall/observe/flow_filter.h"

namespace drywall::observe {

namespace {

using Json = nlohmann::ordered_json;

Json policy_json(const HitPolicy& policy) {
    return {{"kind", policy.kind}, {"name", policy.name}, {"namespace", policy.ns}, {"tier", policy.tier}};
}

Json hits_json(const std::vector<Hit>& hits) {
    Json out = Json::array();
    for (const Hit& hit : hits) out.push_back(json_of_hit(hit));
    return out;
}

// Whisker writes labels as one text, `app=web | env=prod`.
std::string labels_text(const policy::Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels) {
        if (!text.empty()) text += " | ";
        text.append(key).append("=").append(value);
    }
    return text;
}

Json doubts_json(Doubt doubt) {
    Json out = Json::array();
    if (has(doubt, Doubt::kHitsUnknown)) out.push_back("hits_unknown");
    if (has(doubt, Doubt::kRecordsLost)) out.push_back("records_lost");
    if (has(doubt, Doubt::kPolicyChanged)) out.push_back("policy_changed");
    return out;
}

void add_party(Json& out, const std::string& side, const Party& party, const net::Address& address) {
    out[side + "_name"] = party.name;
    out[side + "_namespace"] = party.ns;
    out[side + "_type"] = name(party.type);
    out[side + "_labels"] = labels_text(party.labels);
    out[side + "_ip"] = address.text();
}

void add_service(Json& out, const FlowGroup& group) {
    const bool ports = net::has_ports(group.protocol);
    out["protocol"] = explain::protocol_name(group.protocol);
    out["dest_port"] = ports ? group.destination_port : std::uint16_t{0};
    out["source_port"] = ports ? group.source_port : std::uint16_t{0};
    if (net::is_icmp(group.protocol)) {
        out["icmp_type"] = static_cast<std::uint16_t>(group.destination_port >> 8);
        out["icmp_code"] = static_cast<std::uint16_t>(group.destination_port & 0xff);
    }
}

void add_counts(Json& out, const FlowGroup& group) {
    out["num_connections_started"] = group.connections_started;
    out["num_connections_completed"] = group.connections_completed;
    out["num_connections_live"] = group.connections_live;
    out["packets_out"] = group.forward.packets;
    out["bytes_out"] = group.forward.bytes;
    out["packets_in"] = group.reverse.packets;
    out["bytes_in"] = group.reverse.bytes;
}

// Reading: fields of another type or absent read as empty.

std::string text_in(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_in(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

Verdict verdict_in(const Json& json, const char* field) {
    return text_in(json, field) == name(Verdict::kAllow) ? Verdict::kAllow : Verdict::kDeny;
}

WallTime time_in(const Json& json, const char* name) {
    const Result<WallTime> when = moment(text_in(json, name), {});
    return when ? *when : WallTime{};
}

policy::Labels labels_in(const Json& json, const char* name) {
    policy::Labels labels;
    std::string rest = text_in(json, name);
    while (!rest.empty()) {
        const std::size_t end = rest.find(" | ");
        const std::string one = rest.substr(0, end);
        rest = end == std::string::npos ? std::string() : rest.substr(end + 3);
        if (const std::size_t equals = one.find('='); equals != std::string::npos)
            labels.emplace(one.substr(0, equals), one.substr(equals + 1));
    }
    return labels;
}

std::shared_ptr<const Party> party_in(const Json& json, const std::string& side) {
    auto party = std::make_shared<Party>();
    const std::string type = text_in(json, (side + "_type").c_str());
    for (const PartyType known : {PartyType::kWorkload, PartyType::kHost})
        if (type == name(known)) party->type = known;
    party->ns = text_in(json, (side + "_namespace").c_str());
    party->name = text_in(json, (side + "_name").c_str());
    // Records of others (Whisker's) do not say the type.
    if (type.empty() && !party->name.empty()) party->type = PartyType::kWorkload;
    party->labels = labels_in(json, (side + "_labels").c_str());
    return party;
}

std::vector<Hit> hits_in(const Json& json, const char* world) {
    std::vector<Hit> out;
    const auto policies = json.find("policies");
    if (policies == json.end() || !policies->is_object()) return out;
    const auto hits = policies->find(world);
    if (hits == policies->end() || !hits->is_array()) return out;
    for (const Json& hit : *hits)
        if (hit.is_object()) out.push_back(hit_of(text_in(hit, "text")));
    return out;
}

DropReason drop_reason_in(const Json& json) {
    const std::string text = text_in(json, "drop_reason");
    for (const DropReasonText& known : kDropReasons)
        if (text == name(known.reason)) return known.reason;
    return DropReason::kNone;
}

Doubt doubt_in(const Json& json) {
    Doubt doubt = Doubt::kNone;
    const auto reasons = json.find("uncertain_reasons");
    if (reasons == json.end() || !reasons->is_array()) return doubt;
    for (const Json& reason : *reasons) {
        if (reason == "hits_unknown") doubt = doubt | Doubt::kHitsUnknown;
        if (reason == "records_lost") doubt = doubt | Doubt::kRecordsLost;
        if (reason == "policy_changed") doubt = doubt | Doubt::kPolicyChanged;
    }
    return doubt;
}

Decision decision_in(const Json& json) {
    auto decided = std::make_shared<Decided>();
    decided->enforced = verdict_in(json, "action");
    decided->pending = json.contains("pending_action") ? verdict_in(json, "pending_action") : decided->enforced;
    decided->drop_reason = drop_reason_in(json);
    decided->enforced_hits = hits_in(json, "enforced");
    decided->pending_hits = hits_in(json, "pending");
    decided->known = !has(doubt_in(json), Doubt::kHitsUnknown);
    if (const auto owed = json.find("responsible"); owed != json.end() && owed->is_array())
        for (const Json& one : *owed)
            if (one.is_string()) decided->responsible.push_back(one.get<std::string>());
    return decided;
}

void read_service(const Json& json, FlowRecord& flow) {
    flow.protocol = explain::protocol_number(text_in(json, "protocol")).value_or(0);
    flow.destination_port = static_cast<std::uint16_t>(number_in(json, "dest_port"));
    flow.source_port = static_cast<std::uint16_t>(number_in(json, "source_port"));
    if (net::is_icmp(flow.protocol))
        flow.destination_port = static_cast<std::uint16_t>((number_in(json, "icmp_type") & 0xff) << 8 |
                                                           (number_in(json, "icmp_code") & 0xff));
}

void read_counts(const Json& json, FlowRecord& flow) {
    flow.connections_started = number_in(json, "num_connections_started");
    flow.connections_completed = number_in(json, "num_connections_completed");
    flow.connections_live = number_in(json, "num_connections_live");
    flow.forward = {number_in(json, "packets_out"), number_in(json, "bytes_out")};
    flow.reverse = {number_in(json, "packets_in"), number_in(json, "bytes_in")};
}

}  // namespace

std::string utc_text(WallTime time) {
    const auto since = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
    const auto seconds = static_cast<std::time_t>(since >= 0 ? since / 1000 : (since - 999) / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::array<char, 32> date{};
    std::array<char, 8> fraction{};
    (void)std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)std::snprintf(fraction.data(), fraction.size(), ".%03dZ",
                        static_cast<int>(since - static_cast<std::int64_t>(seconds) * 1000));
    return std::string(date.data()) + fraction.data();
}

Json json_of_hit(const Hit& hit) {
    if (hit.policy.kind.empty()) return {{"text", hit.text}};
    Json out = policy_json(hit.policy);
    out["trigger"] = hit.trigger ? policy_json(*hit.trigger) : Json();
    out["action"] = hit.action;
    out["policy_index"] = hit.policy_index;
    out["rule_index"] = hit.rule_index;
    out["text"] = hit.text;
    return out;
}

Json json_of_flow(const FlowGroup& group) {
    Json out = {{"id", group.id},
                {"sequence", group.sequence},
                {"start_time", utc_text(group.first_seen)},
                {"end_time", utc_text(group.last_seen)},
                {"action", name(group.enforced)},
                {"pending_action", name(group.pending)},
                {"drop_reason", group.enforced == Verdict::kAllow ? "" : name(group.decision->drop_reason)}};
    add_party(out, "source", *group.source_party, group.source);
    add_party(out, "dest", *group.destination_party, group.destination);
    add_service(out, group);
    out["reporter"] = "fwd";
    out["ingress_port"] = group.ingress_port;
    out["policies"] = {{"enforced", hits_json(group.decision->enforced_hits)},
                       {"pending", hits_json(group.decision->pending_hits)}};
    out["responsible"] = group.decision->responsible;
    out["generation"] = index(group.generation);
    add_counts(out, group);
    out["uncertain"] = group.uncertain();
    out["uncertain_reasons"] = doubts_json(group.doubt);
    out["lost"] = group.lost;
    return out;
}

Result<FlowGroup> flow_of_json(const Json& json) {
    if (!json.is_object() || !json.contains("action"))
        return Error::of(ErrorKind::kInvalid, "this is no flow",
                         "a flow is what `drywall flows -o jsonl` writes in a line");
    FlowRecord flow;
    const auto source = net::Address::parse(text_in(json, "source_ip"));
    const auto destination = net::Address::parse(text_in(json, "dest_ip"));
    if (source) flow.source = *source;
    if (destination) flow.destination = *destination;
    flow.source_party = party_in(json, "source");
    flow.destination_party = party_in(json, "dest");
    flow.decision = decision_in(json);
    read_service(json, flow);
    read_counts(json, flow);
    flow.ingress_port = text_in(json, "ingress_port");
    flow.generation = Generation{number_in(json, "generation")};
    flow.first_seen = time_in(json, "start_time");
    flow.last_seen = time_in(json, "end_time");
    FlowGroup group(std::move(flow));
    group.sequence = number_in(json, "sequence");
    group.lost = number_in(json, "lost");
    group.doubt = doubt_in(json);
    return group;
}

}  // namespace drywall::observe
