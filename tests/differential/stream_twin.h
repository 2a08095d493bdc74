// Segments sent to an inspector and, where it lets them pass, to receivers that put them together in all ways that TCP
// stacks know. What the inspector found must be what is in the receivers' streams.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/inspect/http_path.h"
#include "drywall/inspect/http_request.h"
#include "drywall/inspect/inspector.h"
#include "drywall/inspect/tls_hello.h"

namespace drywall::inspect {

// What a receiver has: bytes by their place. Of bytes that came twice before they were delivered to the program, some
// keep the first and some the last.
class Receiver {
public:
    explicit Receiver(bool keeps_first) : keeps_first_(keeps_first) {}

    void receive(std::size_t offset, std::string_view bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            if (offset + i < stream_.size()) continue;  // delivered
            if (keeps_first_)
                waiting_.try_emplace(offset + i, bytes[i]);
            else
                waiting_[offset + i] = bytes[i];
        }
        for (auto next = waiting_.find(stream_.size()); next != waiting_.end(); next = waiting_.find(stream_.size())) {
            stream_ += next->second;
            waiting_.erase(next);
        }
    }
    [[nodiscard]] const std::string& stream() const { return stream_; }

private:
    bool keeps_first_;
    std::string stream_;
    std::map<std::size_t, char> waiting_;
};

inline std::string told_of(const Finding& finding) {
    switch (finding.kind) {
        case Finding::Kind::kRequest:
            return std::string(finding.request.method) + " " + std::string(finding.request.path) + " " +
                   std::string(finding.request.host) + (finding.request.upgrade ? " upgrade" : "");
        case Finding::Kind::kGreeting:
            return "hello " + std::string(finding.greeting.server_name) +
                   (finding.greeting.encrypted_client_hello ? " ech" : "");
        case Finding::Kind::kMessage: return "message";
        case Finding::Kind::kProblem: return "problem " + std::to_string(static_cast<int>(finding.problem));
    }
    return {};
}

inline std::string told_of(Problem problem) {
    Finding finding;
    finding.problem = problem;
    return told_of(finding);
}

// What a whole stream holds, found by reading it from the beginning in one piece.
inline std::vector<std::string> requests_in(std::string_view stream, std::size_t max_head) {
    std::vector<std::string> told;
    HttpReader reader(static_cast<std::uint32_t>(max_head));
    for (;;) {
        HttpHead head;
        const HttpProgress read = reader.read(stream, head);
        if (read.step == HttpStep::kMore) return told;
        if (read.step == HttpStep::kProblem) {
            told.push_back(told_of(read.problem));
            return told;
        }
        stream.remove_prefix(read.size);
        if (read.step != HttpStep::kHead) continue;
        std::string buffer(head.path.size(), '\0');
        NormalisedPath path{PathProblem::kNone, head.path};
        if (head.path.starts_with('/')) path = normalise_path(head.path, buffer);
        if (path.problem != PathProblem::kNone) {
            told.push_back(told_of(Problem::kMalformed));
            return told;
        }
        Finding finding;
        finding.kind = Finding::Kind::kRequest;
        finding.request = {head.method, path.path, head.host, head.upgrade};
        told.push_back(told_of(finding));
    }
}

inline std::vector<std::string> greeting_in(std::string_view stream, std::size_t max_head) {
    std::vector<std::uint8_t> working(max_head);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(stream.data());
    const HelloProgress read = read_client_hello({bytes, stream.size()}, working);
    if (read.step == HelloStep::kMore) return {};
    if (read.step == HelloStep::kProblem) return {told_of(read.problem)};
    Finding finding;
    finding.kind = Finding::Kind::kGreeting;
    finding.greeting = read.greeting;
    return {told_of(finding)};
}

inline constexpr InspectorSettings kSmallInspector{
    .connections = 2, .buffers = 16 << 10, .per_connection = 8 << 10, .max_head = 512};

// One connection: an inspector and its receivers. `Numbers` gives numbers, random ones or a fuzzer's.
template <typename Numbers>
class StreamTrial {
public:
    StreamTrial(Protocol protocol, std::string source, std::uint32_t first_sequence, Numbers& numbers)
        : protocol_(protocol),
          source_(std::move(source)),
          first_(first_sequence),
          numbers_(numbers),
          inspector_(std::move(Inspector::create(kSmallInspector)).value()),
          context_(inspector_.open(protocol, first_sequence)) {}

