// What Prometheus is told: the numbers of /v1/stats, in bounded number.
#include "metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "served.h"
#include "story.h"

namespace drywall::control {
namespace {

using runtime::RuleCounts;
using runtime::Snapshot;
using test::Served;
using test::Site;
using testing::HasSubstr;

RuleCounts rule(std::string policy, int index, bool staged, std::uint64_t packets) {
    RuleCounts out;
    out.hit.kind = ruleset::HitKind::kRule;
    out.hit.policy = ruleset::PolicyRef{
        .kind = staged ? policy::Kind::kStagedGlobalNetworkPolicy : policy::Kind::kGlobalNetworkPolicy,
        .tier = "default",
        .ns = {},
        .name = std::move(policy),
        .staged = staged};
    out.hit.rule_index = index;
    out.enforced = {packets, packets * 100};
    out.pending = {packets + 1, packets * 100 + 1};
    out.would_deny = {packets + 2, 0};
    out.would_allow = {packets + 3, 0};
    out.in_current_generation = true;
    return out;
}

// Series by their name and labels.
std::map<std::string, double> samples(const std::string& text) {
    std::map<std::string, double> out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.front() == '#') continue;
        const std::size_t space = line.rfind(' ');
        EXPECT_TRUE(out.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second) << line;
    }
    return out;
}

std::map<std::string, double> metrics_of(const Snapshot& snapshot, MetricsLimits limits = {}) {
    Site site;
    const State state = site->state();
    return samples(metrics_text({.state = state, .snapshot = &snapshot, .limits = limits}));
}

TEST(Metrics, ARuleIsCountedInTheWorldThatItBelongsTo) {
    Snapshot snapshot;
    snapshot.rules = {rule("web", 0, false, 10), rule("web", 0, true, 20)};
    auto found = metrics_of(snapshot);
    const std::string enforced =
        R"({tier="default",policy="gnp:web",rule="0",direction="ingress",action="deny",mode="enforced"})";
    const std::string staged =
        R"({tier="default",policy="sgnp:web",rule="0",direction="ingress",action="deny",mode="staged"})";
    EXPECT_EQ(found["drywall_policy_packets_total" + enforced], 10);
    EXPECT_EQ(found["drywall_policy_bytes_total" + enforced], 1000);
    EXPECT_EQ(found["drywall_policy_packets_total" + staged], 21);
    EXPECT_EQ(found["drywall_policy_would_deny_packets_total" + staged], 22);
    EXPECT_EQ(found["drywall_policy_would_allow_packets_total" + staged], 23);
}

TEST(Metrics, TheStateAndWhyAreSeriesThatAnAlertCanAskFor) {
    Site site;
    const State state = site->state();
    using runtime::Trouble;
    runtime::Health health;
    health.state = runtime::ApplianceState::kDegraded;
    for (const std::size_t worker : {0U, 3U}) {
        runtime::Reason& reason = health.reasons.emplace_back();
        reason.trouble = Trouble::kWorkerHung;
        reason.worker = worker;
    }
    health.fail_open = true;
    auto found = samples(metrics_text({.state = state, .health = health}));
    EXPECT_EQ(found.at(R"(drywall_state{state="degraded"})"), 1);
    EXPECT_EQ(found.at(R"(drywall_state{state="ready"})"), 0);
    EXPECT_EQ(found.at(R"(drywall_degraded_reasons{trouble="worker-hung"})"), 2);
    EXPECT_EQ(found.at(R"(drywall_degraded_reasons{trouble="store"})"), 0);
    EXPECT_EQ(found.at("drywall_fail_open"), 1);
}

TEST(Metrics, ARuleTellsItsConnectionsAndWhenItWasLastHit) {
    Snapshot snapshot;
    snapshot.rules = {rule("web", 0, false, 10), rule("web", 0, false, 5), rule("web", 1, false, 5)};
    snapshot.rules[0].connections = 3;
    snapshot.rules[1].connections = 4;
    snapshot.rules[0].requests = 2;
    snapshot.rules[1].requests = 9;
    snapshot.rules[0].last_hit = std::chrono::system_clock::time_point(std::chrono::milliseconds(1500));
    auto found = metrics_of(snapshot);
    const auto labels = [](const std::string& number) {
        return R"({tier="default",policy="gnp:web",rule=")" + number +
               R"(",direction="ingress",action="deny",mode="enforced"})";
    };
    EXPECT_EQ(found["drywall_policy_connections_total" + labels("0")], 7);
    EXPECT_EQ(found["drywall_policy_requests_total" + labels("0")], 11);
    EXPECT_EQ(found["drywall_policy_requests_total" + labels("1")], 0);
    EXPECT_EQ(found["drywall_policy_last_hit_timestamp_seconds" + labels("0")], 1.5);
    EXPECT_EQ(found.count("drywall_policy_last_hit_timestamp_seconds" + labels("1")), 0U) << "it was never hit";
}

