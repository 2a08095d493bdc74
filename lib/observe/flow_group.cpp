#include "drywall/observe/flow_group.h"

#include <array>
#include <charconv>
#include <utility>

#include "drywall/explain/first_packet.h"

namespace drywall::observe {

namespace {

std::vector<std::string_view> fields_of(std::string_view text) {
    std::vector<std::string_view> out;
    for (std::size_t at = text.find('|'); at != std::string_view::npos; at = text.find('|')) {
        out.push_back(text.substr(0, at));
        text.remove_prefix(at + 1);
    }
    out.push_back(text);
    return out;
}

int whole_number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// Goldmane's PolicyKind names for Calico's short kinds; the last five are beyond it.
std::string kind_name(std::string_view kind) {
    constexpr auto kKinds = std::to_array<std::pair<std::string_view, std::string_view>>({
        {"gnp", "GlobalNetworkPolicy"},
        {"sgnp", "StagedGlobalNetworkPolicy"},
        {"np", "CalicoNetworkPolicy"},
        {"snp", "StagedNetworkPolicy"},
        {"knp", "NetworkPolicy"},
        {"sknp", "StagedKubernetesNetworkPolicy"},
        {"kcnp", "ClusterNetworkPolicy"},
        {"pro", "Profile"},
        {"eot", "EndOfTier"},
        {"kanp", "AdminNetworkPolicy"},
        {"kbanp", "BaselineAdminNetworkPolicy"},
        {"hep", "HostEndpoint"},
        {"cfg", "Configuration"},
    });
    for (const auto& [known, full] : kKinds)
        if (known == kind) return std::string(full);
    return std::string(kind);
}

bool is_mark(std::string_view tier) noexcept { return tier.starts_with("__"); }  // "__PROFILE__" is no tier

HitPolicy policy_of(std::string_view subject, std::string_view tier) {
    const std::size_t colon = subject.find(':');
    const std::string_view kind = colon == std::string_view::npos ? subject : subject.substr(0, colon);
    std::string_view name = colon == std::string_view::npos ? std::string_view{} : subject.substr(colon + 1);
    std::string_view ns;
    // A failsafe port is called "tcp/22": that is no namespace.
    if (const std::size_t slash = name.find('/'); slash != std::string_view::npos && kind != "hep" && kind != "cfg") {
        ns = name.substr(0, slash);
        name.remove_prefix(slash + 1);
    }
    return {kind_name(kind), std::string(ns), std::string(name), is_mark(tier) ? std::string() : std::string(tier)};
}

const std::shared_ptr<const Party>& nobody() {
    static const auto party = std::make_shared<const Party>();
    return party;
}

const Decision& undecided() {
    static const auto decision = std::make_shared<const Decided>();
    return decision;
}

std::vector<std::string> texts_of(const std::vector<Hit>& hits) {
    std::vector<std::string> out;
    out.reserve(hits.size());
    for (const Hit& hit : hits) out.push_back(hit.text);
    return out;
}

// FNV-1a: spread well enough for a name, and the same on every machine and in every run.
class Digest {
public:
    void add(std::string_view bytes) noexcept {
        for (const char byte : bytes) add(static_cast<std::uint8_t>(byte));
        add(std::uint8_t{0xff});
    }
    void add(std::uint8_t byte) noexcept { value_ = (value_ ^ byte) * 0x100000001b3ULL; }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_ ^ (value_ >> 32); }

private:
    std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace

std::string_view name(PartyType type) noexcept {
    switch (type) {
        case PartyType::kWorkload: return "wep";
        case PartyType::kHost: return "hep";
        case PartyType::kNetwork: return "net";
    }
    return "net";
}

Hit hit_of(std::string text) {
    Hit hit;
    const std::vector<std::string_view> fields = fields_of(text);
    if (fields.size() == 5) {
        hit.policy = policy_of(fields[2], fields[1]);
        hit.action = fields[3];
        hit.policy_index = whole_number(fields[0]);
        hit.rule_index = whole_number(fields[4]);
        if (hit.rule_index == -1 && !is_mark(fields[1])) {
            hit.trigger = std::move(hit.policy);
            hit.policy = {"EndOfTier", {}, {}, hit.trigger->tier};
        }
    }
    hit.text = std::move(text);
    return hit;
}

FlowRecord::FlowRecord() : source_party(nobody()), destination_party(nobody()), decision(undecided()) {}

FlowGroup::FlowGroup(FlowRecord record)
    : FlowRecord(std::move(record)),
      id(flow_id(*this)),
      source_name(source_party->id),
      destination_name(destination_party->id),
      enforced(decision->enforced),
      pending(decision->pending),
      enforced_hits(texts_of(decision->enforced_hits)),
      pending_hits(texts_of(decision->pending_hits)),
      doubt(decision->known ? Doubt::kNone : Doubt::kHitsUnknown) {}

net::Tuple first_packet(const FlowRecord& flow, PortId ingress) noexcept {
    return explain::first_packet(flow.source, flow.destination, flow.protocol,
                                 {flow.source_port, flow.destination_port}, ingress);
}

std::uint64_t flow_id(const FlowRecord& record) noexcept {
    Digest digest;
    for (const net::Address* address : {&record.source, &record.destination}) {
        digest.add(static_cast<std::uint8_t>(address->family));
        for (const std::uint8_t byte : address->bytes) digest.add(byte);
    }
    digest.add(record.protocol);
    digest.add(static_cast<std::uint8_t>(record.destination_port >> 8));
    digest.add(static_cast<std::uint8_t>(record.destination_port & 0xff));
    digest.add(name(record.decision->enforced));
    digest.add(name(record.decision->pending));
    for (const Hit& hit : record.decision->enforced_hits) digest.add(hit.text);
    digest.add("pending");
    for (const Hit& hit : record.decision->pending_hits) digest.add(hit.text);
    return digest.value() & ((std::uint64_t{1} << 53) - 1);
}

}  // namespace drywall::observe
