// NaiveTcp: what a TCP connection's numbers say of a segment, by positions in two endless streams instead of numbers
// that wrap around, and by one question after the other. Shares with the engine the names of states and flags, nothing
// else.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "drywall/flow/state.h"
#include "drywall/net/tcp_segment.h"

namespace drywall::engine {

class NaiveTcp {
public:
    enum class Answer : std::uint8_t { kFine, kPassOn, kWindow, kReset };

    explicit NaiveTcp(const net::TcpSegment& first) {
        const bool syn = only(first, net::tcp_flag::kSyn);
        blind_ = !syn || first.cut;
        End& sender = ends_[1];
        sender = {.heard = true, .sent = first.end(), .acked = first.sequence};
        if (syn) take_syn(sender, first);
        if (!syn) ends_[0] = {.sent = first.acknowledged, .acked = first.acknowledged};
    }

    // From the responder's answer on, which is the first that is known.
    void begin_again(const net::TcpSegment& answer) {
        *this = NaiveTcp(answer);
        std::swap(ends_[0], ends_[1]);
    }

    [[nodiscard]] bool blind() const { return blind_; }

    [[nodiscard]] Answer ask(flow::FlowState state, bool from_initiator, const net::TcpSegment& segment) const {
        const End& sender = ends_[from_initiator ? 1 : 0];
        const End& receiver = ends_[from_initiator ? 0 : 1];
        const bool answered = state != flow::FlowState::kNew && state != flow::FlowState::kSynCrossed;
        const bool crossed = state == flow::FlowState::kSynCrossed;
        const std::int64_t from = place(sender.acked, segment.sequence);
        const std::int64_t acks = place(receiver.acked, segment.acknowledged);
        const bool acks_syn = acked(segment) && acks > receiver.acked && acks <= receiver.sent;

        if (state == flow::FlowState::kClosed) return reset(segment) ? Answer::kPassOn : Answer::kWindow;
        if (reset(segment)) {
            if (blind_) return receiver.heard && from == sender.acked ? Answer::kFine : Answer::kPassOn;
            if (!answered && from_initiator)
                return from == sender.sent || from == sender.acked + 1 ? Answer::kFine : Answer::kPassOn;
            if (!answered) return acks_syn || (crossed && from == sender.sent) ? Answer::kFine : Answer::kReset;
            if (from == sender.sent || from == sender.acked) return Answer::kFine;
            return from > sender.acked && from <= sender.edge ? Answer::kPassOn : Answer::kReset;
        }
        if (only(segment, net::tcp_flag::kSyn)) {
            if (!answered && !blind_) return Answer::kFine;
            return from_initiator ? Answer::kPassOn : Answer::kWindow;
        }
        if (blind_) return Answer::kFine;
        if (!answered && syn(segment)) {  // SYN+ACK
            if (!acks_syn) return Answer::kWindow;
            return !from_initiator || (crossed && from == sender.acked) ? Answer::kFine : Answer::kWindow;
        }
        if (!answered) {
            const bool bare = segment.payload == 0 && (segment.flags & net::tcp_flag::kFin) == 0;
            return !from_initiator && bare ? Answer::kPassOn : Answer::kWindow;
        }
        const std::int64_t to = from + (segment.end() - segment.sequence);
        if (to > sender.edge || to < sender.sent - std::max<std::int64_t>(receiver.widest, 1)) return Answer::kWindow;
        if (state == flow::FlowState::kTimeWait && to > sender.sent) return Answer::kWindow;
        if (acks > receiver.sent || acks < receiver.acked - std::max<std::int64_t>(sender.widest, 1))
            return Answer::kWindow;
        if (state == flow::FlowState::kSynReceived && from_initiator && !acks_syn) return Answer::kWindow;
        return Answer::kFine;
    }