TEST(Metrics, StagedPoliciesTellTheConnectionsThatTheyWouldDeny) {
    Snapshot snapshot;
    snapshot.staged = {{.policy = *rule("web", 0, true, 0).hit.policy,
                        .would_deny = {},
                        .would_allow = {},
                        .would_deny_connections = 12,
                        .would_deny_requests = 5}};
    auto found = metrics_of(snapshot);
    EXPECT_EQ(found[R"(drywall_staged_would_deny_connections_total{policy="sgnp:web"})"], 12);
    EXPECT_EQ(found[R"(drywall_staged_would_deny_requests_total{policy="sgnp:web"})"], 5);
}

TEST(Metrics, TellWhatReadingInsideOfConnectionsComesTo) {
    Snapshot snapshot;
    snapshot.inspected = 3;
    snapshot.resets_sent = 8;
    snapshot.requests_untold = 1;
    auto found = metrics_of(snapshot);
    EXPECT_EQ(found["drywall_inspected_connections"], 3);
    EXPECT_EQ(found["drywall_resets_sent_total"], 8);
    EXPECT_EQ(found["drywall_requests_untold_total"], 1);
}

TEST(Metrics, ConnectionsAreToldByStateAndWorkersByTheirTime) {
    Snapshot snapshot;
    const auto state = [&](flow::FlowState which) -> std::uint64_t& {
        return snapshot.flows_by_state[static_cast<std::size_t>(which)];
    };
    state(flow::FlowState::kNew) = 4;
    state(flow::FlowState::kSynReceived) = 1;
    state(flow::FlowState::kEstablished) = 40;
    state(flow::FlowState::kInitiatorDone) = 2;
    state(flow::FlowState::kResponderDone) = 3;
    state(flow::FlowState::kTimeWait) = 1;
    snapshot.flows_half_open = 4;
    snapshot.workers.resize(2);
    snapshot.workers[1].busy_ratio = 0.25;
    auto found = metrics_of(snapshot);
    EXPECT_EQ(found[R"(drywall_connections{state="new"})"], 5);
    EXPECT_EQ(found[R"(drywall_connections{state="established"})"], 40);
    EXPECT_EQ(found[R"(drywall_connections{state="half-closed"})"], 5);
    EXPECT_EQ(found[R"(drywall_connections{state="closed"})"], 1);
    EXPECT_EQ(found["drywall_half_open_connections"], 4);
    EXPECT_EQ(found[R"(drywall_worker_busy_ratio{worker="1"})"], 0.25);
}

