// Ports, pairs, cores and DPDK: what the appliance is made of.
#include <algorithm>
#include <array>
#include <map>

#include "resource_readers.h"
#include "settings_readers.h"

namespace drywall::loader {
namespace {

constexpr std::size_t kMaxPortCount = 32;  // RTE_MAX_ETHPORTS
constexpr std::size_t kMaxWorkers = 64;    // a queue each on every port
constexpr std::uint64_t kMaxCpu = 1023;    // CPU_SETSIZE - 1
constexpr std::size_t kMaxEalArguments = 64;

constexpr std::array<Choice<Memory>, 2> kMemories{Choice<Memory>{"no-huge", Memory::kNoHuge},
                                                  {"hugepages", Memory::kHugepages}};
constexpr std::array<Choice<HungWorker>, 2> kHungWorkers{Choice<HungWorker>{"report", HungWorker::kReport},
                                                         {"exit", HungWorker::kExit}};
constexpr std::array<Choice<Idle>, 2> kIdles{Choice<Idle>{"busy", Idle::kBusy}, {"backoff", Idle::kBackoff}};
constexpr std::array<Choice<Distribute>, 3> kDistributes{
    Choice<Distribute>{"auto", Distribute::kAuto}, {"always", Distribute::kAlways}, {"never", Distribute::kNever}};

void read_dpdk(Fields& top, Settings& settings) {
    auto dpdk = section(top, "dpdk");
    if (!dpdk) return;
    if (const auto memory = dpdk->choice<Memory>("memory", kMemories)) settings.memory = *memory;
    assign_integer(*dpdk, "memory-mb", 64, 1'048'576, settings.memory_mb);
    assign_integer(*dpdk, "packet-buffers", 1024, 16'777'216, settings.packet_buffers);
    assign_integer(*dpdk, "buffer-bytes", 2048, 32'768, settings.buffer_bytes);
    for (const Node& item : dpdk->list("eal-arguments", kMaxEalArguments)) {
        if (auto argument = read_text(item, "an argument in dpdk.eal-arguments", top.complaints())) {
            settings.eal_arguments.push_back(*argument);
        }
    }
    dpdk->finish();
}

const Node* needed(Fields& fields, std::string_view name, Purpose purpose) {
    return purpose == Purpose::kAppliance ? fields.require(name) : fields.take(name);
}

// Ports by name, in the order of the text, as complaints list them.
class PortReader {
public:
    PortReader(Fields& top, Purpose purpose, Settings& settings)
        : top_(top), purpose_(purpose), settings_(settings), complaints_(top.complaints()) {}

    void read_ports(const char* next_step = "a wire has two ends: declare two ports and pair them") {
        const Node* node = needed(top_, "ports", purpose_);
        for (const Node& item : top_.list("ports", kMaxPortCount)) read_port(item);
        if (node != nullptr && node->is_sequence() && node->items.empty())
            complaints_.add(node->line, node->column, "ports is empty", next_step);
    }

    void read_pairs() {
        const Node* node = needed(top_, "pairs", purpose_);
        for (const Node& item : top_.list("pairs", kMaxPortCount)) read_pair(item);
        if (node != nullptr && node->is_sequence() && node->items.empty()) {
            complaints_.add(node->line, node->column, "pairs is empty",
                            "packets cross from one port of a pair to the other");
        }
    }

private:
    void read_port(const Node& item) {
        const std::string path = "ports[" + std::to_string(position_++) + "]";
        Fields fields(item, path, complaints_);
        PortSettings port;
        if (const Node* node = fields.require("name")) port.name = read_port_name(*node, fields);
        if (const Node* node = needed(fields, "device", purpose_)) port.device = read_device(*node, fields, port.name);
        port.sources = read_networks(fields, "sources", true);
        port.not_sources = read_networks(fields, "not-sources", true);
        fields.finish();
        settings_.ports.push_back(std::move(port));
    }

    std::string read_port_name(const Node& node, Fields& fields) {
        const auto name = read_text(node, fields.path_to("name"), complaints_);
        if (!name) return {};
        if (!is_interface_name(*name)) {
            complaints_.add(node.line, node.column, shown(*name) + " can't be the name of a port",
                            "use letters, digits, '-', '_' and '.', at most " + std::to_string(kMaxInterfaceName));
            return *name;
        }
        const auto [first, fresh] = lines_.try_emplace(*name, node.line);
        if (!fresh) {
            complaints_.add(node.line, node.column, "port " + shown(*name) + " is defined twice",
                            "the first is on line " + std::to_string(first->second));
        }
        return *name;
    }

    std::string read_device(const Node& node, Fields& fields, const std::string& port) {
        const auto device = read_text(node, fields.path_to("device"), complaints_);
        if (!device) return {};
        const bool printable = std::all_of(device->begin(), device->end(), [](char c) { return c > ' ' && c < 0x7f; });
        if (device->empty() || !printable) {
            complaints_.add(node.line, node.column, shown(*device) + " can't be a device",
                            "write a PCI address (0000:3b:00.0) or a DPDK device (net_af_packet0,iface=eth1)");
            return *device;
        }
        const auto [first, fresh] = devices_.try_emplace(*device, port);
        if (!fresh) {
            complaints_.add(node.line, node.column, "device " + shown(*device) + " is used twice",
                            "port " + shown(first->second) + " has it already");
        }
        return *device;
    }

    void read_pair(const Node& item) {
        if (!item.is_sequence() || item.items.size() != 2) {
            complaints_.add(item.line, item.column, "a pair is a list of two ports", "write it as [inside, outside]");
            return;
        }
        const auto first = read_end(item.items[0]);
        const auto second = read_end(item.items[1]);
        if (first && second) settings_.pairs.push_back({*first, *second});
    }

    std::optional<std::string> read_end(const Node& node) {
        auto name = read_text(node, "a port in pairs", complaints_);
        if (!name) return std::nullopt;
        if (!lines_.contains(*name)) {
            std::vector<std::string_view> names;
            for (const PortSettings& port : settings_.ports) names.push_back(port.name);
            complaints_.add(node.line, node.column, "port " + shown(*name) + " is not defined",
                            names.empty() ? "" : "defined ports are " + joined(names));
            return std::nullopt;
        }
        const auto [first, fresh] = paired_.try_emplace(*name, node.line);
        if (!fresh) {
            complaints_.add(node.line, node.column, "port " + shown(*name) + " is paired twice",
                            "the first time on line " + std::to_string(first->second));
        }
        return name;
    }

    Fields& top_;
    Purpose purpose_;
    Settings& settings_;
    Complaints& complaints_;
    std::size_t position_ = 0;
    std::map<std::string, int> lines_;            // of port names
    std::map<std::string, std::string> devices_;  // and their ports
    std::map<std::string, int> paired_;           // and the line
};

void read_workers(Fields& top, Purpose purpose, Settings& settings) {
    const Node* node = needed(top, "workers", purpose);
    if (node == nullptr) return;
    Fields workers(*node, "workers", top.complaints());
    const Node* cores = needed(workers, "cores", purpose);
    for (const Node& item : workers.list("cores", kMaxWorkers)) {
        const auto core = read_integer(item, "a CPU in workers.cores", 0, kMaxCpu, top.complaints());
        if (core) settings.worker_cores.push_back(static_cast<unsigned>(*core));
    }
    if (cores != nullptr && cores->is_sequence() && cores->items.empty()) {
        top.complaints().add(cores->line, cores->column, "workers.cores is empty",
                             "name at least one CPU, such as [1]");
    }
    if (const auto idle = workers.choice<Idle>("idle", kIdles)) settings.idle = *idle;
    if (const auto distribute = workers.choice<Distribute>("distribute", kDistributes))
        settings.distribute = *distribute;
    if (const auto hung = workers.choice<HungWorker>("hung", kHungWorkers)) settings.hung_worker = *hung;
    workers.finish();
}

}  // namespace

void read_devices(Fields& top, Settings& settings) {
    read_dpdk(top, settings);
    PortReader(top, Purpose::kAppliance, settings).read_ports("declare the ports that send and receive");
}

void read_machine(Fields& top, Purpose purpose, Settings& settings) {
    read_dpdk(top, settings);
    PortReader ports(top, purpose, settings);
    ports.read_ports();
    ports.read_pairs();
    read_workers(top, purpose, settings);
    assign_integer(top, "stats-core", 0, kMaxCpu, settings.stats_core);
}

}  // namespace drywall::loader