    // REQUIRES: ask() said kFine
    void learn(flow::FlowState state, bool from_initiator, const net::TcpSegment& segment) {
        if (reset(segment)) return;
        End& sender = ends_[from_initiator ? 1 : 0];
        End& receiver = ends_[from_initiator ? 0 : 1];
        const bool answered = state != flow::FlowState::kNew && state != flow::FlowState::kSynCrossed;
        const bool opening = !answered && !blind_;
        blind_ |= segment.cut;
        if (opening) {
            take_syn(sender, segment);
            if (!acked(segment)) return;
            receiver.acked = place(receiver.acked, segment.acknowledged);
            sender.edge = std::max(sender.edge, sender.acked + 1 + std::max<std::int64_t>(receiver.widest, 1));
            receiver.edge = std::max(receiver.edge, receiver.acked + std::max<std::int64_t>(segment.window, 1));
            const bool scaled = sender.shift && receiver.shift;
            for (End* end : {&sender, &receiver}) {
                if (!scaled) end->shift.reset();
                const std::int64_t unit = std::int64_t{1} << end->shift.value_or(0);
                end->widest = (end->widest + unit - 1) / unit * unit;
            }
            return;
        }
        const std::int64_t acks = place(receiver.acked, segment.acknowledged);
        receiver.acked = sender.heard ? std::max(receiver.acked, acks) : acks;
        receiver.sent = std::max(receiver.sent, place(receiver.sent, segment.acknowledged));
        sender.sent = std::max(sender.sent, place(sender.sent, segment.end()));
        sender.heard = true;
        if (syn(segment)) return;
        const std::int64_t window = std::int64_t{segment.window} << sender.shift.value_or(0);
        sender.widest = std::max(sender.widest, window);
        receiver.edge = std::max(receiver.edge, acks + std::max<std::int64_t>(window, 1));
    }

    [[nodiscard]] bool under_way(bool from_initiator, std::uint32_t sequence) const {
        const End& sender = ends_[from_initiator ? 1 : 0];
        const std::int64_t at = place(sender.acked, sequence);
        return blind_ || (at >= sender.acked - 1 && at <= sender.sent);
    }

private:
    struct End {
        bool heard = false;
        std::int64_t sent = 0;
        std::int64_t acked = 0;
        std::int64_t edge = 0;    // of what it may send
        std::int64_t widest = 0;  // window that it advertised, in bytes
        std::optional<int> shift{};
    };

    static bool syn(const net::TcpSegment& segment) { return (segment.flags & net::tcp_flag::kSyn) != 0; }
    static bool acked(const net::TcpSegment& segment) { return (segment.flags & net::tcp_flag::kAck) != 0; }
    static bool reset(const net::TcpSegment& segment) { return (segment.flags & net::tcp_flag::kRst) != 0; }
    static bool only(const net::TcpSegment& segment, std::uint8_t flag) { return (segment.flags & 0x17) == flag; }

    // The position with this number that lies closest to `reference`.
    static std::int64_t place(std::int64_t reference, std::uint32_t number) {
        std::int64_t at = (reference & ~std::int64_t{0xffff'ffff}) | number;
        if (at - reference > 0x7fff'ffff) at -= std::int64_t{1} << 32;
        if (at - reference < -std::int64_t{0x8000'0000}) at += std::int64_t{1} << 32;
        return at;
    }

    static void take_syn(End& end, const net::TcpSegment& segment) {
        const std::int64_t start = place(end.acked, segment.sequence);
        const std::int64_t sent = start + (segment.end() - segment.sequence);
        const bool again = end.heard && start == end.acked;
        end.sent = again ? std::max(end.sent, sent) : sent;
        end.acked = start;
        end.edge = end.sent;
        end.widest = segment.window;
        end.shift = segment.scale ? std::optional<int>(*segment.scale) : std::nullopt;
        end.heard = true;
    }

    std::array<End, 2> ends_;  // responder, initiator
    bool blind_ = false;
};

}  // namespace drywall::engine