    // A segment, mostly true to the source, mostly about where the receiver waits. What is wrong, in words, or nothing.
    std::optional<std::string> step() {
        const std::size_t have = receivers_[0].stream().size();
        const std::size_t back = numbers_() % 4 == 0 ? numbers_() % 64 : 0;
        const std::size_t ahead = numbers_() % 3 == 0 ? 8 * (numbers_() % 64) : 0;
        const std::size_t offset = std::min(have + ahead - std::min(have + ahead, back), source_.size());
        const std::size_t size = std::min<std::size_t>(1 + numbers_() % 200, source_.size() - offset);
        std::string bytes = source_.substr(offset, size);
        if (!bytes.empty() && numbers_() % 8 == 0) {
            char& changed = bytes[numbers_() % bytes.size()];
            changed = static_cast<char>(numbers_());
        }
        acknowledged_ =
            std::max(acknowledged_, have - std::min<std::size_t>(have, numbers_() % 2 == 0 ? 0 : numbers_() % 512));
        const bool lost = numbers_() % 5 == 0;
        return send(offset, bytes, lost);
    }

    // In order, until all of the source has arrived. Something in order must never be refused for ever.
    std::optional<std::string> finish() {
        for (int tries = 0; tries < 10'000 && !finished() && receivers_[0].stream().size() < source_.size(); ++tries) {
            const std::size_t have = receivers_[0].stream().size();
            acknowledged_ = have;
            // What was let pass and lost may differ from the source and then stands in the way: nothing to be found any
            // more.
            if (auto wrong = send(have, source_.substr(have, 100), false)) return wrong;
            if (last_fate_ == Fate::kOverlap) return std::nullopt;
            if (last_fate_ == Fate::kLimit) return "what is in order was refused";
        }
        return std::nullopt;
    }

    [[nodiscard]] bool finished() const { return !told_.empty() && told_.back().starts_with("problem"); }
    [[nodiscard]] const std::vector<std::string>& told() const { return told_; }

private:
    std::optional<std::string> send(std::size_t offset, const std::string& bytes, bool lost) {
        const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
        last_fate_ = inspector_.take(context_, {first_ + static_cast<std::uint32_t>(offset), exact,
                                                first_ + static_cast<std::uint32_t>(acknowledged_)});
        if (inspector_.usage().blocks * 256 > kSmallInspector.per_connection) return "holds more than it may";
        if (last_fate_ != Fate::kPass) return std::nullopt;
        for (Finding finding; inspector_.next(finding);) told_.push_back(told_of(finding));
        if (inspector_.usage().blocks * 256 > kSmallInspector.per_connection) return "holds more than it may";
        if (finished()) return std::nullopt;  // what passes then was not judged
        if (lost) return std::nullopt;
        for (Receiver& receiver : receivers_) receiver.receive(offset, bytes);
        return check();
    }

    // Whatever a receiver could read by now was found, as it reads it.
    std::optional<std::string> check() const {
        for (const Receiver& receiver : receivers_) {
            const auto there = protocol_ == Protocol::kHttp ? requests_in(receiver.stream(), kSmallInspector.max_head)
                                                            : greeting_in(receiver.stream(), kSmallInspector.max_head);
            if (there.size() <= told_.size() && std::equal(there.begin(), there.end(), told_.begin())) continue;
            std::string wrong = "a receiver reads:";
            for (const std::string& line : there) wrong += "\n  " + line;
            wrong += "\nbut was found:";
            for (const std::string& line : told_) wrong += "\n  " + line;
            return wrong;
        }
        return std::nullopt;
    }

    Protocol protocol_;
    std::string source_;
    std::uint32_t first_;
    Numbers& numbers_;
    Inspector inspector_;
    ContextId context_;
    std::vector<Receiver> receivers_{Receiver(true), Receiver(false)};
    std::size_t acknowledged_ = 0;
    Fate last_fate_ = Fate::kPass;
    std::vector<std::string> told_;
};

}  // namespace drywall::inspect
