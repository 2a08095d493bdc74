#include "dpdk_port.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "drywall/base/cache_line.h"
#include "drywall/base/logging.h"
#include "kernel_interface.h"
#include "packet_sockets.h"

namespace drywall::io {

namespace {

constexpr std::uint16_t kDescriptors = 1024;  // per queue, where the device lets us choose

// The repeated 16-bit pattern makes Toeplitz give both directions of a connection the same hash, so that one worker
// sees both (Woo and Park, "Scalable TCP Session Monitoring with Symmetric Receive-side Scaling", 2012).
constexpr std::array<std::uint8_t, 52> kSymmetricKey = [] {
    std::array<std::uint8_t, 52> key{};
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = i % 2 == 0 ? 0x6d : 0x5a;
    return key;
}();
constexpr std::uint8_t kUsualKeySize = 40;

constexpr std::uint32_t kTaggedHeader = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN;

rte_mbuf* mbuf_of(const Frame& frame) noexcept { return static_cast<rte_mbuf*>(frame.handle); }

}  // namespace

Result<std::shared_ptr<DpdkPort>> DpdkPort::open(Wish wish, std::uint16_t ethdev, rte_mempool* buffers) {
    std::shared_ptr<DpdkPort> port(new DpdkPort(std::move(wish), ethdev));
    const auto quiet = port->hold_back_output();
    if (auto ready = port->set_up(buffers); !ready) return ready.error();
    return port;
}

DpdkPort::~DpdkPort() {
    const auto quiet = hold_back_output();
    rte_eth_dev_stop(ethdev_);
    rte_eth_dev_close(ethdev_);
}

// libbpf and libxdp, which net_af_xdp stands on, write to standard error.
std::unique_ptr<HoldBackOutput> DpdkPort::hold_back_output() const {
    return wish_.device.driver == "net_af_xdp" ? std::make_unique<HoldBackOutput>() : nullptr;
}

Status DpdkPort::set_up(rte_mempool* buffers) {
    rte_eth_dev_info info{};
    if (const int code = rte_eth_dev_info_get(ethdev_, &info); code != 0) return failed("cannot be asked", code);
    if (auto enough = has_enough_queues(info); !enough) return enough;
    const rte_eth_conf configured = configuration(info, buffers);
    if (const int code = rte_eth_dev_configure(ethdev_, wish_.queues, wish_.queues, &configured); code != 0)
        return failed("cannot be configured", code);
    if (auto ready = set_up_queues(info, buffers); !ready) return ready;
    if (auto started = start(); !started) return started;
    steering_ = agreed_steering(info);
    return Done{};
}

Status DpdkPort::has_enough_queues(const rte_eth_dev_info& info) const {
    const std::uint16_t offered = std::min(info.max_rx_queues, info.max_tx_queues);
    if (offered >= wish_.queues) return Done{};
    std::string hint = "name at most " + std::to_string(offered) + " worker core(s)";
    if (wish_.device.driver == "net_af_xdp")
        hint += ", or give the device queue_count=" + std::to_string(wish_.queues) +
                " (the kernel interface must have as many channels)";
    return Error::of(ErrorKind::kUnavailable,
                     "port '" + wish_.name + "': device '" + wish_.device_text + "' offers " + std::to_string(offered) +
                         " queue(s), but there are " + std::to_string(wish_.queues) +
                         " workers, and each needs one of its own",
                     std::move(hint));
}

rte_eth_conf DpdkPort::configuration(const rte_eth_dev_info& info, rte_mempool* buffers) const {
    rte_eth_conf conf{};
    // The MTU stays what it is. Frames longer than a buffer then need several.
    std::uint16_t mtu = 0;
    if (rte_eth_dev_get_mtu(ethdev_, &mtu) == 0 && mtu >= info.min_mtu && (info.max_mtu == 0 || mtu <= info.max_mtu))
        conf.rxmode.mtu = mtu;
    const std::uint32_t room = rte_pktmbuf_data_room_size(buffers) - RTE_PKTMBUF_HEADROOM;
    if (mtu + kTaggedHeader > room) conf.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
    conf.txmode.offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

    const std::uint64_t hash = info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
    if (wish_.queues == 1 || hash == 0) return conf;
    const std::uint8_t key_size = info.hash_key_size == 0 ? kUsualKeySize : info.hash_key_size;
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = hash;
    if (key_size > kSymmetricKey.size()) return conf;
    conf.rx_adv_conf.rss_conf.rss_key = const_cast<std::uint8_t*>(kSymmetricKey.data());  // DPDK only reads it
    conf.rx_adv_conf.rss_conf.rss_key_len = key_size;
    return conf;
}

Status DpdkPort::set_up_queues(const rte_eth_dev_info& info, rte_mempool* buffers) {
    std::uint16_t receive = kDescriptors;
    std::uint16_t transmit = kDescriptors;
    if (const int code = rte_eth_dev_adjust_nb_rx_tx_desc(ethdev_, &receive, &transmit); code != 0)
        return failed("does not say how long its queues may be", code);
    for (std::uint16_t queue = 0; queue < wish_.queues; ++queue) {
        const std::string which = " queue " + std::to_string(queue) + " cannot be set up";
        if (const int code =
                rte_eth_rx_queue_setup(ethdev_, queue, receive, wish_.socket, &info.default_rxconf, buffers);
            code != 0)
            return failed("receive" + which, code);
        rte_eth_txconf conf = info.default_txconf;
        conf.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
        if (const int code = rte_eth_tx_queue_setup(ethdev_, queue, transmit, wish_.socket, &conf); code != 0)
            return failed("transmit" + which, code);
    }
    return Done{};
}

Status DpdkPort::start() {
    // A port is the appliance's own: its kernel interface is up while the appliance runs (an earlier run that was
    // killed may have left it down to carry its peer's link state).
    if (const auto interface = wish_.device.kernel_interface(); interface && !set_kernel_link(*interface, true))
        spdlog::warn("port '{}': kernel interface '{}' could not be set up", wish_.name, *interface);
    if (const int code = rte_eth_dev_start(ethdev_); code != 0) return failed("cannot be started", code);
    if (const int code = rte_eth_promiscuous_enable(ethdev_); code != 0)
        spdlog::info("port '{}': the device has no promiscuous mode ({}); it may need none", wish_.name,
                     std::strerror(-code));
    if (wish_.device.driver != "net_af_packet") return Done{};
    if (auto cut = cut_service_tags(wish_.device.kernel_interface().value_or("")); !cut) return cut;
    throw_away_what_came_before();
    return Done{};
}

// The sockets took frames from the moment when they were made, and what lies in them now was not seen by the filter.
void DpdkPort::throw_away_what_came_before() {
    constexpr std::size_t kLongerThanAnyRing = 1U << 16U;  // frames; under load a queue is never empty
    std::array<Frame, kMaxBurst> frames;
    for (std::uint16_t queue = 0; queue < wish_.queues; ++queue) {
        std::uint16_t count = 0;
        for (std::size_t all = 0; all < kLongerThanAnyRing; all += count) {
            count = receive(queue, frames);
            if (count == 0) break;
            release(std::span(frames).first(count));
        }
    }
    rte_eth_stats_reset(ethdev_);
}

// What the device says it does is asked of it, not taken from what it was asked to do. Virtual devices promise nothing:
// net_null accepts a key and does not hash with it; net_ring, net_memif, net_pcap and net_tap have queues that are fed
// from outside; for AF_XDP the device below chooses, by a key that nobody knows; and AF_PACKET's fanout hash is
// symmetric, but net_af_packet asks for PACKET_FANOUT_FLAG_ROLLOVER with it, by which a full queue's packets go to
// another one.
std::string DpdkPort::agreed_steering(const rte_eth_dev_info& info) const {
    if (!wish_.device.pci) return {};
    std::array<std::uint8_t, kSymmetricKey.size()> key{};
    rte_eth_rss_conf agreed{};
    agreed.rss_key = key.data();
    agreed.rss_key_len = info.hash_key_size == 0 ? kUsualKeySize : info.hash_key_size;
    if (agreed.rss_key_len > key.size() || rte_eth_dev_rss_hash_conf_get(ethdev_, &agreed) != 0) return {};
    const bool ours = std::equal(key.begin(), key.begin() + kUsualKeySize, kSymmetricKey.begin());
    if (!ours || agreed.rss_hf == 0) return {};
    return "symmetric Toeplitz of " + std::string(info.driver_name) + ", fields " + std::to_string(agreed.rss_hf) +
           ", table of " + std::to_string(info.reta_size);
}

Error DpdkPort::failed(const std::string& what, int code) const {
    std::string message = "port '" + wish_.name + "': device '" + wish_.device_text + "' " + what;
    if (code != -1) message += ": " + std::string(std::strerror(std::abs(code)));  // -1 is no errno, just "no"
    if (const std::string complaint = take_eal_complaint(); !complaint.empty())
        message += " (DPDK says: " + complaint + ")";
    return Error::of(ErrorKind::kUnavailable, std::move(message),
                     code == -ENOMEM || code == -ENOBUFS
                         ? "raise `dpdk.packet-buffers`, and `dpdk.memory-mb` with it; or "
                           "`dpdk.buffer-bytes`, if a frame does not fit in one"
                         : "check what stands behind its name: key=value,...");
}

std::uint16_t DpdkPort::receive(std::uint16_t queue, std::span<Frame> frames) noexcept {
    std::array<rte_mbuf*, kMaxBurst> mbufs;
    const auto room = static_cast<std::uint16_t>(std::min(frames.size(), mbufs.size()));
    const std::uint16_t received = rte_eth_rx_burst(ethdev_, queue, mbufs.data(), room);
    for (std::uint16_t i = 0; i < received; ++i) {
        rte_mbuf* mbuf = mbufs[i];
        frames[i].view = {rte_pktmbuf_mtod(mbuf, const std::uint8_t*), mbuf->data_len, mbuf->pkt_len, wish_.index};
        frames[i].handle = mbuf;
    }
    return received;
}

std::uint16_t DpdkPort::transmit(std::uint16_t queue, std::span<Frame> frames) noexcept {
    std::array<rte_mbuf*, kMaxBurst> mbufs;
    const auto count = static_cast<std::uint16_t>(std::min(frames.size(), mbufs.size()));
    for (std::uint16_t i = 0; i < count; ++i) mbufs[i] = mbuf_of(frames[i]);
    return rte_eth_tx_burst(ethdev_, queue, mbufs.data(), count);
}

void DpdkPort::release(std::span<Frame> frames) noexcept {
    for (const Frame& frame : frames) rte_pktmbuf_free(mbuf_of(frame));
}

bool DpdkPort::link_up() const noexcept {
    // The PMDs on kernel sockets report "up" whatever happens to the interface below them.
    if (const auto interface = wish_.device.kernel_interface()) return kernel_link_up(*interface);
    rte_eth_link link{};
    return rte_eth_link_get_nowait(ethdev_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

// That of the interface, where there is one: the PMDs on kernel sockets say what their buffers take.
std::uint16_t DpdkPort::mtu() const noexcept {
    if (const auto interface = wish_.device.kernel_interface()) return kernel_mtu(*interface);
    std::uint16_t mtu = 0;
    return rte_eth_dev_get_mtu(ethdev_, &mtu) == 0 ? mtu : 0;
}

bool DpdkPort::set_link(bool up) noexcept {
    if (const auto interface = wish_.device.kernel_interface()) return set_kernel_link(*interface, up);
    return (up ? rte_eth_dev_set_link_up(ethdev_) : rte_eth_dev_set_link_down(ethdev_)) == 0;
}

DeviceStatistics DpdkPort::statistics() const noexcept {
    rte_eth_stats stats{};
    if (rte_eth_stats_get(ethdev_, &stats) != 0) return {};
    return {stats.ipackets, stats.imissed + stats.rx_nombuf, stats.ierrors, stats.opackets, stats.oerrors};
}

}  // namespace drywall::io
