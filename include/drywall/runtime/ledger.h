// Ledger: traces' counts written into the books that people read: per rule, per staged policy, per disagreement.
//
// Threads: none of its own; the owner locks.
// Rules:   for a trace with c packets, every enforced hit's `enforced` and every pending hit's `pending` grow by c (a
//          rule that stands twice in a trace counts once). When the verdicts differ, the deciding (last) hits of both
//          worlds, the responsible staged policies and the disagreement of the two hits grow by c as well.
//          What was asked for inside of a connection counts once for every rule of the trace that decided it, in the
//          world that the rule belongs to, and where the verdicts differ as packets do.
//          A connection that opened counts once for every rule of its trace, in the world that the rule belongs to.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "drywall/runtime/dataplane.h"

namespace drywall::runtime {

class Ledger {
    struct Rule {
        RuleCounts counts;
        std::size_t generations = 0;  // open accounts that refer to it
    };

public:
    // One generation's way into the books.
    class Account {
    public:
        explicit Account(std::shared_ptr<const ruleset::Ruleset> ruleset) : ruleset_(std::move(ruleset)) {}

        // A connection opened by this trace. REQUIRES: the account is open, the trace is its ruleset's
        void opened(TraceId trace) {
            if (opened_[index(trace)]++ == 0) traces_that_opened_.push_back(trace);
        }

    private:
        friend class Ledger;
        // What a trace whose verdicts differ adds to.
        struct Differing {
            std::vector<PolicyCounts*> responsible;
            Disagreement* disagreement = nullptr;
        };
        std::shared_ptr<const ruleset::Ruleset> ruleset_;
        std::vector<Rule*> rules_;                              // by HitId
        std::vector<telemetry::PacketsBytes> entered_;          // by TraceId: already in the books
        std::vector<std::uint64_t> asked_;                      // likewise, requests; empty: none can be read
        std::vector<std::uint32_t> opened_;                     // by TraceId: connections not yet in the books,
        std::vector<TraceId> traces_that_opened_;               // and for which traces there are any
        std::unordered_map<std::size_t, Differing> differing_;  // by TraceId, for those that counted
    };

    [[nodiscard]] Account open(std::shared_ptr<const ruleset::Ruleset> ruleset);

    using WallTime = std::chrono::system_clock::time_point;

    // Enters what the workers' counters have grown by since the last time; rules that they hit were hit at `at`.
    void enter(Account& account, std::span<const std::unique_ptr<telemetry::TraceCounters>> counters, WallTime at);

    // Enters the connections that opened since the last time.
    void enter_connections(Account& account);

    // The account's last entry is made. Rules that no open account has and that never counted are forgotten.
    void close(Account& account);

    // `current` decides which rules are in the current generation, and their order.
    void report(const Account& current, Snapshot& snapshot) const;

private:
    void enter(Account& account, TraceId id, const telemetry::PacketsBytes& amount, WallTime at);
    void enter_connections(Account& account, TraceId id, std::uint64_t connections);
    void enter_requests(Account& account, TraceId id, std::uint64_t requests);
    void enter_difference(Account& account, TraceId id, const telemetry::PacketsBytes& amount);
    Account::Differing& differing(Account& account, TraceId id);
    PolicyCounts& policy(const ruleset::PolicyRef& ref);
    void know_staged_policies(const ruleset::HitDescriptor& hit);

    std::map<std::string, Rule> rules_;  // by HitDescriptor::identity
    std::map<ruleset::PolicyRef, PolicyCounts> staged_;
    std::map<std::pair<std::string, std::string>, Disagreement> disagreements_;  // by both identities
    telemetry::PacketsBytes judged_;
    telemetry::PacketsBytes allowed_;
    telemetry::PacketsBytes denied_;
    telemetry::PacketsBytes only_observed_;
    telemetry::PacketsBytes unmatched_;
};

}  // namespace drywall::runtime
