#include "drywall/io/dpdk.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_version.h>

#include "device.h"
#include "dpdk_port.h"
#include "drywall/base/cache_line.h"
#include "drywall/base/logging.h"
#include "eal_log.h"
#include "kernel_offloads.h"
#include "numa.h"
#include "preflight.h"

namespace drywall::io {

namespace {

constexpr unsigned kMempoolCache = 256;  // mbufs kept by each lcore

struct MempoolDeleter {
    void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
};

std::string list_of(const std::vector<unsigned>& cpus) {
    std::string text;
    for (const unsigned cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
    return text;
}

// lcore 0 is the main thread, on any CPU; then the workers', then the stats core's. Several may share a CPU.
std::string lcores(const DpdkSettings& settings, const Machine& machine) {
    std::string text = "0@(" + list_of(machine.cpus) + ")";
    unsigned lcore = 1;
    for (const unsigned core : settings.worker_cores)
        text += "," + std::to_string(lcore++) + "@" + std::to_string(core);
    return text + "," + std::to_string(lcore) + "@" + std::to_string(settings.stats_core);
}

std::vector<std::string> eal_arguments(const DpdkSettings& settings, const Machine& machine) {
    std::vector<std::string> arguments = {
        std::string(kEalProgramName),       "--no-telemetry", "-m",
        std::to_string(settings.memory_mb), "--lcores",       lcores(settings, machine)};
    // --in-memory cannot be had together with --no-huge (EAL takes that for legacy memory); --no-shconf is the part of
    // it that matters: no files, no second process.
    if (settings.hugepages)
        arguments.emplace_back("--in-memory");
    else
        arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
    bool any_pci = false;
    for (const DpdkDevice& wanted : settings.devices) {
        const Device device = parse_device(wanted.device);
        if (!device.pci) continue;
        any_pci = true;
        arguments.insert(arguments.end(),
                         {"-a", device.name + (device.arguments.empty() ? "" : "," + device.arguments)});
    }
    if (!any_pci) arguments.emplace_back("--no-pci");
    arguments.insert(arguments.end(), settings.eal_arguments.begin(), settings.eal_arguments.end());
    return arguments;
}

// DPDK's own words about a failure, where it had some.
std::string dpdk_says() {
    const std::string complaint = take_eal_complaint();
    return complaint.empty() ? "" : " (DPDK says: " + complaint + ")";
}

Error eal_refused(const DpdkSettings& settings, int code) {
    if (code == EALREADY) return Error::of(ErrorKind::kInternal, "DPDK was started already in this process");
    if (code == ENOMEM)
        return Error::of(ErrorKind::kUnavailable,
                         "DPDK could not get " + std::to_string(settings.memory_mb) + " MB of memory" + dpdk_says(),
                         "lower `dpdk.memory-mb`, or free memory");
    std::string written;
    for (const std::string& argument : settings.eal_arguments) written += " " + argument;
    if (!written.empty())
        return Error::of(ErrorKind::kUnavailable,
                         "DPDK does not start with `dpdk.eal-arguments:" + written + "`" + dpdk_says(),
                         "try without them");
    return Error::of(ErrorKind::kUnavailable, "DPDK does not start: " + std::string(std::strerror(code)) + dpdk_says(),
                     "`log: {level: debug}` shows all that it prints");
}

Status start_eal(const DpdkSettings& settings, const Machine& machine) {
    std::vector<std::string> arguments = eal_arguments(settings, machine);
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    capture_eal_log();
    const bool started = [&] {
        const HoldBackOutput quiet;
        return rte_eal_init(static_cast<int>(raw.size()), raw.data()) >= 0;
    }();
    if (!started) return eal_refused(settings, rte_errno);
    return Done{};
}

class MbufPool final : public FramePool {
public:
    void use(rte_mempool* pool) noexcept {
        pool_ = pool;
        room_ = static_cast<std::uint16_t>(rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM);
    }
    [[nodiscard]] std::uint16_t room() const noexcept override { return room_; }
    bool allocate(std::span<Frame> frames, std::span<const std::uint16_t> lengths) noexcept override {
        std::array<rte_mbuf*, kMaxBurst> mbufs;
        if (rte_pktmbuf_alloc_bulk(pool_, mbufs.data(), static_cast<unsigned>(frames.size())) != 0) return false;
        for (std::size_t i = 0; i < frames.size(); ++i) {
            mbufs[i]->data_len = lengths[i];
            mbufs[i]->pkt_len = lengths[i];
            frames[i] = {{rte_pktmbuf_mtod(mbufs[i], const std::uint8_t*), lengths[i], lengths[i], 0}, mbufs[i]};
        }
        return true;
    }

private:
    rte_mempool* pool_ = nullptr;
    std::uint16_t room_ = 0;
};

class RunningDpdk final : public Dpdk {
public:
    explicit RunningDpdk(const DpdkSettings& settings) : settings_(settings) {
        for (unsigned worker = 0; worker < settings_.worker_cores.size(); ++worker)
            worker_nodes_.push_back(rte_lcore_to_socket_id(worker + 1));  // lcores() says which it has
    }
    ~RunningDpdk() override {
        ports_.clear();
        buffers_.clear();
        rte_eal_cleanup();
    }

    Status open_ports();
    [[nodiscard]] const std::vector<std::shared_ptr<Port>>& ports() const noexcept override { return ports_; }
    [[nodiscard]] FramePool& frames() noexcept override { return frames_; }

private:
    [[nodiscard]] std::uint16_t queues() const noexcept {
        return settings_.queues.value_or(static_cast<std::uint16_t>(settings_.worker_cores.size()));
    }
    Result<rte_mempool*> buffers_on(unsigned node);
    void warn_of_far_workers(const DpdkDevice& wanted, int node) const;
    Result<std::uint16_t> probe(const DpdkDevice& wanted, const Device& device) const;

    DpdkSettings settings_;
    std::vector<unsigned> worker_nodes_;                     // by WorkerId
    std::vector<std::unique_ptr<KernelOffloads>> offloads_;  // put back when no device stands on them any more
    std::map<unsigned, std::unique_ptr<rte_mempool, MempoolDeleter>> buffers_;  // by NUMA node
    MbufPool frames_;                                                           // of the first port's buffers
    std::vector<std::shared_ptr<Port>> ports_;
};

// One pool for all ports of a node. Without hugepages DPDK knows of no nodes, and the first touch decides.
Result<rte_mempool*> RunningDpdk::buffers_on(unsigned node) {
    if (const auto there = buffers_.find(node); there != buffers_.end()) return there->second.get();
    const auto room = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + settings_.buffer_bytes);
    const std::string name = "packets-" + std::to_string(node);
    rte_mempool* pool =
        rte_pktmbuf_pool_create(name.c_str(), settings_.packet_buffers, kMempoolCache, 0, room, static_cast<int>(node));
    if (pool != nullptr) {
        buffers_[node].reset(pool);
        return pool;
    }
    const std::size_t each = sizeof(rte_mbuf) + room + std::size_t{2} * RTE_CACHE_LINE_SIZE;
    return Error::of(ErrorKind::kUnavailable,
                     "`dpdk.packet-buffers: " + std::to_string(settings_.packet_buffers) + "` need about " +
                         std::to_string(settings_.packet_buffers * each / 1'000'000 + 1) + " MB on NUMA node " +
                         std::to_string(node) + ", and `dpdk.memory-mb: " + std::to_string(settings_.memory_mb) +
                         "` has no room for them (" + rte_strerror(rte_errno) + ")",
                     "raise `dpdk.memory-mb` or lower `dpdk.packet-buffers`");
}

// Without being asked for more, net_af_packet opens one queue. Its queues share the interface by the kernel's fanout
// hash; what that does not promise, the distributor mends (agreed_steering() in dpdk_port.cpp).
std::string arguments_for(const Device& device, std::size_t queues) {
    if (device.driver != "net_af_packet" || queues == 1 || device.argument("qpairs")) return device.arguments;
    return device.arguments + ",qpairs=" + std::to_string(queues);
}

Result<std::uint16_t> RunningDpdk::probe(const DpdkDevice& wanted, const Device& device) const {
    take_eal_complaint();  // what was said before is about something else
    const std::string arguments = arguments_for(device, queues());
    const int code = device.pci ? 0 : rte_eal_hotplug_add("vdev", device.name.c_str(), arguments.c_str());
    std::uint16_t ethdev = 0;
    if (code == 0 && rte_eth_dev_get_port_by_name(device.name.c_str(), &ethdev) == 0) return ethdev;

    const std::string about = "port '" + wanted.port + "': device '" + wanted.device + "' ";
    if (code == -EFAULT)  // "failed to parse device"
        return Error::of(ErrorKind::kUnavailable,
                         about + "asks for a driver that DPDK does not have: '" + device.driver + "'",
                         "virtual devices: " + std::string(kVirtualDevices));
    return Error::of(ErrorKind::kUnavailable, about + "could not be opened" + dpdk_says(),
                     "check what stands behind its name: key=value,...");
}

void RunningDpdk::warn_of_far_workers(const DpdkDevice& wanted, int node) const {
    for (std::size_t worker = 0; worker < worker_nodes_.size(); ++worker)
        if (is_far(node, worker_nodes_[worker]))
            spdlog::warn(
                "port '{}' is on NUMA node {}, and core {}, which polls it, on node {}: each frame goes from one to "
                "the other",
                wanted.port, node, settings_.worker_cores[worker], worker_nodes_[worker]);
}

Status RunningDpdk::open_ports() {
    for (const DpdkDevice& wanted : settings_.devices) {
        const Device device = parse_device(wanted.device);
        auto offloads = KernelOffloads::switch_off(wanted.port, device);
        if (!offloads) return offloads.error();
        offloads_.push_back(*std::move(offloads));
        auto ethdev = probe(wanted, device);
        if (!ethdev) return ethdev.error();
        const int device_node = rte_eth_dev_socket_id(*ethdev);
        warn_of_far_workers(wanted, device_node);
        const unsigned node = buffers_node(device_node, worker_nodes_);
        auto buffers = buffers_on(node);
        if (!buffers) return buffers.error();
        if (ports_.empty()) frames_.use(*buffers);
        auto port = DpdkPort::open(
            {wanted.port, wanted.device, device, static_cast<std::uint16_t>(ports_.size()), queues(), node}, *ethdev,
            *buffers);
        if (!port) return port.error();
        ports_.push_back(std::move(*port));
    }
    return Done{};
}

}  // namespace

std::string dpdk_version() { return rte_version(); }

Result<std::unique_ptr<Dpdk>> Dpdk::start(const DpdkSettings& settings) {
    const Machine machine = look_at_machine();
    if (auto fit = check(settings, machine); !fit) return fit.error();
    if (auto started = start_eal(settings, machine); !started) return started.error();
    auto dpdk = std::make_unique<RunningDpdk>(settings);
    if (auto opened = dpdk->open_ports(); !opened) return opened.error();
    return std::unique_ptr<Dpdk>(std::move(dpdk));
}

}  // namespace drywall::io
