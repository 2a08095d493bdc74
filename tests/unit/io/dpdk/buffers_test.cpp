// Frames and the buffers that they lie in, on devices that DPDK makes by itself: a ring that gives back what was sent,
// and a source of empty frames that never ends.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <sched.h>

#include "drywall/base/ids.h"
#include "drywall/io/dpdk.h"
#include "numa.h"

namespace drywall::io {
namespace {

constexpr std::uint16_t kRing = 0;
constexpr std::uint16_t kSource = 1;
constexpr std::uint32_t kBuffers = 2048;
constexpr std::uint16_t kBufferBytes = 2048;

// The EAL starts once per process.
Dpdk* dpdk() {
    static const std::unique_ptr<Dpdk> running = [] {
        cpu_set_t usable;
        unsigned cpu = 0;
        if (sched_getaffinity(0, sizeof(usable), &usable) == 0)
            while (!CPU_ISSET(cpu, &usable)) ++cpu;
        DpdkSettings settings;
        settings.memory_mb = 64;
        settings.packet_buffers = kBuffers;
        settings.buffer_bytes = kBufferBytes;
        settings.devices = {{"ring", "net_ring0"}, {"source", "net_null0"}};
        settings.worker_cores = {cpu};
        settings.stats_core = cpu;
        auto started = Dpdk::start(settings);
        EXPECT_TRUE(started) << started.error().text();
        return started ? std::move(*started) : nullptr;
    }();
    return running.get();
}

class Buffers : public testing::Test {
protected:
    void SetUp() override { ASSERT_NE(dpdk(), nullptr); }

    static Port& port(std::uint16_t number) { return *dpdk()->ports()[number]; }
    // The devices are virtual, and on no node: their buffers lie beside the core of their first queue, that of lcore 1.
    static rte_mempool* pool() {
        return rte_mempool_lookup(("packets-" + std::to_string(rte_lcore_to_socket_id(1))).c_str());
    }

    static std::vector<std::uint8_t> numbered(std::size_t size) {
        std::vector<std::uint8_t> bytes(size);
        std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
        return bytes;
    }

    // As a NIC that scatters lays it down: each buffer full, but for the last one.
    static Frame scattered(std::span<const std::uint8_t> bytes) {
        rte_mbuf* first = nullptr;
        for (std::size_t at = 0; at < bytes.size(); at += kBufferBytes) {
            rte_mbuf* buffer = rte_pktmbuf_alloc(pool());
            const std::span<const std::uint8_t> part =
                bytes.subspan(at, std::min<std::size_t>(kBufferBytes, bytes.size() - at));
            auto* to =
                reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(part.size())));
            std::copy(part.begin(), part.end(), to);
            if (first == nullptr)
                first = buffer;
            else
                EXPECT_EQ(rte_pktmbuf_chain(first, buffer), 0);
        }
        return {{}, first};
    }

    static std::vector<std::uint8_t> bytes_of(const Frame& frame) {
        const auto* first = static_cast<const rte_mbuf*>(frame.handle);
        std::vector<std::uint8_t> bytes(first->pkt_len);
        const auto* at = static_cast<const std::uint8_t*>(rte_pktmbuf_read(first, 0, first->pkt_len, bytes.data()));
        return {at, at + first->pkt_len};
    }

    static unsigned free_buffers() { return rte_mempool_avail_count(pool()); }
};

TEST_F(Buffers, AFrameInSeveralIsOneFrameAndLeavesAsItCame) {
    for (const std::size_t size : {60U, 1514U, 2048U, 2049U, 4096U, 9000U, 9216U}) {
        const unsigned before = free_buffers();
        const std::vector<std::uint8_t> bytes = numbered(size);
        std::vector<Frame> sent{scattered(bytes)};
        ASSERT_EQ(port(kRing).transmit(0, sent), 1U);

        std::vector<Frame> received(4);
        ASSERT_EQ(port(kRing).receive(0, received), 1U) << size;
        EXPECT_EQ(received[0].view.length, size);
        EXPECT_EQ(received[0].view.contiguous, std::min<std::size_t>(size, kBufferBytes)) << "what may be read at once";
        EXPECT_EQ(received[0].view.ingress_port, kRing);
        EXPECT_EQ(bytes_of(received[0]), bytes);
        port(kRing).release(std::span(received).first(1));
        EXPECT_EQ(free_buffers(), before) << "every buffer of the frame is given back";
    }
}

TEST(Numa, BuffersLieBesideTheDeviceAndThoseOfVirtualOnesBesideTheirWorker) {
    EXPECT_EQ(buffers_node(1, {0, 1}), 1U);
    EXPECT_EQ(buffers_node(0, {1}), 0U);
    EXPECT_EQ(buffers_node(-1, {1, 0}), 1U);
    EXPECT_TRUE(is_far(1, 0));
    EXPECT_FALSE(is_far(1, 1));
    EXPECT_FALSE(is_far(-1, 1)) << "nowhere is not far";
}

TEST_F(Buffers, ComeFromThePoolOfTheNode) {
    ASSERT_NE(pool(), nullptr);
    std::vector<Frame> burst(1);
    ASSERT_EQ(port(kSource).receive(0, burst), 1U);
    EXPECT_EQ(static_cast<const rte_mbuf*>(burst[0].handle)->pool, pool());
    port(kSource).release(burst);
}

TEST_F(Buffers, WithoutAFreeOneNothingComesInAndWithOneItGoesOn) {
    const unsigned before = free_buffers();
    std::vector<Frame> held;
    std::vector<Frame> burst(32);
    // Some lie in the pool's cache for this thread; a device takes whole bursts or nothing.
    while (const std::uint16_t received = port(kSource).receive(0, burst)) {
        held.insert(held.end(), burst.begin(), burst.begin() + received);
        ASSERT_LE(held.size(), kBuffers);
    }
    EXPECT_GT(held.size(), kBuffers / 2);
    EXPECT_EQ(port(kSource).receive(0, burst), 0U);

    const std::size_t some = 64;
    port(kSource).release(std::span(held).last(some));
    held.resize(held.size() - some);
    const std::uint16_t again = port(kSource).receive(0, burst);
    EXPECT_GT(again, 0U);
    port(kSource).release(std::span(burst).first(again));
    port(kSource).release(held);
    EXPECT_EQ(free_buffers(), before);
}

}  // namespace
}  // namespace drywall::io
