#include "drywall/loader/settings.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "drywall/net/ethernet.h"

namespace drywall::loader {
namespace {

using namespace std::chrono_literals;

constexpr const char* kMinimal =
    "ports:\n"
    "- {name: inside, device: \"net_af_packet0,iface=eth1\"}\n"
    "- {name: outside, device: \"0000:3b:00.0\"}\n"
    "pairs: [[inside, outside]]\n"
    "workers: {cores: [1]}\n";

Settings loaded(const std::string& text) {
    const auto settings = load_settings({"drywall.yaml", text});
    EXPECT_TRUE(settings) << text << settings.error().text();
    return settings ? *settings : Settings{};
}

Settings with(const std::string& more) { return loaded(kMinimal + more + "\n"); }

std::string complaints(const std::string& text) {
    const auto settings = load_settings({"drywall.yaml", text});
    return settings ? "" : settings.error().text();
}

void expect_complaint(const std::string& more, const std::string& message) {
    const std::string got = complaints(kMinimal + more + "\n");
    EXPECT_NE(got.find(message), std::string::npos) << more << "\n--- got: " << got;
}

TEST(Settings, AMinimalFileGetsTheDocumentedDefaults) {
    const Settings settings = loaded(kMinimal);
    ASSERT_EQ(settings.ports.size(), 2U);
    EXPECT_EQ(settings.ports[0].name, "inside");
    EXPECT_EQ(settings.ports[1].device, "0000:3b:00.0");
    ASSERT_EQ(settings.pairs.size(), 1U);
    EXPECT_EQ(settings.pairs[0].first + settings.pairs[0].second, "insideoutside");
    EXPECT_EQ(settings.worker_cores, (std::vector<unsigned>{1}));
    EXPECT_EQ(settings.memory, Memory::kNoHuge);
    EXPECT_EQ(settings.idle, Idle::kBackoff);
    EXPECT_EQ(settings.posture, Posture::kOpen);
    EXPECT_EQ(settings.unmatched, Verdict::kAllow);
    ASSERT_EQ(settings.non_ip.size(), 1U);
    EXPECT_EQ(settings.non_ip[0].name, 0x0806);
    EXPECT_EQ(settings.non_ip[0].verdict, Verdict::kAllow);
    EXPECT_EQ(settings.non_ip_default, Verdict::kDeny);
    EXPECT_EQ(settings.control_socket, "/run/drywall/api.sock");
    EXPECT_EQ(settings.view_socket, "");
    EXPECT_FALSE(settings.metrics_listen);
    EXPECT_EQ(settings.timeouts.tcp_established, 7440s);
    EXPECT_EQ(settings.half_open_limit, std::nullopt);
    EXPECT_EQ(settings.mid_stream, MidStream::kAllow);
    EXPECT_EQ(settings.tcp_window, TcpWindow::kStrict);
    EXPECT_EQ(settings.swap_timeout, 500ms);
    EXPECT_EQ(settings.fail, Fail::kClosed);
    EXPECT_EQ(settings.distribute, Distribute::kAuto);
    EXPECT_EQ(settings.hung_worker, HungWorker::kReport);
    EXPECT_EQ(settings.hardening.user, "");
    EXPECT_EQ(settings.hardening.seccomp, Seccomp::kEnforce);
}

TEST(Settings, WhatHappensWhenSomethingFailsCanBeWritten) {
    std::string text = kMinimal;
    text.replace(text.find("cores: [1]"), 10, "cores: [1], distribute: always, hung: exit");
    const Settings settings = loaded(text + R"(
fail: open
hardening: {user: drywall, group: wire, seccomp: log, keep-capabilities: [sys_rawio, ipc_lock]}
)");
    EXPECT_EQ(settings.distribute, Distribute::kAlways);
    EXPECT_EQ(settings.hung_worker, HungWorker::kExit);
    EXPECT_EQ(settings.fail, Fail::kOpen);
    EXPECT_EQ(settings.hardening.user, "drywall");
    EXPECT_EQ(settings.hardening.group, "wire");
    EXPECT_EQ(settings.hardening.seccomp, Seccomp::kLog);
    EXPECT_EQ(settings.hardening.keep_capabilities, (std::vector<std::string>{"sys_rawio", "ipc_lock"}));
}

TEST(Settings, FailOpenAndPostureClosedContradictEachOther) {
    expect_complaint("posture: closed\nfail: open", "drywall.yaml:7:7: fail: open contradicts posture: closed");
    expect_complaint("fail: open\nposture: closed", "drywall.yaml:6:7: fail: open contradicts posture: closed");
    EXPECT_EQ(with("fail: closed\nposture: closed").fail, Fail::kClosed);
}

TEST(Settings, RightsThatAreNotThereAreRefused) {
    expect_complaint("hardening: {keep-capabilities: [CAP_SYS_ADMIN]}", "can't be the name of a capability");
    expect_complaint("hardening: {keep-capabilities: [cap_net_raw]}", "without CAP_");
    expect_complaint("hardening: {group: wire}", "hardening.group without hardening.user");
    expect_complaint("hardening: {seccomp: on}", "hardening.seccomp can't be 'on'");
}

TEST(Settings, EverySettingCanBeWritten) {
    const Settings settings = with(R"(
dpdk: {memory: hugepages, memory-mb: 512, packet-buffers: 32768, buffer-bytes: 16384, eal-arguments: [--log-level=8]}
stats-core: 3
control: {socket: /tmp/d.sock, group: netops, view-socket: /tmp/ro.sock, view-group: viewers}
metrics: {listen: "[::1]:9417", rules: 10}
ipfix: {collector: 192.0.2.7:4739, interval: 5s, template-interval: 2m, observation-domain: 7, observation-point: 8, enterprise-number: 9, message-bytes: 512}
posture: closed
unmatched: allow
non-ip: {default: allow, rules: [{ether-type: lldp, action: deny}, {ether-type: "0x88F7", action: deny}]}
neighbour-discovery: judge
addresses: strict
checksums: ignore
failsafe: [{protocol: udp, port: 53, to: [192.0.2.1, "2001:db8::/32"], from: [0.0.0.0/0]}]
pending: calico
flows: {per-worker: 2048, fragments-per-worker: 128, half-open-limit: 300, per-source-limit: 20, mid-stream: drop, tcp-window: observe, report-interval: 2s, existing-grace: 36h, history: {hours: 24, max-mb: 64}, log: {path: /tmp/f.jsonl, max-mb: 1, files: 2}, timeouts: {tcp-established: 2h, tcp-transitory: 4m, tcp-half-open: 20s, tcp-closed: 2m, sctp: 10m, sctp-half-open: 3s, udp: 60s, icmp: 1000ms, other: 1m, fragment: 5s}}
stats: {event-ring: 1024}
swap-timeout: 2s
ruleset-memory-mb: 64
policies: /etc/drywall/policies
log: {level: debug})");
    EXPECT_EQ(settings.memory, Memory::kHugepages);
    EXPECT_EQ(settings.memory_mb, 512U);
    EXPECT_EQ(settings.packet_buffers, 32768U);
    EXPECT_EQ(settings.buffer_bytes, 16384U);
    EXPECT_EQ(settings.eal_arguments, (std::vector<std::string>{"--log-level=8"}));
    EXPECT_EQ(settings.stats_core, 3U);
    EXPECT_EQ(settings.control_socket, "/tmp/d.sock");
    EXPECT_EQ(settings.control_group, "netops");
    EXPECT_EQ(settings.view_socket, "/tmp/ro.sock");
    EXPECT_EQ(settings.view_group, "viewers");
    ASSERT_TRUE(settings.metrics_listen);
    EXPECT_EQ(settings.metrics_listen->text(), "[::1]:9417");
    EXPECT_EQ(settings.metrics_rules, 10U);
    ASSERT_TRUE(settings.ipfix);
    EXPECT_EQ(settings.ipfix->collector.text(), "192.0.2.7:4739");
    EXPECT_EQ(settings.ipfix->interval, 5s);
    EXPECT_EQ(settings.ipfix->template_interval, 2min);
    EXPECT_EQ(settings.ipfix->observation_domain, 7U);
    EXPECT_EQ(settings.ipfix->observation_point, 8U);
    EXPECT_EQ(settings.ipfix->enterprise_number, 9U);
    EXPECT_EQ(settings.ipfix->message_bytes, 512U);
    EXPECT_EQ(settings.posture, Posture::kClosed);
    EXPECT_EQ(settings.unmatched, Verdict::kAllow);
    EXPECT_EQ(settings.non_ip_default, Verdict::kAllow);
    ASSERT_EQ(settings.non_ip.size(), 2U);  // the written list is the whole list: ARP went
    EXPECT_EQ(settings.non_ip[0].name, 0x88cc);
    EXPECT_EQ(settings.non_ip[1].name, 0x88f7);
    EXPECT_FALSE(settings.neighbour_discovery);
    EXPECT_EQ(settings.addresses, net::AddressCheck::kStrict);
    EXPECT_FALSE(settings.verify_checksums);
    ASSERT_EQ(settings.failsafe.size(), 1U);
    EXPECT_EQ(settings.failsafe[0].protocol, 17);
    EXPECT_EQ(settings.failsafe[0].port, 53);
    EXPECT_EQ(settings.failsafe[0].to.at(0).text(), "192.0.2.1/32");
    EXPECT_EQ(settings.failsafe[0].from.size(), 1U);
    EXPECT_TRUE(settings.pending_as_calico);
    EXPECT_EQ(settings.flows_per_worker, 2048U);
    EXPECT_EQ(settings.fragments_per_worker, 128U);
    EXPECT_EQ(settings.flow_report_interval, std::chrono::seconds(2));
    EXPECT_EQ(settings.existing_grace, std::chrono::hours(36));
    EXPECT_EQ(settings.flow_history.keep, std::chrono::hours(24));
    EXPECT_EQ(settings.flow_history.max_mb, 64U);
    EXPECT_EQ(settings.flow_file.path, "/tmp/f.jsonl");
    EXPECT_EQ(settings.flow_file.files, 2U);
    EXPECT_EQ(settings.timeouts.tcp_established, 7200s);
    EXPECT_EQ(settings.timeouts.tcp_half_open, 20s);
    EXPECT_EQ(settings.timeouts.tcp_closed, 120s);
    EXPECT_EQ(settings.timeouts.sctp, 600s);
    EXPECT_EQ(settings.timeouts.sctp_half_open, 3s);
    EXPECT_EQ(settings.half_open_limit, 300U);
    EXPECT_EQ(settings.per_source_limit, 20U);
    EXPECT_EQ(settings.mid_stream, MidStream::kDrop);
    EXPECT_EQ(settings.tcp_window, TcpWindow::kObserve);
    EXPECT_EQ(settings.timeouts.icmp, 1s);
    EXPECT_EQ(settings.timeouts.fragment, 5s);
    EXPECT_EQ(settings.event_ring, 1024U);
    EXPECT_EQ(settings.swap_timeout, 2000ms);
    EXPECT_EQ(settings.ruleset_memory_mb, 64U);
    EXPECT_EQ(settings.policy_directory, "/etc/drywall/policies");
    EXPECT_EQ(settings.log_level, "debug");
}

TEST(Settings, PostureDecidesAboutUnmatchedTrafficUnlessItIsWritten) {
    EXPECT_EQ(with("posture: closed").unmatched, Verdict::kDeny);
    EXPECT_EQ(with("posture: open").unmatched, Verdict::kAllow);
    EXPECT_EQ(with("posture: open\nunmatched: deny").unmatched, Verdict::kDeny);
    EXPECT_EQ(with("posture: closed").mid_stream, MidStream::kDrop);
    EXPECT_EQ(with("posture: open").mid_stream, MidStream::kAllow);
    EXPECT_EQ(with("flows: {mid-stream: allow}\nposture: closed").mid_stream, MidStream::kAllow);
    EXPECT_EQ(with("posture: closed\nflows: {per-worker: 2048}").mid_stream, MidStream::kDrop);
}

TEST(Settings, WhatIsKeptIsKeptForADayUnlessItIsWritten) {
    EXPECT_EQ(with("posture: open").existing_grace, std::chrono::hours(24));
    EXPECT_EQ(with("flows: {existing-grace: 90s}").existing_grace, std::chrono::seconds(90));
    EXPECT_EQ(with("flows: {existing-grace: unlimited}").existing_grace, std::nullopt);
}

TEST(Settings, WhatIsReadInsideOfConnectionsIsDeniedWhereItCanNotBeJudged) {
    const Layer7 layer7 = loaded(kMinimal).layer7;
    for (const Verdict verdict : {layer7.http.http2, layer7.http.not_http, layer7.http.malformed, layer7.http.upgraded,
                                  layer7.http.unseen, layer7.http.over_limit, layer7.tls.missing_sni, layer7.tls.ech})
        EXPECT_EQ(verdict, Verdict::kDeny);
    EXPECT_EQ(layer7.http.max_head_bytes, 16384U);
    EXPECT_EQ(layer7.http.on_deny, OnDeny::kReset);
    EXPECT_EQ(layer7.domains.evidence, DomainEvidence::kAddressAndSni);
    EXPECT_TRUE(layer7.dns.servers.empty());
    EXPECT_EQ(layer7.dns.names, 65536U);
    EXPECT_EQ(layer7.dns.min_ttl, 30s);
    EXPECT_EQ(layer7.dns.max_ttl, 24h);
    EXPECT_EQ(layer7.memory.connections_per_worker, 16384U);
}

TEST(Settings, WhatIsReadInsideOfConnectionsCanBeWritten) {
    const Layer7 layer7 = with(R"(
layer7:
  http: {http2: allow, not-http: allow, malformed: allow, upgraded: allow, unseen: allow, over-limit: allow, max-head-bytes: 2048, on-deny: drop}
  tls: {missing-sni: allow, ech: allow}
  domains: {evidence: address-or-sni}
  dns: {servers: [192.0.2.53, "2001:db8::/64"], names: 2048, questions-per-worker: 128, min-ttl: 0s, max-ttl: 1h, extra-ttl: 10s}
  memory: {connections-per-worker: 100, buffers-mb-per-worker: 2, bytes-per-connection: 8192})")
                              .layer7;
    for (const Verdict verdict : {layer7.http.http2, layer7.http.not_http, layer7.http.malformed, layer7.http.upgraded,
                                  layer7.http.unseen, layer7.http.over_limit, layer7.tls.missing_sni, layer7.tls.ech})
        EXPECT_EQ(verdict, Verdict::kAllow);
    EXPECT_EQ(layer7.http.max_head_bytes, 2048U);
    EXPECT_EQ(layer7.http.on_deny, OnDeny::kDrop);
    EXPECT_EQ(layer7.domains.evidence, DomainEvidence::kAddressOrSni);
    ASSERT_EQ(layer7.dns.servers.size(), 2U);
    EXPECT_EQ(layer7.dns.servers[0].text(), "192.0.2.53/32");
    EXPECT_EQ(layer7.dns.names, 2048U);
    EXPECT_EQ(layer7.dns.questions_per_worker, 128U);
    EXPECT_EQ(layer7.dns.min_ttl, 0s);
    EXPECT_EQ(layer7.dns.max_ttl, 3600s);
    EXPECT_EQ(layer7.dns.extra_ttl, 10s);
    EXPECT_EQ(layer7.memory.connections_per_worker, 100U);
    EXPECT_EQ(layer7.memory.buffers_mb_per_worker, 2U);
    EXPECT_EQ(layer7.memory.bytes_per_connection, 8192U);
    EXPECT_EQ(with("layer7: {domains: {evidence: address}}").layer7.domains.evidence, DomainEvidence::kAddress);
}

TEST(Settings, WhatIsReadInsideOfConnectionsIsRefusedWithItsPlace) {
    expect_complaint("layer7: {htp: {}}", "drywall.yaml:6:10: unknown field 'htp' in layer7; did you mean 'http'?");
    expect_complaint("layer7: {http: {http2: pass}}", "layer7.http.http2 can't be 'pass'");
    expect_complaint("layer7: {http: {max-head-bytes: 100}}", "1024-65536");
    expect_complaint("layer7: {tls: {sni: deny}}", "known fields are missing-sni, ech");
    expect_complaint("layer7: {domains: {evidence: sni}}", "write one of address, address-and-sni, address-or-sni");
    expect_complaint("layer7: {dns: {servers: [dns.example]}}", "is not a network");
    expect_complaint("layer7: {dns: {servers: [0.0.0.0/0]}}", "layer7.dns.servers would believe every machine");
    expect_complaint("layer7: {dns: {min-ttl: 2h, max-ttl: 1h}}",
                     "layer7.dns.min-ttl is longer than layer7.dns.max-ttl");
    expect_complaint("layer7: {dns: {min-ttl: 1500ms}}", "must be whole seconds");
    expect_complaint("layer7: {http: {max-head-bytes: 16384}, memory: {bytes-per-connection: 65535}}",
                     "layer7.memory.bytes-per-connection is less than four times layer7.http.max-head-bytes");
}

TEST(Settings, SpanningTreeIsNamedThoughItHasNoEtherType) {
    const Settings settings =
        with("non-ip: {rules: [{ether-type: stp, action: allow}, {ether-type: 34825, action: allow}]}");
    ASSERT_EQ(settings.non_ip.size(), 2U);
    EXPECT_EQ(settings.non_ip[0].name, net::non_ip::kSpanningTree);
    EXPECT_EQ(settings.non_ip[1].name, 0x8809);
    expect_complaint("non-ip: {rules: [{ether-type: stp, action: allow}, {ether-type: stp, action: deny}]}",
                     "has a rule already");
    expect_complaint("non-ip: {rules: [{ether-type: 0x42, action: allow}]}", "a number from 0x600 to 0xffff");
}

TEST(Settings, PortsAndPairsAgree) {
    EXPECT_EQ(complaints("ports:\n"
                         "- {name: inside, device: a}\n"
                         "- {name: outside, device: b}\n"
                         "pairs:\n"
                         "- [inside, dmz]\n"
                         "workers: {cores: [1]}\n"),
              "drywall.yaml:5:12: port 'dmz' is not defined; defined ports are inside, outside");
    const auto expect = [](const std::string& ports, const std::string& pairs, const std::string& message) {
        const std::string got = complaints("ports: " + ports + "\npairs: " + pairs + "\nworkers: {cores: [1]}\n");
        EXPECT_NE(got.find(message), std::string::npos) << message << "\n--- got: " << got;
    };
    expect("[{name: a, device: x}, {name: a, device: y}]", "[[a, a]]",
           "port 'a' is defined twice; the first is on line 1");
    expect("[{name: a, device: x}, {name: b, device: x}]", "[[a, b]]",
           "device 'x' is used twice; port 'a' has it already");
    expect("[{name: a, device: x}, {name: b, device: y}]", "[[a, b], [b, a]]", "port 'b' is paired twice");
    expect("[{name: a, device: x}, {name: b, device: y}]", "[[a, a]]", "port 'a' is paired twice");
    expect("[{name: a, device: x}, {name: b, device: y}]", "[[a]]", "a pair is a list of two ports");
    expect("[{name: a, device: x}, {name: b, device: y}]", "[]", "pairs is empty");
    expect("[]", "[]", "ports is empty");
    expect("[{name: abcdefghijklmnop, device: x}]", "[]", "at most 15");
    expect("[{name: a}]", "[]", "ports[0].device is missing");
    expect("[{device: a}]", "[]", "ports[0].name is missing");
    expect("[{name: a, device: ''}]", "[]", "can't be a device");
    expect("[{name: 1, device: x}]", "[]", "put it in quotes");
}

TEST(Settings, WhatIsMissingIsNamed) {
    EXPECT_EQ(
        complaints("posture: open\n"),
        "drywall.yaml:1:1: ports is missing\ndrywall.yaml:1:1: pairs is missing\ndrywall.yaml:1:1: workers is missing");
    EXPECT_NE(complaints("").find("the configuration is empty"), std::string::npos);
    EXPECT_NE(complaints(std::string(kMinimal) + "---\na: 1\n").find("a second document"), std::string::npos);
    EXPECT_NE(complaints("- a\n").find("the configuration must be a mapping"), std::string::npos);
    EXPECT_NE(complaints("ports: []\npairs: []\nworkers: {cores: []}\n").find("workers.cores is empty"),
              std::string::npos);
}

TEST(Settings, TyposAndWrongValuesAreRefusedWithTheirPlace) {
    expect_complaint("postur: open", "drywall.yaml:6:1: unknown field 'postur'; did you mean 'posture'?");
    expect_complaint("posture: opne", "posture can't be 'opne'; did you mean 'open'?");
    expect_complaint("unmatched: pass", "write one of allow, deny");
    expect_complaint("dpdk: {memory-mb: 0256}", "dpdk.memory-mb must be a whole number in 64-1048576, not '0256'");
    expect_complaint("dpdk: {memory-mb: 1_024}", "without leading zeros");
    expect_complaint("dpdk: {memory-mb: 32}", "64-1048576");
    expect_complaint("dpdk: {memory-gb: 1}", "did you mean 'memory-mb'?");
    expect_complaint("stats-core: \"0\"", "not the text '0'");
    expect_complaint("stats-core: -1", "must be a whole number");
    expect_complaint("swap-timeout: 500", "write a number with its unit: 500ms, 30s, 5m, 2h");
    expect_complaint("swap-timeout: 1ms", "a duration from 10ms to 60s");
    expect_complaint("swap-timeout: 2d", "a duration");
    expect_complaint("flows: {timeouts: {udp: 1500ms}}", "must be whole seconds");
    expect_complaint("flows: {half-open-limit: -1}", "flows.half-open-limit");
    expect_complaint("flows: {mid-stream: maybe}", "flows.mid-stream");
    expect_complaint("flows: {tcp-window: wide}", "flows.tcp-window");
    expect_complaint("flows: {log: {path: flows.jsonl}}", "is not absolute");
    expect_complaint("flows: {log: {files: 2}}", "path");
    expect_complaint("flows: {report-interval: 10ms}", "a duration from 100ms");
    expect_complaint("flows: {existing-grace: 0s}", "a duration from 1s");
    expect_complaint("flows: {existing-grace: forever}", "or unlimited");
    expect_complaint("flows: {timeouts: {udp: 99999999999999999999h}}", "a duration");
    expect_complaint("control: {socket: api.sock}", "write an absolute path");
    expect_complaint("control: {view-socket: ro.sock}", "write an absolute path");
    expect_complaint("control: {socket: /run/a.sock, view-socket: /run/a.sock}", "give each its own");
    expect_complaint("metrics: {listen: 0.0.0.0:9417}", "metrics.listen 0.0.0.0:9417 is not on the loopback interface");
    expect_complaint("metrics: {listen: \"[::]:9417\"}", "is not on the loopback interface");
    expect_complaint("metrics: {listen: localhost:9417}", "write an address and a port: 127.0.0.1:9417");
    expect_complaint("ipfix: {interval: 5s}", "collector");
    expect_complaint("ipfix: {collector: collector.example:4739}", "ipfix.collector can't be 'collector.example:4739'");
    expect_complaint("ipfix: {collector: 192.0.2.7:4739, message-bytes: 100}", "512-65507");
    expect_complaint("log: {level: verbose}", "write one of trace, debug, info, warn, error, off");
    expect_complaint("neighbour-discovery: true", "write one of pass, judge");
    expect_complaint("pending: true", "write one of overlay, calico");
    expect_complaint("posture:", "posture has no value");
}

TEST(Settings, NonIpRulesNameTypesThatPoliciesDoNotJudge) {
    expect_complaint("non-ip: {rules: [{ether-type: 0x0800, action: allow}]}", "IP is what policies judge");
    expect_complaint("non-ip: {rules: [{ether-type: 0x8100, action: allow}]}", "VLAN tags are looked through");
    expect_complaint("non-ip: {rules: [{ether-type: 0x26, action: allow}]}", "a number from 0x600 to 0xffff");
    expect_complaint("non-ip: {rules: [{ether-type: 0x10000, action: allow}]}", "a number from 0x600 to 0xffff");
    expect_complaint("non-ip: {rules: [{ether-type: arpa, action: allow}]}", "write arp, lldp, stp");
    expect_complaint("non-ip: {rules: [{ether-type: arp, action: allow}, {ether-type: 0x0806, action: deny}]}",
                     "has a rule already");
    expect_complaint("non-ip: {rules: [{ether-type: arp}]}", "non-ip.rules[0].action is missing");
}

TEST(Settings, AFailsafeRuleNamesTheMachinesThatItOpens) {
    expect_complaint("failsafe: [{protocol: tcp, port: 22}]", "failsafe[0].to must name at least one network");
    expect_complaint("failsafe: [{protocol: tcp, port: 22, to: []}]", "on every machine behind the appliance");
    expect_complaint("failsafe: [{protocol: tcp, port: 22, to: [0.0.0.0/0]}]", "would open every machine");
    expect_complaint("failsafe: [{protocol: tcp, port: 22, to: [\"::/0\"]}]", "would open every machine");
    expect_complaint("failsafe: [{protocol: tcp, port: 22, to: [10.0.0.1/24]}]", "is not a network");
    expect_complaint("failsafe: [{protocol: icmp, port: 22, to: [10.0.0.1]}]", "write one of tcp, udp");
    expect_complaint("failsafe: [{protocol: tcp, port: 0, to: [10.0.0.1]}]", "1-65535");
    expect_complaint("failsafe: [{port: 22, to: [10.0.0.1]}]", "failsafe[0].protocol is missing");
}

std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

// With the settings that are commented out: '#key: value', and what is indented below it. Prose has one space after
// '#'.
std::string uncommented(const std::string& sample) {
    std::istringstream in(sample);
    std::string out;
    for (std::string line; std::getline(in, line);) {
        const std::size_t sign = line.find_first_not_of(' ');
        const bool comment = sign != std::string::npos && line[sign] == '#' && sign + 2 < line.size();
        const bool prose = comment && line[sign + 1] == ' ' && line[sign + 2] != ' ';
        out += (comment && !prose ? line.erase(sign, 1) : line) + "\n";
    }
    return out;
}

TEST(Settings, TheSampleConfigurationLoadsAndShowsTheDefaults) {
    const std::filesystem::path file = std::filesystem::path(DRYWALL_CONFIG_DIR) / "drywall.yaml";
    const Settings sample = loaded(text_of(file));
    EXPECT_EQ(sample.ports.size(), 2U);
    const Settings full = loaded(uncommented(text_of(file)));
    const Settings defaults;
    EXPECT_EQ(full.memory_mb, defaults.memory_mb);
    EXPECT_EQ(full.packet_buffers, defaults.packet_buffers);
    EXPECT_EQ(full.buffer_bytes, defaults.buffer_bytes);
    EXPECT_EQ(full.flows_per_worker, defaults.flows_per_worker);
    EXPECT_EQ(full.fragments_per_worker, defaults.fragments_per_worker);
    EXPECT_EQ(full.timeouts.tcp_established, defaults.timeouts.tcp_established);
    EXPECT_EQ(full.timeouts.fragment, defaults.timeouts.fragment);
    EXPECT_EQ(full.event_ring, defaults.event_ring);
    EXPECT_EQ(full.layer7.http.max_head_bytes, defaults.layer7.http.max_head_bytes);
    EXPECT_EQ(full.layer7.domains.evidence, defaults.layer7.domains.evidence);
    EXPECT_EQ(full.layer7.dns.max_ttl, defaults.layer7.dns.max_ttl);
    EXPECT_EQ(full.layer7.dns.servers.size(), 1U);
    EXPECT_EQ(full.layer7.memory.bytes_per_connection, defaults.layer7.memory.bytes_per_connection);
    EXPECT_EQ(full.swap_timeout, defaults.swap_timeout);
    EXPECT_EQ(full.ruleset_memory_mb, defaults.ruleset_memory_mb);
    EXPECT_EQ(full.control_socket, defaults.control_socket);
    EXPECT_EQ(full.log_level, defaults.log_level);
    EXPECT_EQ(full.failsafe.size(), 1U);
    EXPECT_EQ(full.policy_directory, "/etc/drywall/policies");
}

TEST(Settings, TheSamplePoliciesLoadAndAgreeWithEachOther) {
    const auto sources = read_sources((std::filesystem::path(DRYWALL_CONFIG_DIR) / "policies").string());
    ASSERT_TRUE(sources) << sources.error().text();
    policy::Inventory inventory = policy::initial_inventory();
    for (const Source& source : *sources) {
        const auto resources = load_resources(source);
        ASSERT_TRUE(resources) << resources.error().text();
        for (const policy::Resource& resource : *resources)
            inventory[policy::id_of(resource)] = std::make_shared<const policy::Resource>(resource);
    }
    EXPECT_EQ(inventory.size(), policy::initial_inventory().size() + 8);
    const Status status = policy::check(inventory, {"inside", "outside"});
    EXPECT_TRUE(status) << status.error().text();
}

TEST(Settings, SourcesOfPortsAreNetworks) {
    const auto load = [](const std::string& sources) {
        return load_settings({"test.yaml", "ports: [{name: a, device: x, " + sources + "}, {name: b, device: y}]\n" +
                                               "pairs: [[a, b]]\nworkers: {cores: [1]}\n"});
    };
    const auto settings = load("sources: [192.0.2.0/24, '2001:db8::/48', 198.51.100.7], not-sources: [0.0.0.0/0]");
    ASSERT_TRUE(settings) << settings.error().text();
    ASSERT_EQ(settings->ports[0].sources.size(), 3U);
    EXPECT_EQ(settings->ports[0].sources[2].text(), "198.51.100.7/32");
    EXPECT_EQ(settings->ports[0].not_sources.size(), 1U);
    EXPECT_TRUE(settings->ports[1].sources.empty());
    const auto wrong = load("sources: [192.0.2.1/24]");
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().text().find("'192.0.2.1/24' is not a network"), std::string::npos) << wrong.error().text();
}

}  // namespace
}  // namespace drywall::loader
