// RequestLog: the newest things that were asked for inside of connections, with what both worlds decided about each.
//
// Threads: the stats core adds, a recorder takes, any thread reads. One mutex, held for short.
// Memory:  as many records as the settings say, then the oldest goes; more only while a recorder has not taken them.
//          As many of those that staged policies would decide otherwise are kept beside them: what is rare is not
//          forgotten because much else is asked.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "drywall/observe/request.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/telemetry/request.h"

namespace drywall::observe {

struct RequestQuery {
    bool only_denied = false;
    bool only_differing = false;   // those that would change
    bool only_would_deny = false;  // those of them that would be denied
    RequestFilter filter = {};
    std::optional<WallTime> since = {};
    std::uint64_t after_sequence = 0;
    std::size_t limit = 100;  // the newest; of wait(): the oldest, to go on from
};

struct RequestAnswer {
    std::vector<RequestRecord> requests;  // in the order in which they were recorded
    std::uint64_t next_sequence = 0;      // where to go on from
    std::uint64_t missed = 0;             // that came after the query's cursor, and were forgotten since
};

class RequestLog {
public:
    explicit RequestLog(std::size_t most = 4096);
    ~RequestLog();

    // `ruleset`: of the request's generation, null when it was freed long ago.
    void add(const telemetry::Request& request, const ruleset::Ruleset* ruleset, WallTime now);

    [[nodiscard]] std::vector<RequestRecord> query(const RequestQuery& query) const;
    // Waits until something that is meant came after `query.after_sequence`, or `timeout` passed.
    [[nodiscard]] RequestAnswer wait(const RequestQuery& query, std::chrono::milliseconds timeout) const;
    [[nodiscard]] std::uint64_t last_sequence() const;

    // The number of those that were forgotten to make room, ever, and when the last of them was recorded.
    struct Forgotten {
        std::uint64_t requests = 0;
        WallTime last{};
    };
    [[nodiscard]] Forgotten forgotten() const;

    // Everything that is kept from that moment on, also what query() no longer shows, in its order.
    [[nodiscard]] std::vector<RequestRecord> everything(WallTime since) const;

    // From now on they are kept until they were taken, within bounds; or no longer.
    void hold_for_recorder(bool hold);
    struct Taken {
        std::vector<RequestRecord> requests;  // that were not taken yet, oldest first
        std::uint64_t missed = 0;             // of them, forgotten before anybody came
    };
    [[nodiscard]] Taken take();

private:
    class Describer;  // makes texts once per trace and endpoint

    using Records = std::deque<std::shared_ptr<const RequestRecord>>;

    [[nodiscard]] static bool wanted(const RequestRecord& record, const RequestQuery& query);
    void make_room();

    const std::size_t most_;
    std::unique_ptr<Describer> describer_;  // the stats core's alone
    mutable std::mutex mutex_;              // guards what follows
    mutable std::condition_variable changed_;
    Records records_;
    Records differing_;  // that would change, the newest
    std::uint64_t last_ = 0;
    Forgotten forgotten_;
    bool held_ = false;        // somebody takes them
    std::uint64_t taken_ = 0;  // the last one taken, or forgotten before
};

}  // namespace drywall::observe
