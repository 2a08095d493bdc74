#include "ipfix_records.h"

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "drywall/net/packet_meta.h"

namespace drywall::control {

namespace {

using std::chrono::system_clock;

constexpr std::uint32_t kReverse = 29305;  // RFC 5103's enterprise number for the other direction
constexpr std::uint32_t kIana = 0;
constexpr std::uint32_t kOwn = 0xffffffff;  // stands for the configured enterprise number

struct Element {
    std::uint16_t id;
    std::uint16_t length;
    std::uint32_t enterprise = kIana;
};

enum TemplateId : std::uint16_t {
    kElementTypes = kFirstDataSet,
    kStatistics,
    kFlowIPv4,
    kFlowIPv6,
    kIcmpIPv4,
    kIcmpIPv6,
};

// Drywall's own elements. The data types and semantics are RFC 5610's numbers.
constexpr std::uint8_t kUnsigned8 = 1;
constexpr std::uint8_t kUnsigned64 = 4;
constexpr std::uint8_t kString = 13;
constexpr std::uint8_t kTotalCounter = 2;
constexpr std::uint8_t kIdentifier = 4;
constexpr std::uint8_t kDefault = 0;

struct OwnElement {
    std::uint16_t id;
    std::uint8_t type;
    std::uint8_t semantics;
    std::string_view name;
    std::string_view description;
};

constexpr auto kOwnElements = std::to_array<OwnElement>({
    {1, kUnsigned8, kIdentifier, "drywallPendingFirewallEvent",
     "As firewallEvent, in the world where every staged policy is promoted"},
    {2, kString, kDefault, "drywallEnforcedPolicies", "Rules that decided, in order, as Calico writes them"},
    {3, kString, kDefault, "drywallPendingPolicies", "Rules that would decide once every staged policy is promoted"},
    {4, kString, kDefault, "drywallSourceEndpoint", "Declared endpoint of the source address, or empty"},
    {5, kString, kDefault, "drywallDestinationEndpoint", "Declared endpoint of the destination address, or empty"},
    {6, kUnsigned64, kIdentifier, "drywallGeneration", "Policy generation that judged the flow last"},
    {7, kUnsigned64, kTotalCounter, "drywallFlowRecordsLost", "Records that workers could not hand to the flow log"},
    {8, kUnsigned64, kTotalCounter, "drywallFlowGroupsEvicted", "Groups that the flow log forgot to make room"},
});

// What every flow has behind its addresses and its service, in the order in which add_flow() writes it.
constexpr auto kFlowElements = std::to_array<Element>({
    {4, 1},            // protocolIdentifier
    {152, 8},          // flowStartMilliseconds
    {153, 8},          // flowEndMilliseconds
    {239, 1},          // biflowDirection
    {1, 8},            // octetDeltaCount
    {2, 8},            // packetDeltaCount
    {1, 8, kReverse},  // reverseOctetDeltaCount
    {2, 8, kReverse},  // reversePacketDeltaCount
    {375, 8},          // originalFlowsPresent
    {376, 8},          // originalFlowsInitiated
    {377, 8},          // originalFlowsCompleted
    {148, 8},          // flowId
    {138, 8},          // observationPointId
    {233, 1},          // firewallEvent
    {1, 1, kOwn},      // drywallPendingFirewallEvent
    {6, 8, kOwn},      // drywallGeneration
    {4, kVariableLength, kOwn},
    {5, kVariableLength, kOwn},
    {2, kVariableLength, kOwn},
    {3, kVariableLength, kOwn},
});

constexpr auto kKeyIPv4 = std::to_array<Element>({{8, 4}, {12, 4}, {11, 2}});  // ..., destinationTransportPort
constexpr auto kKeyIPv6 = std::to_array<Element>({{27, 16}, {28, 16}, {11, 2}});
constexpr auto kKeyIcmp = std::to_array<Element>({{8, 4}, {12, 4}, {32, 2}});       // ..., icmpTypeCodeIPv4
constexpr auto kKeyIcmp6 = std::to_array<Element>({{27, 16}, {28, 16}, {139, 2}});  // ..., icmpTypeCodeIPv6

// The first elements of an options template are its scope: what the record is about.
constexpr auto kElementTypesScope = std::to_array<Element>({{346, 4}, {303, 2}});  // privateEnterpriseNumber, element
constexpr auto kElementTypesFields = std::to_array<Element>({
    {339, 1},                // informationElementDataType
    {344, 1},                // informationElementSemantics
    {341, kVariableLength},  // informationElementName
    {340, kVariableLength},  // informationElementDescription
});
constexpr auto kStatisticsScope = std::to_array<Element>({{149, 4}});  // observationDomainId
constexpr auto kStatisticsFields = std::to_array<Element>({
    {42, 8},   // exportedFlowRecordTotalCount
    {166, 8},  // notSentFlowTotalCount
    {7, 8, kOwn},
    {8, 8, kOwn},
});

void write_elements(IpfixBytes& out, std::span<const Element> elements, std::uint32_t enterprise) {
    constexpr std::uint16_t kEnterpriseBit = 0x8000;
    for (const Element& element : elements) {
        out.u16(element.enterprise == kIana ? element.id : element.id | kEnterpriseBit);
        out.u16(element.length);
        if (element.enterprise != kIana) out.u32(element.enterprise == kOwn ? enterprise : element.enterprise);
    }
}

IpfixBytes flow_template(TemplateId id, std::span<const Element> key, std::uint32_t enterprise) {
    IpfixBytes out;
    out.u16(id);
    out.u16(key.size() + kFlowElements.size());
    write_elements(out, key, enterprise);
    write_elements(out, kFlowElements, enterprise);
    return out;
}

IpfixBytes options_template(TemplateId id, std::span<const Element> scope, std::span<const Element> fields,
                            std::uint32_t enterprise) {
    IpfixBytes out;
    out.u16(id);
    out.u16(scope.size() + fields.size());
    out.u16(scope.size());
    write_elements(out, scope, enterprise);
    write_elements(out, fields, enterprise);
    return out;
}

TemplateId template_of(const observe::FlowGroup& group) {
    const bool v4 = group.source.family == net::Family::kIPv4;
    if (net::is_icmp(group.protocol)) return v4 ? kIcmpIPv4 : kIcmpIPv6;
    return v4 ? kFlowIPv4 : kFlowIPv6;
}

// firewallEvent's values (IANA): 1 flow created, 2 flow deleted, 3 flow denied, 5 flow update.
std::uint8_t event_of(Verdict verdict, const FlowDelta& delta) {
    if (verdict == Verdict::kDeny) return 3;
    if (delta.started > 0) return 1;
    return delta.completed > 0 ? 2 : 5;
}

// As many whole hits as fit, first ones first; "..." where some are left out.
std::string joined(const std::vector<std::string>& hits) {
    constexpr std::string_view kMore = ",...";
    std::string out;
    for (const std::string& hit : hits) {
        if (!out.empty() && out.size() + 1 + hit.size() + kMore.size() > IpfixBytes::kLongestText)
            return out.append(kMore);
        out += (out.empty() ? "" : ",") + hit;
    }
    return out;
}

}  // namespace

void add_templates(IpfixPacker& packer, std::uint32_t enterprise, system_clock::time_point now) {
    packer.add(kOptionsTemplateSet,
               options_template(kElementTypes, kElementTypesScope, kElementTypesFields, enterprise), now);
    packer.add(kOptionsTemplateSet, options_template(kStatistics, kStatisticsScope, kStatisticsFields, enterprise),
               now);
    packer.add(kTemplateSet, flow_template(kFlowIPv4, kKeyIPv4, enterprise), now);
    packer.add(kTemplateSet, flow_template(kFlowIPv6, kKeyIPv6, enterprise), now);
    packer.add(kTemplateSet, flow_template(kIcmpIPv4, kKeyIcmp, enterprise), now);
    packer.add(kTemplateSet, flow_template(kIcmpIPv6, kKeyIcmp6, enterprise), now);
    for (const OwnElement& element : kOwnElements) {
        IpfixBytes record;
        record.u32(enterprise);
        record.u16(element.id);
        record.u8(element.type);
        record.u8(element.semantics);
        record.text(element.name);
        record.text(element.description);
        packer.add(kElementTypes, record, now);
    }
}

void add_flow(IpfixPacker& packer, const observe::FlowGroup& group, const FlowDelta& delta,
              std::uint64_t observation_point, system_clock::time_point now) {
    constexpr std::uint8_t kInitiator = 1;  // biflowDirection: source and destination are those of who began
    IpfixBytes record;
    record.address(group.source);
    record.address(group.destination);
    record.u16(group.destination_port);
    record.u8(group.protocol);
    record.milliseconds(delta.since);
    record.milliseconds(group.last_seen);
    record.u8(kInitiator);
    record.u64(delta.forward.bytes);
    record.u64(delta.forward.packets);
    record.u64(delta.reverse.bytes);
    record.u64(delta.reverse.packets);
    record.u64(group.connections_live);
    record.u64(delta.started);
    record.u64(delta.completed);
    record.u64(group.id);
    record.u64(observation_point);
    record.u8(event_of(group.enforced, delta));
    record.u8(event_of(group.pending, delta));
    record.u64(index(group.generation));
    record.text(group.source_name);
    record.text(group.destination_name);
    record.text(joined(group.enforced_hits));
    record.text(joined(group.pending_hits));
    packer.add(template_of(group), record, now, true);
}

void add_statistics(IpfixPacker& packer, const ExportStatistics& statistics, std::uint32_t observation_domain,
                    system_clock::time_point now) {
    IpfixBytes record;
    record.u32(observation_domain);
    record.u64(statistics.flows_sent);
    record.u64(statistics.flows_not_sent);
    record.u64(statistics.records_lost);
    record.u64(statistics.groups_evicted);
    packer.add(kStatistics, record, now);
}

}  // namespace drywall::control
