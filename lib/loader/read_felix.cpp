// FelixConfiguration: the failsafe ports of protected hosts, which are policy; and everything else that it can say,
// which is about the machine that Felix runs on.
#include <algorithm>
#include <array>

#include "resource_readers.h"

namespace drywall::loader {
namespace {

// Fields that change verdicts or what is logged where Felix runs, and don't here. A value that asks for what happens
// here anyway needs no warning.
struct Effect {
    std::string_view field;
    std::string_view same;  // the value that says what this appliance does; "" when there is none
    std::string_view here;
};

constexpr std::string_view kAccepts =
    "a packet that policies allow leaves by the other port, and nobody else judges it";
constexpr std::string_view kDrops = "a denied packet is dropped without an answer";
constexpr std::string_view kTunnels = "packets of tunnels are judged by policies like any other";
constexpr std::string_view kLogs = "how Log rules are reported is said by the appliance's configuration";

constexpr std::array kEffects{
    Effect{"allowIPIPPacketsFromWorkloads", "true", kTunnels},
    Effect{"allowVXLANPacketsFromWorkloads", "true", kTunnels},
    Effect{"defaultEndpointToHostAction", "Accept",
           "a workload's own host is one more address, judged by policies only"},
    Effect{"disableConntrackInvalidCheck", "",
           "the appliance's configuration says what happens to packets of no connection"},
    Effect{"flowLogsPolicyEvaluationMode", "Continuous", "the pending verdict of every flow is always known"},
    Effect{"iptablesFilterAllowAction", "Accept", kAccepts},
    Effect{"iptablesFilterDenyAction", "Drop", kDrops},
    Effect{"iptablesMangleAllowAction", "Accept", kAccepts},
    Effect{"ipv6Support", "true", "IPv4 and IPv6 are always judged alike"},
    Effect{"logActionRateLimit", "", kLogs},
    Effect{"logActionRateLimitBurst", "", kLogs},
    Effect{"logPrefix", "", kLogs},
    Effect{"nftablesFilterAllowAction", "Accept", kAccepts},
    Effect{"nftablesFilterDenyAction", "Drop", kDrops},
    Effect{"nftablesMangleAllowAction", "Accept", kAccepts},
    Effect{"workloadSourceSpoofing", "Any", "a packet's source address says whose it is, whichever way it came"},
};

// Fields about routes, tunnels, addresses, metrics and the data plane of the machine: no packet on a wire is judged by
// them. Calico v3.34.
constexpr std::array<std::string_view, 169> kOfTheMachine{"awsSrcDstCheck",
                                                          "bpfAttachType",
                                                          "bpfCTLBLogFilter",
                                                          "bpfConnectTimeLoadBalancing",
                                                          "bpfConnectTimeLoadBalancingEnabled",
                                                          "bpfConntrackLogLevel",
                                                          "bpfConntrackMode",
                                                          "bpfConntrackTimeouts",
                                                          "bpfDSROptoutCIDRs",
                                                          "bpfDataIfacePattern",
                                                          "bpfDisableGROForIfaces",
                                                          "bpfDisableUnprivileged",
                                                          "bpfEnabled",
                                                          "bpfEnforceRPF",
                                                          "bpfExcludeCIDRsFromNAT",
                                                          "bpfExportBufferSizeMB",
                                                          "bpfExtToServiceConnmark",
                                                          "bpfExternalServiceMode",
                                                          "bpfForceTrackPacketsFromIfaces",
                                                          "bpfHostConntrackBypass",
                                                          "bpfHostNetworkedNATWithoutCTLB",
                                                          "bpfIPFragTimeout",
                                                          "bpfIPFragmentReassemblyEnabled",
                                                          "bpfJITHardening",
                                                          "bpfKubeProxyHealthzPort",
                                                          "bpfKubeProxyIptablesCleanupEnabled",
                                                          "bpfKubeProxyMinSyncPeriod",
                                                          "bpfL3IfacePattern",
                                                          "bpfLogFilters",
                                                          "bpfLogLevel",
                                                          "bpfMaglevMaxEndpointsPerService",
                                                          "bpfMaglevMaxServices",
                                                          "bpfMapSizeConntrack",
                                                          "bpfMapSizeConntrackCleanupQueue",
                                                          "bpfMapSizeConntrackScaling",
                                                          "bpfMapSizeIPSets",
                                                          "bpfMapSizeIfState",
                                                          "bpfMapSizeNATAffinity",
                                                          "bpfMapSizeNATBackend",
                                                          "bpfMapSizeNATFrontend",
                                                          "bpfMapSizePerCpuConntrack",
                                                          "bpfMapSizeRoute",
                                                          "bpfOverlayHostSourceIP",
                                                          "bpfPSNATPorts",
                                                          "bpfPolicyDebugEnabled",
                                                          "bpfProfiling",
                                                          "bpfRedirectToPeer",
                                                          "cgroupV2Path",
                                                          "chainInsertMode",
                                                          "dataplaneDriver",
                                                          "dataplaneWatchdogTimeout",
                                                          "debugDisableLogDropping",
                                                          "debugHost",
                                                          "debugMemoryProfilePath",
                                                          "debugPort",
                                                          "debugSimulateCalcGraphHangAfter",
                                                          "debugSimulateDataplaneApplyDelay",
                                                          "debugSimulateDataplaneHangAfter",
                                                          "deviceRouteProtocol",
                                                          "deviceRouteSourceAddress",
                                                          "deviceRouteSourceAddressIPv6",
                                                          "endpointReportingDelay",
                                                          "endpointReportingEnabled",
                                                          "endpointStatusPathPrefix",
                                                          "externalNodesList",
                                                          "featureDetectOverride",
                                                          "featureGates",
                                                          "floatingIPs",
                                                          "flowLogsCollectorDebugTrace",
                                                          "flowLogsFlushInterval",
                                                          "flowLogsGoldmaneServer",
                                                          "flowLogsLocalReporter",
                                                          "genericXDPEnabled",
                                                          "goGCThreshold",
                                                          "goMaxProcs",
                                                          "goMemoryLimitMB",
                                                          "healthEnabled",
                                                          "healthHost",
                                                          "healthPort",
                                                          "healthTimeoutOverrides",
                                                          "interfaceExclude",
                                                          "interfacePrefix",
                                                          "interfaceRefreshInterval",
                                                          "ipForwarding",
                                                          "ipipEnabled",
                                                          "ipipMTU",
                                                          "ipsetsRefreshInterval",
                                                          "iptablesBackend",
                                                          "iptablesLockProbeInterval",
                                                          "iptablesMarkMask",
                                                          "iptablesNATOutgoingInterfaceFilter",
                                                          "iptablesPostWriteCheckInterval",
                                                          "iptablesRefreshInterval",
                                                          "ipv4ElevatedRoutePriority",
                                                          "ipv4NormalRoutePriority",
                                                          "ipv6ElevatedRoutePriority",
                                                          "ipv6NormalRoutePriority",
                                                          "istioAmbientMode",
                                                          "istioDSCPMark",
                                                          "kubeNodePortRanges",
                                                          "liveMigrationRouteConvergenceTime",
                                                          "localSubnetL2Reachability",
                                                          "localSubnetL2ReachabilityRefreshInterval",
                                                          "logDebugFilenameRegex",
                                                          "logFilePath",
                                                          "logSeverityFile",
                                                          "logSeverityScreen",
                                                          "logSeveritySys",
                                                          "maxIpsetSize",
                                                          "metadataAddr",
                                                          "metadataPort",
                                                          "mtuIfacePattern",
                                                          "natOutgoingAddress",
                                                          "natOutgoingExclusions",
                                                          "natPortRange",
                                                          "netlinkTimeout",
                                                          "nftablesFlowTableDataIfacePattern",
                                                          "nftablesFlowTableOffload",
                                                          "nftablesMarkMask",
                                                          "nftablesMode",
                                                          "nftablesRefreshInterval",
                                                          "openstackRegion",
                                                          "policySyncPathPrefix",
                                                          "programClusterRoutes",
                                                          "prometheusGoMetricsEnabled",
                                                          "prometheusMetricsCAFile",
                                                          "prometheusMetricsCertFile",
                                                          "prometheusMetricsClientAuth",
                                                          "prometheusMetricsEnabled",
                                                          "prometheusMetricsHost",
                                                          "prometheusMetricsKeyFile",
                                                          "prometheusMetricsPort",
                                                          "prometheusProcessMetricsEnabled",
                                                          "prometheusWireGuardMetricsEnabled",
                                                          "removeExternalRoutes",
                                                          "reportingInterval",
                                                          "reportingTTL",
                                                          "requireMTUFile",
                                                          "routeRefreshInterval",
                                                          "routeSource",
                                                          "routeSyncDisabled",
                                                          "routeTableRange",
                                                          "routeTableRanges",
                                                          "serviceLoopPrevention",
                                                          "sidecarAccelerationEnabled",
                                                          "usageReportingEnabled",
                                                          "usageReportingInitialDelay",
                                                          "usageReportingInterval",
                                                          "useInternalDataplaneDriver",
                                                          "vxlanEnabled",
                                                          "vxlanMTU",
                                                          "vxlanMTUV6",
                                                          "vxlanPort",
                                                          "vxlanVNI",
                                                          "windowsManageFirewallRules",
                                                          "wireguardEnabled",
                                                          "wireguardEnabledV6",
                                                          "wireguardHostEncryptionEnabled",
                                                          "wireguardInterfaceName",
                                                          "wireguardInterfaceNameV6",
                                                          "wireguardKeepAlive",
                                                          "wireguardListeningPort",
                                                          "wireguardListeningPortV6",
                                                          "wireguardMTU",
                                                          "wireguardMTUV6",
                                                          "wireguardRoutingRulePriority",
                                                          "wireguardThreadingEnabled",
                                                          "xdpEnabled",
                                                          "xdpRefreshInterval"};

std::optional<policy::FailsafePort> read_failsafe_port(const Node& item, const std::string& list,
                                                       Complaints& complaints) {
    static constexpr std::array<Choice<std::uint8_t>, 3> kProtocols{
        Choice<std::uint8_t>{"TCP", std::uint8_t{6}}, {"UDP", std::uint8_t{17}}, {"SCTP", std::uint8_t{132}}};
    Fields fields(item, "a port in " + list, complaints);
    policy::FailsafePort out;
    if (const Node* node = fields.require("protocol")) {
        out.protocol = read_choice<std::uint8_t>(*node, fields.path_to("protocol"), kProtocols, complaints).value_or(0);
    }
    if (const Node* node = fields.require("port")) {
        out.port =
            static_cast<std::uint16_t>(read_integer(*node, fields.path_to("port"), 1, 65535, complaints).value_or(0));
    }
    if (const auto text = fields.text("net"); text && !text->empty()) {
        out.net = net::Prefix::parse_loose(*text);
        const Node& node = *item.find("net");
        if (!out.net) {
            complaints.add(node.line, node.column, shown(*text) + " is neither an address nor a network",
                           "write it as 10.0.0.0/8 or 2001:db8::/32");
        }
    }
    fields.finish();
    if (!item.is_mapping()) return std::nullopt;
    return out;
}

// Absent: Calico's defaults. An empty list: none.
std::optional<std::vector<policy::FailsafePort>> read_failsafe_ports(Fields& spec, std::string_view name) {
    spec.ignore(name);
    if (spec.node().find(name) == nullptr) return std::nullopt;
    std::vector<policy::FailsafePort> ports;
    for (const Node& item : spec.list(name, kUnlimited)) {
        if (const auto port = read_failsafe_port(item, spec.path_to(name), spec.complaints())) ports.push_back(*port);
    }
    return ports;
}

void warn_of_effects(Fields& spec) {
    for (const Effect& effect : kEffects) {
        const Node* value = spec.take(effect.field);
        if (value == nullptr || (value->is_scalar() && value->scalar == effect.same)) continue;
        spec.complaints().warn(value->line, value->column, spec.path_to(effect.field) + " has no effect here",
                               std::string(effect.here));
    }
}

// `default` is for every host, `node.<name>` for one.
void warn_of_a_name_that_nobody_reads(Fields& spec, const policy::Metadata& metadata) {
    if (metadata.name.empty() || metadata.name == "default" || metadata.name.starts_with("node.")) return;
    spec.complaints().warn(metadata.place.line, metadata.place.column,
                           "nothing reads a FelixConfiguration called " + shown(metadata.name),
                           "call it 'default', or 'node.<name>' for the HostEndpoints of one node");
}

}  // namespace

policy::FelixConfiguration read_felix_configuration(Fields& spec, const policy::Metadata& metadata) {
    policy::FelixConfiguration felix;
    felix.failsafe_inbound = read_failsafe_ports(spec, "failsafeInboundHostPorts");
    felix.failsafe_outbound = read_failsafe_ports(spec, "failsafeOutboundHostPorts");
    if (felix.failsafe_inbound || felix.failsafe_outbound) {
        spec.unsupported("nodeSelector",
                         "failsafe ports would be open on more hosts than was written; use node.<name>");
    } else {
        spec.ignore("nodeSelector");
    }
    warn_of_effects(spec);
    for (const std::string_view field : kOfTheMachine) spec.ignore(field);
    spec.finish();
    warn_of_a_name_that_nobody_reads(spec, metadata);
    return felix;
}

}  // namespace drywall::loader
