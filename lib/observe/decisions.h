// Decisions and parties: the texts of a trace's hits and of an endpoint, made once and shared by all flow groups that
// have them.
//
// Threads: none of their own; FlowLog's mutex guards them.
// Cost:    texts are made once per trace (or endpoint) and generation. Equal decisions of different generations are one
//          object, so that a group survives a new generation that decides it in the same way.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "drywall/base/ids.h"
#include "drywall/base/verdict.h"
#include "drywall/net/address.h"
#include "drywall/observe/flow_group.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::observe {

// How `ruleset` decides this trace.
[[nodiscard]] Decided decided_by(const ruleset::Ruleset& ruleset, TraceId trace);

class Decisions {
public:
    [[nodiscard]] Decision of(const ruleset::Ruleset& ruleset, TraceId trace);
    // For a trace whose generation was freed: the verdict is known from the event, the hits are not.
    [[nodiscard]] Decision without_hits(Verdict verdict);

private:
    [[nodiscard]] Decision intern(Decided decided);
    void forget_unused();

    std::unordered_map<TraceId, Decision> by_trace_;  // of `generation_`
    Generation generation_{};
    std::unordered_map<std::string, std::weak_ptr<const Decided>> interned_;  // by all of its texts
    std::array<Decision, 2> without_hits_;                                    // by verdict
    std::size_t next_clean_ = 1024;
};

class Parties {
public:
    [[nodiscard]] std::shared_ptr<const Party> of(const ruleset::Ruleset* ruleset, const net::Address& address);

private:
    std::unordered_map<const void*, std::shared_ptr<const Party>> known_;  // by EndpointInfo
    Generation generation_{};                                              // of `known_`
};

}  // namespace drywall::observe