TEST(Metrics, LatencyIsACumulativeHistogram) {
    telemetry::ResidenceHistogram residence;
    residence.add(10, 900);
    residence.add(4, 1'000);
    residence.add(2, 1'001);
    residence.add(1, 200'000'000);
    Snapshot snapshot;
    snapshot.residence = residence.read();
    auto found = metrics_of(snapshot);
    EXPECT_EQ(found[R"(drywall_packet_latency_seconds_bucket{le="1e-06"})"], 14);
    EXPECT_EQ(found[R"(drywall_packet_latency_seconds_bucket{le="2.5e-06"})"], 16);
    EXPECT_EQ(found[R"(drywall_packet_latency_seconds_bucket{le="0.1"})"], 16);
    EXPECT_EQ(found[R"(drywall_packet_latency_seconds_bucket{le="+Inf"})"], 17);
    EXPECT_EQ(found["drywall_packet_latency_seconds_count"], 17);
    EXPECT_DOUBLE_EQ(found["drywall_packet_latency_seconds_sum"], (10 * 900 + 4 * 1000 + 2 * 1001 + 2e8) / 1e9);
}

TEST(Metrics, WhatASafetyNetCatchesIsCountedInConnections) {
    Snapshot snapshot;
    snapshot.rules = {rule("everything", 0, false, 10), rule("everything", 1, false, 10), rule("other", 1, false, 10)};
    for (RuleCounts& one : snapshot.rules) one.connections = 5;
    const std::vector<SafetyNet> nets{{.policy = *snapshot.rules[0].hit.policy, .ingress_rule = 1, .egress_rule = -1}};
    MetricFamilies families;
    add_safety_nets(families, snapshot, nets);
    EXPECT_EQ(std::move(families).take().at(0).metric.at(0).counter.value, 5);
}

TEST(Metrics, HitsThatReadAlikeAreOneSeriesWithTheirSum) {
    Snapshot snapshot;
    snapshot.rules = {rule("web", 0, false, 10), rule("web", 0, false, 5)};
    snapshot.rules[1].hit.identity = "another";
    auto found = metrics_of(snapshot);
    EXPECT_EQ(found[R"(drywall_policy_packets_total{tier="default",policy="gnp:web",rule="0",direction="ingress",)"
                    R"(action="deny",mode="enforced"})"],
              15);
}

TEST(Metrics, WhatEarlierGenerationsCountedIsKeptInOneSeriesPerWorld) {
    Snapshot snapshot;
    snapshot.rules = {rule("web", 0, false, 10), rule("old", 0, false, 5), rule("older", 3, false, 7),
                      rule("old", 0, true, 2)};
    for (std::size_t i = 1; i < snapshot.rules.size(); ++i) snapshot.rules[i].in_current_generation = false;
    auto found = metrics_of(snapshot);
    EXPECT_EQ(found[R"(drywall_former_rules_packets_total{mode="enforced"})"], 12);
    EXPECT_EQ(found[R"(drywall_former_rules_packets_total{mode="staged"})"], 3);
}

TEST(Metrics, RulesBeyondTheLimitAreCountedTogetherAndShown) {
    Snapshot snapshot;
    for (int i = 0; i < 50; ++i) snapshot.rules.push_back(rule("web", i, false, 1));
    auto found = metrics_of(snapshot, {.rules = 20});
    EXPECT_EQ(found["drywall_metrics_rules_left_out"], 30);
    double sum = 0;
    for (const auto& [series, value] : found)
        if (series.starts_with("drywall_policy_packets_total")) sum += value;
    EXPECT_EQ(sum, 50);
}

TEST(Metrics, APortTellsWhatWentOnAndWhatDied) {
    Snapshot snapshot;
    snapshot.ports.resize(1);
    snapshot.ports[0].name = "left";
    snapshot.ports[0].received = {20, 2000};
    snapshot.ports[0].forwarded = {15, 1500};
    snapshot.ports[0].drops = {{DropReason::kPolicyDeny, {3, 300}}, {DropReason::kNonIp, {2, 200}}};
    auto found = metrics_of(snapshot);
    EXPECT_EQ(found[R"(drywall_port_forwarded_packets_total{port="left"})"], 15);
    EXPECT_EQ(found[R"(drywall_port_drops_total{port="left"})"], 5) << "one series per port, whatever the reasons";
}

TEST(Metrics, TheNumberOfSeriesIsBoundedByTheNumberOfRules) {
    Snapshot snapshot;
    constexpr std::size_t kRules = 300;
    for (std::size_t i = 0; i < kRules; ++i) {
        snapshot.rules.push_back(rule("p" + std::to_string(i), 0, true, i));
        snapshot.staged.push_back({.policy = *snapshot.rules.back().hit.policy, .would_deny = {}, .would_allow = {}});
    }
    snapshot.ports.resize(32);  // the most that a configuration may have
    for (std::size_t i = 0; i < snapshot.ports.size(); ++i) snapshot.ports[i].name = "port" + std::to_string(i);
    snapshot.workers.resize(64);
    EXPECT_LE(metrics_of(snapshot).size(), kSeriesPerRule * kRules + kFixedSeries);
    EXPECT_LE(metrics_of(snapshot, {.rules = 0, .connections = 1}).size(), kFixedSeries);
}

TEST(Metrics, NoLabelHoldsAnAddressOrAnL4Port) {
    Snapshot snapshot;
    RuleCounts failsafe;
    failsafe.hit.kind = ruleset::HitKind::kFailsafe;
    failsafe.hit.service = "tcp/2222";
    failsafe.hit.rule_index = 0;
    failsafe.in_current_generation = true;
    snapshot.rules = {failsafe};
    snapshot.workers.resize(1);
    for (const auto& [series, value] : metrics_of(snapshot)) EXPECT_THAT(series, testing::Not(HasSubstr("2222")));
}

TEST(Metrics, WithoutADataplaneWhatIsKnownIsStillTold) {
    Site site;
    const State state = site->state();
    auto found = samples(metrics_text({.state = state}));
    EXPECT_EQ(found["drywall_dataplane_running"], 0);
    EXPECT_EQ(found["drywall_config_generation"], 1);
    EXPECT_FALSE(found.contains("drywall_connections"));
}

TEST(Metrics, TheGuardTellsOfChangesThatWaitOrCameBackAndOfAnOpenSafety) {
    Site site;
    const State state = site->state();
    GuardView guard;
    guard.now.wall = std::chrono::system_clock::time_point(std::chrono::seconds(1000));
    guard.taken_back[ConfirmationState::kExpired] = 2;
    const auto found = [&] { return samples(metrics_text({.state = state, .guard = &guard})); };
    EXPECT_EQ(found()[R"(drywall_config_rollbacks_total{cause="expired"})"], 2);
    EXPECT_EQ(found()[R"(drywall_config_rollbacks_total{cause="tripped"})"], 0);
    EXPECT_EQ(found()["drywall_safety_open"], 0);
    EXPECT_FALSE(found().contains("drywall_config_confirm_deadline_timestamp_seconds"));

    guard.confirmation = ConfirmationState::kArmed;
    guard.change.emplace();
    guard.change->deadline = {.set = guard.now, .after = std::chrono::seconds(300)};
    guard.safety.emplace();
    EXPECT_EQ(found()["drywall_config_confirm_deadline_timestamp_seconds"], 1300);
    EXPECT_EQ(found()["drywall_safety_open"], 1);
}

TEST(Metrics, WhatASettingOnlyObservesIsCountedApartFromDrops) {
    Snapshot snapshot;
    snapshot.observed[DropReason::kTcpWindow] = {7, 700};
    const auto found = metrics_of(snapshot);
    EXPECT_EQ(found.at(R"(drywall_observed_packets_total{reason="tcp_window"})"), 7);
    EXPECT_EQ(found.at(R"(drywall_observed_packets_total{reason="tcp_mid_stream"})"), 0);
    EXPECT_EQ(found.at(R"(drywall_drops_total{reason="tcp_window"})"), 0);
}

TEST(Metrics, APortsMtuIsThereWhereItSaysOne) {
    Snapshot snapshot;
    snapshot.ports.resize(2);
    snapshot.ports[0].name = "lan";
    snapshot.ports[0].mtu = 1500;
    snapshot.ports[1].name = "wan";
    const auto found = metrics_of(snapshot);
    EXPECT_EQ(found.at(R"(drywall_port_mtu_bytes{port="lan"})"), 1500);
    EXPECT_FALSE(found.contains(R"(drywall_port_mtu_bytes{port="wan"})"));
}

TEST(Metrics, LabelsAreEscaped) {
    Snapshot snapshot;
    snapshot.ports.resize(1);
    snapshot.ports[0].name = "a\"b\\c";
    EXPECT_TRUE(metrics_of(snapshot).contains(R"(drywall_port_link_up{port="a\"b\\c"})"));
}

// A loopback port that was free a moment ago.
net::SocketAddress free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    (void)::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
    (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return {net::Address::v4(INADDR_LOOPBACK), ntohs(address.sin_port)};
}

TEST(Metrics, AreServedOnBothSocketsAndOnLoopback) {
    const net::SocketAddress place = free_port();
    const Served served({.metrics_listen = place});
    httplib::Client tcp("127.0.0.1", place.port);
    const auto answer = tcp.Get("/metrics");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(answer->body, HasSubstr("\ndrywall_config_generation 1\n"));
    EXPECT_THAT(served.client().Get("/metrics")->body, HasSubstr("drywall_config_generation 1"));
    EXPECT_THAT(served.view_client().Get("/metrics")->body, HasSubstr("drywall_config_generation 1"));
}

TEST(Metrics, OnLoopbackThereIsNothingElse) {
    const net::SocketAddress place = free_port();
    const Served served({.metrics_listen = place});
    httplib::Client tcp("127.0.0.1", place.port);
    for (const char* path : {"/v1/status", "/v1/resources", "/_ping", "/"}) {
        const auto answer = tcp.Get(path);
        ASSERT_TRUE(answer) << path;
        EXPECT_EQ(answer->status, 403) << path;
    }
    const auto change = tcp.Post("/v1/resources", test::kStagedClosed, "application/yaml");
    ASSERT_TRUE(change);
    EXPECT_EQ(change->status, 403);
}

TEST(Metrics, AnAddressThatOthersCanReachIsRefused) {
    const test::TemporaryDirectory directory;
    Site site;
    const observe::FlowLog flows;
    const auto server = Server::start({.socket_path = (directory.path() / "api.sock").string(),
                                       .metrics_listen = net::SocketAddress{net::Address::v4(0), 9417}},
                                      *site, flows);
    ASSERT_FALSE(server);
    EXPECT_THAT(server.error().text(), HasSubstr("other machines could read them"));
}

}  // namespace
}  // namespace drywall::control
