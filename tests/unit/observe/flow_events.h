// Flow events as workers send them, by words; and the rulesets and clocks that their tests share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "cluster.h"
#include "drywall/observe/flow_log.h"
#include "packets.h"

namespace drywall::observe {

// A clock that goes where the test sets it.
class TestClock {
public:
    explicit TestClock(std::int64_t seconds = 1'000'000)
        : now_(std::make_shared<WallTime>(std::chrono::seconds(seconds))) {}
    void pass(std::chrono::milliseconds time) { *now_ += time; }
    [[nodiscard]] WallTime now() const { return *now_; }
    [[nodiscard]] FlowLog::WallClock clock() const {
        return [now = now_] { return *now; };
    }

private:
    std::shared_ptr<WallTime> now_;
};

inline net::Tuple tcp_to(std::uint16_t port, std::string_view from = "10.0.0.1") {
    net::Tuple tuple;
    tuple.source = net::Address::parse(from)->bytes;
    tuple.destination = net::Address::parse("10.1.0.1")->bytes;
    tuple.protocol = net::protocol::kTcp;
    tuple.source_port = 40000;
    tuple.destination_port = port;
    return tuple;
}

inline telemetry::FlowEvent event(telemetry::FlowEventKind kind, std::uint64_t flow,
                                  const net::Tuple& tuple = tcp_to(80)) {
    telemetry::FlowEvent out;
    out.kind = kind;
    out.flow = flow;
    out.tuple = tuple;
    return out;
}

// What the flow counted from its beginning on.
inline telemetry::FlowEvent counted(telemetry::FlowEventKind kind, std::uint64_t flow, telemetry::PacketsBytes forward,
                                    telemetry::PacketsBytes reverse) {
    telemetry::FlowEvent out = event(kind, flow);
    out.forward = forward;
    out.reverse = reverse;
    return out;
}

inline telemetry::FlowEvent ended(std::uint64_t flow, telemetry::PacketsBytes forward,
                                  telemetry::PacketsBytes reverse) {
    return counted(telemetry::FlowEventKind::kEnded, flow, forward, reverse);
}

// The event as a worker would send it under this ruleset.
inline telemetry::FlowEvent judged(telemetry::FlowEvent event, const ruleset::Ruleset& ruleset) {
    event.trace = ruleset.classify(event.tuple);
    event.generation = ruleset.generation();
    return event;
}

// web may reach db on TCP 80; a staged policy would take that away.
inline test::Cluster web_and_db() {
    test::Cluster cluster;
    cluster.workload("web", "10.0.0.1", {{"app", "web"}}).workload("db", "10.1.0.1", {{"app", "db"}});
    cluster.add(test::gnp("db").selects("app == 'db'").ingress(test::allow().tcp(80)));
    cluster.add(test::sgnp("no-db").order(1).selects("app == 'db'").ingress(test::deny()));
    return cluster;
}

inline std::shared_ptr<const ruleset::Ruleset> built(test::Cluster cluster, std::uint64_t generation = 1) {
    auto ruleset =
        ruleset::Ruleset::build(static_cast<Generation>(generation), cluster.inventory(), cluster.surroundings());
    if (!ruleset) {
        ADD_FAILURE() << ruleset.error().text();
        std::abort();
    }
    return *ruleset;
}

}  // namespace drywall::observe
