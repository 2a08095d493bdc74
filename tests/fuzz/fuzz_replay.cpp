// Any bytes as a capture: it is refused with a place, or every packet that it holds left or is counted under one
// reason. As a stream, judged as a tap's; and as a file, of which the interfaces are read too, with a port for each.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "drywall/explain/site.h"
#include "drywall/whatif/replay_captures.h"

namespace {

using namespace drywall;

void require(bool condition) {
    if (!condition) std::abort();
}

constexpr const char* kSite = R"(apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: web, namespace: prod, labels: {app: web}}
spec: {node: n, orchestrator: k8s, ipNetworks: [10.0.0.1/32], profiles: [projectcalico-default-allow]}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: db, namespace: prod, labels: {app: db}}
spec: {node: n, orchestrator: k8s, ipNetworks: [10.1.0.9/32], profiles: [projectcalico-default-allow]}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: prod}
spec: {selector: app == 'db', types: [Ingress], ingress: [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]}
---
apiVersion: projectcalico.org/v3
kind: StagedNetworkPolicy
metadata: {name: closed, namespace: prod}
spec: {order: 1, selector: app == 'db', types: [Ingress], ingress: [{action: Deny}]}
)";

struct Appliance {
    loader::Settings settings = loader::settings_for_questions();
    std::shared_ptr<const ruleset::Ruleset> ruleset;
};

Appliance make_appliance() {
    Appliance appliance;
    appliance.settings.flows_per_worker = 256;  // so that a small input can fill it
    const std::vector<loader::Source> sources{{"site", kSite}};
    auto site = explain::build_site(sources, appliance.settings);
    require(static_cast<bool>(site));
    appliance.ruleset = site->ruleset;
    return appliance;
}

void check(const whatif::ReplayReport& report, std::uint64_t packets) {
    std::uint64_t dropped = 0;
    for (const auto& [reason, count] : report.counted.drops) dropped += count.packets;
    require(report.counted.received.packets == packets);
    require(report.counted.received.packets == report.counted.transmitted.packets + dropped);
    const whatif::Comparison& judged = report.judged;
    require(judged.enforced_allowed.traffic.packets + judged.enforced_denied.traffic.packets ==
            report.counted.judged.packets);
    require(judged.pending_allowed.traffic.packets + judged.pending_denied.traffic.packets ==
            report.counted.judged.packets);
    std::uint64_t told = report.flows_left_out;
    for (const whatif::ReplayedFlow& flow : report.flows) told += flow.connections;
    require(told == judged.enforced_allowed.connections + judged.enforced_denied.connections);
}

const Appliance& appliance() {
    static const Appliance made = make_appliance();
    return made;
}

bool says_what_to_do(const Error& error) { return !error.complaints.empty() && !error.complaints.front().hint.empty(); }

void replay(Result<io::CaptureReader> reader, const whatif::Entry& entry) {
    if (!reader) return require(says_what_to_do(reader.error()));
    std::vector<whatif::CaptureInput> inputs;
    inputs.push_back({*std::move(reader), entry});
    const auto replayed =
        whatif::replay_captures(appliance().ruleset, appliance().settings, std::move(inputs), {{}, true});
    if (replayed) return check(replayed->report, replayed->captures.front().packets);
    require(!entry.interfaces.empty() && says_what_to_do(replayed.error()));  // a packet of an unknown interface
}

void replay_stream(std::span<const std::uint8_t> data) {
    std::vector<std::uint8_t> bytes(data.begin(), data.end());
    std::FILE* stream = fmemopen(bytes.data(), bytes.size(), "rb");
    require(stream != nullptr);
    replay(io::CaptureReader::adopt(stream, "fuzz"), {});
}

void replay_file(std::span<const std::uint8_t> data) {
    const int memory = memfd_create("capture", MFD_CLOEXEC);
    require(memory >= 0 && write(memory, data.data(), data.size()) == static_cast<ssize_t>(data.size()));
    const whatif::Entry entry{{}, {{"0", PortId{0}}, {"1", PortId{1}}, {"eth0", PortId{0}}, {"wan", PortId{1}}}};
    replay(io::CaptureReader::open("/proc/self/fd/" + std::to_string(memory)), entry);
    close(memory);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;  // fmemopen takes nothing less
    replay_stream({data, size});
    replay_file({data, size});
    return 0;
}
