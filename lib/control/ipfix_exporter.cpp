#include "drywall/control/ipfix_exporter.h"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>

#include "drywall/base/logging.h"
#include "drywall/base/out_of_memory.h"
#include "ipfix_session.h"
#include "unix_socket.h"

namespace drywall::control {

namespace {

using std::chrono::system_clock;

constexpr std::size_t kGroupsAtOnce = 4096;

// Connected, so that a collector that is not there is heard of. Empty, with errno: there is no way to it.
Descriptor connected_to(const net::SocketAddress& collector) {
    const bool v4 = collector.address.family == net::Family::kIPv4;
    sockaddr_in four{};
    sockaddr_in6 six{};
    four.sin_family = AF_INET;
    four.sin_port = htons(collector.port);
    std::memcpy(&four.sin_addr, collector.address.bytes.data(), sizeof(four.sin_addr));
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(collector.port);
    std::memcpy(&six.sin6_addr, collector.address.bytes.data(), sizeof(six.sin6_addr));
    const auto* address = v4 ? reinterpret_cast<const sockaddr*>(&four) : reinterpret_cast<const sockaddr*>(&six);
    const socklen_t size = v4 ? sizeof(four) : sizeof(six);
    Descriptor descriptor(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!descriptor || ::connect(descriptor.get(), address, size) != 0) return {};
    return descriptor;
}

// Sends without waiting, and counts what arrived, as far as the network says. A host that nobody listens on refuses a
// datagram after it was sent: its fate is known when the next one is.
class UdpSink final : public IpfixSink {
public:
    explicit UdpSink(const net::SocketAddress& collector) : collector_(collector) {}

    void send(std::span<const std::uint8_t> message, std::size_t flows) override {
        settle();
        if (!descriptor_) descriptor_ = connected_to(collector_);  // a route may come later than the appliance
        if (descriptor_ &&
            ::send(descriptor_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
            on_the_way_ = flows;
            return;
        }
        lost(flows, errno);
    }

    // Counts the message that is on its way.
    void settle() {
        if (!on_the_way_) return;
        const std::size_t flows = *on_the_way_;
        on_the_way_.reset();
        int error = 0;
        socklen_t size = sizeof(error);
        (void)::getsockopt(descriptor_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) return lost(flows, error);
        messages_sent_ += 1;
        records_sent_ += flows;
        if (in_trouble_ > 0 && --in_trouble_ == 0)
            spdlog::info("IPFIX collector {}: reachable again", collector_.text());
    }

    [[nodiscard]] IpfixCounts counts() const {
        return {.records_sent = records_sent_,
                .records_lost = records_lost_,
                .messages_sent = messages_sent_,
                .messages_lost = messages_lost_};
    }

private:
    // So many messages without a complaint end the trouble: routers do not complain of every datagram.
    static constexpr int kEndOfTrouble = 16;

    void lost(std::size_t flows, int error) {
        if (in_trouble_ == 0)
            spdlog::warn("IPFIX collector {}: {}: records are lost until it can be reached", collector_.text(),
                         std::strerror(error));
        in_trouble_ = kEndOfTrouble;
        messages_lost_ += 1;
        records_lost_ += flows;
    }

    net::SocketAddress collector_;
    Descriptor descriptor_;
    std::optional<std::size_t> on_the_way_;  // flow records in the last message
    int in_trouble_ = 0;
    std::atomic<std::uint64_t> records_sent_{0};  // these four: the exporter's thread writes, whoever asks reads
    std::atomic<std::uint64_t> records_lost_{0};
    std::atomic<std::uint64_t> messages_sent_{0};
    std::atomic<std::uint64_t> messages_lost_{0};
};

class UdpExporter final : public IpfixExporter {
public:
    UdpExporter(const IpfixSettings& settings, const observe::FlowLog& flows)
        : settings_(settings), flows_(flows), sink_(settings.collector), session_(settings_, sink_) {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for those who expect them
        thread_ = std::thread([this] { run(); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    ~UdpExporter() override { stop_now(); }

    void stop() override { stop_now(); }
    [[nodiscard]] IpfixCounts counts() const override { return sink_.counts(); }

private:
    void stop_now() {
        if (!thread_.joinable()) return;
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }

    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            const bool last = stopping_;
            lock.unlock();
            (void)as_memory_allows([this] { look(); });  // the rest of it at the next look
            lock.lock();
            if (last) return sink_.settle();
            wake_.wait_for(lock, settings_.interval, [this] { return stopping_; });
        }
    }

    // Everything that changed since the last look, a part at a time: the flow log is locked for each part alone.
    void look() {
        observe::FlowAnswer answer;
        do {
            answer = flows_.query({.after_sequence = cursor_, .limit = kGroupsAtOnce});
            cursor_ = answer.next_sequence;
            session_.add(answer, system_clock::now());
        } while (answer.groups.size() == kGroupsAtOnce);
        const IpfixCounts counts = sink_.counts();
        session_.finish({.flows_sent = counts.records_sent,
                         .flows_not_sent = counts.records_lost,
                         .records_lost = answer.lost,
                         .groups_evicted = answer.evicted},
                        system_clock::now());
    }

    IpfixSettings settings_;
    const observe::FlowLog& flows_;
    UdpSink sink_;
    IpfixSession session_;      // the thread's, as is the next
    std::uint64_t cursor_ = 0;  // of the flow log
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace

std::unique_ptr<IpfixExporter> IpfixExporter::start(const IpfixSettings& settings, const observe::FlowLog& flows) {
    return std::make_unique<UdpExporter>(settings, flows);
}

}  // namespace drywall::control
