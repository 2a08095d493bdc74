// Settings: the appliance's own configuration, config/drywall.yaml. Strict in the same way as policy files.
//
// Threads: values, read once at start.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/base/verdict.h"
#include "drywall/loader/resources.h"
#include "drywall/net/address.h"
#include "drywall/net/address_check.h"
#include "drywall/net/socket_address.h"
#include "drywall/policy/surroundings.h"

namespace drywall::loader {

enum class Memory : std::uint8_t { kNoHuge, kHugepages };
enum class Idle : std::uint8_t { kBusy, kBackoff };
enum class Distribute : std::uint8_t { kAuto, kAlways, kNever };
enum class Posture : std::uint8_t { kOpen, kClosed };
enum class Fail : std::uint8_t { kClosed, kOpen };
enum class HungWorker : std::uint8_t { kReport, kExit };
enum class Seccomp : std::uint8_t { kEnforce, kLog, kOff };
enum class Existing : std::uint8_t { kRecheck, kKeep, kReset };
enum class MidStream : std::uint8_t { kAllow, kObserve, kDrop };
enum class TcpWindow : std::uint8_t { kStrict, kObserve };
enum class OnDeny : std::uint8_t { kReset, kDrop };
using policy::DomainEvidence;

struct PortSettings {
    std::string name;    // what policies, counters and people call it; at most 15 characters, as an interface name
    std::string device;  // PCI address ("0000:3b:00.0") or DPDK vdev ("net_af_packet0,iface=eth1")
    std::vector<net::Prefix> sources;      // that may enter by it; empty: any,
    std::vector<net::Prefix> not_sources;  // but these
};

struct PairSettings {
    std::string first;
    std::string second;
};

struct NonIpRule {
    std::uint16_t name = 0;  // an ether type, or net::non_ip::kSpanningTree
    Verdict verdict = Verdict::kAllow;
};

// Transit traffic that no policy can cut off. A CIDR is required: an empty one would open every machine behind the box.
struct FailsafeRule {
    std::uint8_t protocol = 6;      // tcp or udp
    std::uint16_t port = 0;         // destination
    std::vector<net::Prefix> to;    // destinations, not empty
    std::vector<net::Prefix> from;  // sources; empty: any
};

// Connections by which the site is managed: what a change may not cut off unnoticed.
struct ManagementRule {
    std::uint8_t protocol = 6;    // tcp or udp
    std::uint16_t port = 0;       // destination
    std::vector<net::Prefix> to;  // destinations; empty: any
};

struct FlowTimeouts {
    std::chrono::seconds tcp_established{7440};
    std::chrono::seconds tcp_transitory{240};
    std::chrono::seconds tcp_half_open{30};
    std::chrono::seconds tcp_closed{30};
    std::chrono::seconds sctp{300};
    std::chrono::seconds sctp_half_open{30};
    std::chrono::seconds udp{120};
    std::chrono::seconds icmp{30};
    std::chrono::seconds other{120};
    std::chrono::seconds fragment{10};
};

// Flows on disk: what was counted, by the second, then by the minute. The file lies in the state directory.
struct FlowHistory {
    std::chrono::hours keep{48};
    std::uint32_t max_mb = 1024;  // of the file; 0: no history on disk
};

// Flows as JSON lines, for other programs. The current file, and those before it with a number at the end.
struct FlowFile {
    std::string path;  // empty: none
    std::uint32_t max_mb = 100;
    std::uint32_t files = 5;
};

// Flows for a collector, as IPFIX over UDP.
struct IpfixExport {
    net::SocketAddress collector;
    std::chrono::milliseconds interval{10'000};
    std::chrono::milliseconds template_interval{60'000};
    std::uint32_t observation_domain = 1;
    std::uint64_t observation_point = 1;
    std::uint32_t enterprise_number = 32473;  // set aside for documentation (RFC 5612)
    std::size_t message_bytes = 1400;
};

// What becomes of conditions on HTTP requests that can't be evaluated: kDeny, the rule does not match; kAllow, it does.
struct Layer7Http {
    Verdict http2 = Verdict::kDeny;       // HTTP/2 by prior knowledge
    Verdict not_http = Verdict::kDeny;    // the connection's first bytes are no HTTP
    Verdict malformed = Verdict::kDeny;   // HTTP that is not read alike by everybody
    Verdict upgraded = Verdict::kDeny;    // what follows an accepted Upgrade or CONNECT
    Verdict unseen = Verdict::kDeny;      // a connection of which the start was not seen
    Verdict over_limit = Verdict::kDeny;  // a head longer than max_head_bytes, or no memory left to follow it
    std::uint32_t max_head_bytes = 16384;
    OnDeny on_deny = OnDeny::kReset;  // the connection of a refused request: reset at both ends, or left to time out
};

// The same for names in TLS.
struct Layer7Tls {
    Verdict missing_sni = Verdict::kDeny;
    Verdict ech = Verdict::kDeny;  // Encrypted Client Hello: the name outside is not the one that is meant
};

// What shows that a connection goes to a name.
struct Layer7Domains {
    DomainEvidence evidence = DomainEvidence::kAddressAndSni;
};

// What is learned from answers of DNS.
struct Layer7Dns {
    std::vector<net::Prefix> servers;           // whose answers are believed; empty: nothing is learned
    std::uint32_t names = 65536;                // pairs of address and name that are kept, for all workers
    std::uint32_t questions_per_worker = 4096;  // that await their answers
    std::chrono::seconds min_ttl{30};           // times to live are raised to this
    std::chrono::seconds max_ttl{86400};        // and cut to this
    std::chrono::seconds extra_ttl{0};          // then this is added: clients use names longer than they should
};

struct Layer7Memory {
    std::uint32_t connections_per_worker = 16384;  // that are read at the same time
    std::uint32_t buffers_mb_per_worker = 16;    // of what came out of order, or must be recognised when it is repeated
    std::uint32_t bytes_per_connection = 65536;  // of these; at least 4 * Layer7Http::max_head_bytes
};

// What is read inside of connections, for rules with `http` or `domains`.
struct Layer7 {
    Layer7Http http;
    Layer7Tls tls;
    Layer7Domains domains;
    Layer7Dns dns;
    Layer7Memory memory;
};

// What the process gives away once its devices and sockets are open.
struct Hardening {
    std::string user;   // to run as, if started as root; empty: whoever started it
    std::string group;  // empty: the user's own
    Seccomp seccomp = Seccomp::kEnforce;
    std::vector<std::string> keep_capabilities;  // "sys_rawio": beside those that the devices are known to need
};

struct Settings {
    Memory memory = Memory::kNoHuge;
    std::uint32_t memory_mb = 256;
    std::uint32_t packet_buffers = 16384;    // mbufs per appliance
    std::uint16_t buffer_bytes = 2048;       // of a frame in one of them
    std::vector<std::string> eal_arguments;  // passed on as they are, last

    std::vector<PortSettings> ports;
    std::vector<PairSettings> pairs;
    bool ports_assumed = false;  // nobody said which ports there are: questions are asked about a pair of made-up ones

    std::vector<unsigned> worker_cores;  // CPU numbers, one worker each; a CPU may be named twice
    unsigned stats_core = 0;
    Idle idle = Idle::kBackoff;
    Distribute distribute = Distribute::kAuto;  // frames to the worker that owns their connection
    HungWorker hung_worker = HungWorker::kReport;

    std::string control_socket = "/run/drywall/api.sock";
    std::string control_group;  // group that may use the socket; empty: the daemon's own
    std::string view_socket;    // for questions only; empty: there is none
    std::string view_group;
    std::optional<net::SocketAddress> metrics_listen;  // on loopback; absent: only on the sockets
    std::size_t metrics_rules = 2000;                  // that have series of their own
    std::optional<IpfixExport> ipfix;                  // absent: nothing is sent

    Fail fail = Fail::kClosed;  // a start whose policies can't be brought back: does not forward, or forwards all
    Hardening hardening;

    Posture posture = Posture::kOpen;
    Verdict unmatched = Verdict::kAllow;  // from posture unless written
    net::AddressCheck addresses = net::AddressCheck::kUsual;
    bool verify_checksums = true;     // of IPv4 headers
    bool neighbour_discovery = true;  // ICMPv6 link-local control passes unjudged
    std::vector<NonIpRule> non_ip;    // defaults: ARP passes
    Verdict non_ip_default = Verdict::kDeny;
    std::vector<FailsafeRule> failsafe;
    std::optional<std::vector<ManagementRule>> management;  // nothing: tcp 22, 179 and 6443, to anywhere
    bool pending_as_calico = false;                         // `pending: calico`: no overlay, Delete ignored

    Existing existing = Existing::kRecheck;      // what a change does to the connections that are there
    std::chrono::seconds check_min_time{86400};  // what `drywall check` asks for: time since the last edit,
    std::uint64_t check_min_connections = 1000;  // and connections that the policy matched

    std::uint32_t flows_per_worker = 65536;
    std::uint32_t fragments_per_worker = 4096;     // datagrams whose later fragments are awaited
    std::optional<std::uint32_t> half_open_limit;  // per worker; 0: none; absent: a quarter of flows_per_worker
    std::uint32_t per_source_limit = 0;            // per worker; 0: none
    // How long `existing: keep` keeps, once the generation that allowed a connection was superseded; absent: as long as
    // it lives.
    std::optional<std::chrono::milliseconds> existing_grace = std::chrono::hours(24);
    // TCP of no known connection that is not a SYN; from posture unless written.
    MidStream mid_stream = MidStream::kAllow;
    TcpWindow tcp_window = TcpWindow::kStrict;  // TCP that its connection's numbers do not confirm
    FlowTimeouts timeouts;
    std::chrono::milliseconds flow_report_interval{10'000};  // how often live connections report what they counted
    FlowHistory flow_history;
    FlowFile flow_file;
    Layer7 layer7;
    std::uint32_t event_ring = 8192;              // records per worker
    std::chrono::milliseconds swap_timeout{500};  // how long a publication waits for a worker
    std::size_t ruleset_memory_mb = 1024;         // a generation whose tables are larger is refused
    std::string policy_directory;                 // the first generation of an empty store; may be empty
    std::string state_directory = "/var/lib/drywall";
    std::uint32_t state_generations = 1000;  // how many of the newest are kept
    std::uint32_t state_audit_entries = 100'000;
    std::string log_level = "info";
};

// What a configuration is read for. The appliance insists on what it can't run without: ports, pairs, workers. For
// questions answered without it every key has a default: then the ports are `left` and `right`, and two ports that no
// pair names are one.
enum class Purpose : std::uint8_t { kAppliance, kQuestions };

[[nodiscard]] Result<Settings> load_settings(const Source& source, Purpose purpose = Purpose::kAppliance);

// A configuration in which nothing is written.
[[nodiscard]] Settings settings_for_questions();

}  // namespace drywall::loader
