// Nobody locks themselves out: changes come back, the safety opens and closes, and what would cut people off is
// refused by name. Time is made here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "drywall/control/safety_net.h"
#include "json.h"
#include "story.h"
#include "temporary_folder.h"

namespace drywall::control {
namespace {

using namespace std::chrono_literals;
using drywall::test::TemporaryFolder;
using test::files;
using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using test::Site;
using test::with;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FakeMemory final : public Memory {
public:
    Status remember(std::string_view name, std::string_view text) override {
        if (broken) return Error::of(ErrorKind::kUnavailable, "the disk is full");
        kept[std::string(name)] = std::string(text);
        return Done{};
    }
    Status forget(std::string_view name) override {
        if (broken) return Error::of(ErrorKind::kUnavailable, "the disk is full");
        kept.erase(std::string(name));
        return Done{};
    }
    Result<std::optional<std::string>> recall(std::string_view name) override {
        const auto found = kept.find(std::string(name));
        return found == kept.end() ? std::optional<std::string>() : std::optional(found->second);
    }
    std::map<std::string, std::string> kept;
    bool broken = false;
};

telemetry::FlowEvent tcp_event(telemetry::FlowEventKind kind, std::uint16_t port, Generation generation) {
    telemetry::FlowEvent event;
    event.kind = kind;
    event.generation = generation;
    event.tuple.source = net::Address::parse("10.0.0.1")->bytes;
    event.tuple.destination = net::Address::parse("10.1.0.1")->bytes;
    event.tuple.protocol = net::protocol::kTcp;
    event.tuple.source_port = 40000;
    event.tuple.destination_port = port;
    return event;
}

// A guarded site over clocks that stand still until they are moved.
class Guarded : public ::testing::Test {
protected:
    Guarded() {
        now.boot = 1000s;
        now.wall += 400'000h;
        now.boot_id = "boot-1";
        begin(site);
    }

    void begin(Site& which) {
        GuardSettings settings;
        settings.flows = &flows;
        settings.denials = &denials;
        settings.memory = &memory;
        settings.rescue_flag = rescue_flag;
        settings.clocks = [this] { return now; };
        which->guard_with(std::move(settings));
    }

    void pass(Nanos time) {
        now.boot += time;
        now.wall += std::chrono::duration_cast<std::chrono::system_clock::duration>(time);
        site->keep_promises();
    }

    // web to db, on this port, as the generation in force judges it.
    void connects(std::uint16_t port) {
        const auto ruleset = site->in_force();
        telemetry::FlowEvent event = tcp_event(telemetry::FlowEventKind::kOpened, port, ruleset->generation());
        event.flow = ++last_flow;
        event.trace = ruleset->classify(event.tuple);
        denials.on_event(event, ruleset.get());
    }

    Result<Applied> change(const std::string& text, ChangeOptions options = {}) {
        return site.apply_with({text}, options);
    }
    static ChangeOptions confirm_within(Nanos time, std::vector<TripWire> wires = {}) {
        ChangeOptions options;
        options.confirm_within = time;
        options.revert_if = std::move(wires);
        options.force = true;
        return options;
    }
    [[nodiscard]] bool db_lets_in(std::uint16_t port) {
        const auto ruleset = site->in_force();
        return ruleset->verdict(ruleset->classify(tcp_event({}, port, {}).tuple)).enforced == Verdict::kAllow;
    }

    Moment now;
    Site site;
    observe::FlowLog flows{65536, 262144, [this] { return now.wall; }};
    DenialWatch denials{flows};
    FakeMemory memory;
    std::filesystem::path rescue_flag;
    std::uint64_t last_flow = 0;
};

TEST_F(Guarded, AnUnconfirmedChangeComesBackUnderANewNumberWithTheSameContent) {
    const std::string before = site->state().ruleset->enforced_image();
    const auto applied = change(kWebToDb, confirm_within(60s));
    ASSERT_TRUE(applied) << applied.error().text();
    ASSERT_TRUE(applied->waits);
    EXPECT_FALSE(db_lets_in(9));
    pass(59s);
    EXPECT_EQ(site->generation(), Generation{2});
    pass(1s);
    EXPECT_EQ(site->generation(), Generation{3});
    EXPECT_EQ(site->state().ruleset->enforced_image(), before);
    EXPECT_TRUE(db_lets_in(9));
    EXPECT_FALSE(site->state().inventory->contains({policy::Kind::kGlobalNetworkPolicy, {}, "web-to-db"}));
    EXPECT_THAT(site.dataplane.published(), ElementsAre(Generation{2}, Generation{3}));
}

TEST_F(Guarded, AWallClockThatIsSetForthAndBackMovesNoDeadline) {
    ASSERT_TRUE(change(kWebToDb, confirm_within(60s)));
    now.wall += 24h;
    pass(30s);
    EXPECT_EQ(site->generation(), Generation{2});
    now.wall -= 48h;
    pass(30s);
    EXPECT_EQ(site->generation(), Generation{3});
}

TEST_F(Guarded, AConfirmedChangeStays) {
    ASSERT_TRUE(change(kWebToDb, confirm_within(60s)));
    now.boot += 1s;
    ASSERT_TRUE(site->confirm(Site::kAna, now.boot));
    pass(1h);
    EXPECT_EQ(site->generation(), Generation{2});
}

TEST_F(Guarded, NothingElseIsChangedWhileAChangeWaits) {
    ASSERT_TRUE(change(kWebToDb, confirm_within(60s)));
    const auto other = change(kStagedClosed);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, ErrorKind::kRefused);
    EXPECT_THAT(other.error().text(), HasSubstr("drywall confirm"));
    pass(60s);
    EXPECT_TRUE(change(kStagedClosed));
}

TEST_F(Guarded, AStagedChangeAsksForNoConfirmationUnlessItIsToldTo) {
    ChangeOptions options = confirm_within(60s);
    options.confirm_if_it_can_deny_more = true;
    const auto staged = change(kStagedClosed, options);
    ASSERT_TRUE(staged);
    EXPECT_FALSE(staged->waits);
    EXPECT_TRUE(change(kWebToDb, options)->waits);
}

TEST_F(Guarded, AChangeThatOnlyWidensAsksForNoConfirmationUnlessItResetsConnections) {
    ASSERT_TRUE(change(kWebToDb));
    ChangeOptions options = confirm_within(60s);
    options.confirm_if_it_can_deny_more = true;
    const auto wider = change(with(kWebToDb, "ports: [8080]", "ports: [8080, 8081]"), options);
    ASSERT_TRUE(wider) << wider.error().text();
    EXPECT_TRUE(wider->enforced_changed);
    EXPECT_FALSE(wider->waits);
    const auto other = change(with(kWebToDb, "ports: [8080]", "ports: [8081, 8082]"), options);
    ASSERT_TRUE(other);
    EXPECT_TRUE(other->waits) << "8080 is gone";
    now.boot += 1s;
    ASSERT_TRUE(site->confirm(Site::kAna, now.boot));
    options.existing = runtime::Existing::kReset;
    EXPECT_TRUE(change(with(kWebToDb, "ports: [8080]", "ports: [8081, 8082, 8083]"), options)->waits);
}

TEST_F(Guarded, APublicationThatFailsLeavesNoPromise) {
    site.dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "worker 0 did not answer"));
    EXPECT_FALSE(change(kWebToDb, confirm_within(60s)));
    site.dataplane.fail_with({});
    EXPECT_TRUE(change(kWebToDb));
}

TEST_F(Guarded, ARevertThatCantBePublishedIsTriedAgain) {
    ASSERT_TRUE(change(kWebToDb, confirm_within(60s)));
    site.dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "worker 0 did not answer"));
    pass(60s);
    EXPECT_EQ(site->generation(), Generation{2});
    EXPECT_EQ(change(kStagedClosed).error().kind, ErrorKind::kUnavailable);
    site.dataplane.fail_with({});
    pass(1s);
    EXPECT_TRUE(db_lets_in(9));
}

TEST_F(Guarded, ARevertThatGoesOnFailingIsTriedMoreAndMoreRarely) {
    ASSERT_TRUE(change(kWebToDb, confirm_within(60s)));
    site.dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "worker 0 did not answer"));
    const std::size_t before = site.dataplane.attempted().size();
    const auto tries = [&] { return site.dataplane.attempted().size() - before; };
    pass(60s);
    EXPECT_EQ(tries(), 1U);
    pass(499ms);
    EXPECT_EQ(tries(), 1U);
    pass(1ms);
    EXPECT_EQ(tries(), 2U);
    for (int i = 0; i < 10 * 60 * 20; ++i) pass(50ms);  // ten minutes
    EXPECT_GE(tries(), 20U);
    EXPECT_LE(tries(), 30U);
    site.dataplane.fail_with({});
    pass(30s);
    EXPECT_TRUE(db_lets_in(9));
}

TEST_F(Guarded, ARollbackToThePreviousGenerationTakesItBackAtOnce) {
    ASSERT_TRUE(change(kWebToDb, confirm_within(60s)));
    const auto back = site->rollback(Generation{1}, Site::kAna);
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(back->after, Generation{3});
    EXPECT_TRUE(db_lets_in(9));
    EXPECT_EQ(site->guard().confirmation, ConfirmationState::kWithdrawn);
}

TEST_F(Guarded, TheUserIsToldOnce) {
    ASSERT_TRUE(change(kWebToDb, confirm_within(60s)));
    pass(60s);
    EXPECT_EQ(site->notice_for({1, 0, 0}), "") << "another user's change";
    EXPECT_THAT(site->notice_for(Site::kAna), HasSubstr("generation 2 was taken back"));
    EXPECT_EQ(site->notice_for(Site::kAna), "");
}

TEST_F(Guarded, ADenialThatTheGenerationBeforeWouldHaveLetPassTearsTheWire) {
    ASSERT_TRUE(change(kWebToDb, confirm_within(60s, {{WatchedSign::kNewlyDenied, 0}})));
    const auto ruleset = site->state().ruleset;
    telemetry::FlowEvent old = tcp_event(telemetry::FlowEventKind::kDenied, 9, Generation{1});
    denials.on_event(old, nullptr);
    pass(1s);
    EXPECT_EQ(site->generation(), Generation{2}) << "denied by a generation before the change";
    denials.on_event(tcp_event(telemetry::FlowEventKind::kDenied, 9, Generation{2}), ruleset.get());
    pass(1s);
    EXPECT_EQ(site->generation(), Generation{3});
    EXPECT_EQ(site->guard().confirmation, ConfirmationState::kTripped);
    EXPECT_THAT(site->guard().last_revert->cause, HasSubstr("tcp 10.0.0.1:40000 -> 10.1.0.1:9"));
}

TEST_F(Guarded, PacketsSentAgainAreOneConnection) {
    denials.begin(Generation{2}, site->state().ruleset);
    for (int i = 0; i < 3; ++i)
        denials.on_event(tcp_event(telemetry::FlowEventKind::kDenied, 9, Generation{2}), nullptr);
    EXPECT_EQ(denials.seen().connections, 1U);
}

TEST_F(Guarded, DropsAreCountedFromTheChangeOn) {
    runtime::Snapshot snapshot;
    snapshot.drops[DropReason::kPolicyDeny].packets = 100;
    site.dataplane.set_snapshot(snapshot);
    ASSERT_TRUE(change(kWebToDb, confirm_within(60s, {{WatchedSign::kDrops, 10}})));
    snapshot.drops[DropReason::kPolicyDeny].packets = 110;
    site.dataplane.set_snapshot(snapshot);
    pass(1s);
    EXPECT_EQ(site->generation(), Generation{2});
    snapshot.drops[DropReason::kTruncated].packets = 1;
    site.dataplane.set_snapshot(snapshot);
    pass(1s);
    EXPECT_EQ(site->generation(), Generation{3});
}

TEST_F(Guarded, AnOpenSafetyLetsEverythingPassThroughChangesAndClosesByItself) {
    ASSERT_TRUE(change(kWebToDb));
    ASSERT_FALSE(db_lets_in(9));
    ASSERT_TRUE(site->open_safety(15min, "CHG-7", Site::kAna));
    EXPECT_TRUE(db_lets_in(9));
    EXPECT_EQ(site->state().ruleset->enforcement(), ruleset::Enforcement::kEnforce) << "questions are about policy";
    ASSERT_TRUE(change(kStagedClosed));
    EXPECT_TRUE(db_lets_in(9));
    pass(15min);
    EXPECT_FALSE(db_lets_in(9));
    EXPECT_FALSE(site->guard().safety);
    EXPECT_THAT(memory.kept, IsEmpty());
}

TEST_F(Guarded, ASafetyThatCantBePublishedIsNotOpen) {
    site.dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "worker 0 did not answer"));
    EXPECT_FALSE(site->open_safety(15min, "CHG-7", Site::kAna));
    EXPECT_FALSE(site->guard().safety);
}

TEST_F(Guarded, TheSafetyIsShownAsOpenUntilEveryWorkerEnforces) {
    ASSERT_TRUE(site->open_safety(15min, "CHG-7", Site::kAna));
    std::optional<bool> shown;
    site.dataplane.meanwhile = [&] { shown = site->guard().safety.has_value(); };
    ASSERT_TRUE(site->close_safety(Site::kAna));
    EXPECT_EQ(shown, true);
    EXPECT_FALSE(site->guard().safety);
}

TEST_F(Guarded, ASafetyThatCantBeClosedIsStillOpen) {
    ASSERT_TRUE(site->open_safety(15min, "CHG-7", Site::kAna));
    site.dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "worker 0 did not answer"));
    EXPECT_FALSE(site->close_safety(Site::kAna));
    EXPECT_TRUE(site->guard().safety);
    site.dataplane.fail_with({});
    EXPECT_TRUE(site->close_safety(Site::kAna));
    EXPECT_FALSE(site->guard().safety);
}

TEST_F(Guarded, ARestartKeepsTheSafetyOpenUntilItsTimeIsOver) {
    ASSERT_TRUE(site->open_safety(15min, "CHG-7", Site::kAna));
    now.boot += 10min;
    Site second;
    begin(second);
    EXPECT_EQ(second->in_force()->enforcement(), ruleset::Enforcement::kObserve);
    now.boot += 10min;
    Site third;
    begin(third);
    EXPECT_EQ(third->in_force()->enforcement(), ruleset::Enforcement::kEnforce);
    EXPECT_THAT(memory.kept, IsEmpty());
}

TEST_F(Guarded, ARescueIsNotTurnedIntoAnOpeningThatEndsByItself) {
    const TemporaryFolder folder;
    rescue_flag = folder.path() / "rescue";
    std::ofstream(rescue_flag) << "";
    Site rescued;
    begin(rescued);
    const auto opened = rescued->open_safety(15min, "CHG-7", Site::kAna);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kRefused);
    now.boot += 1h;
    rescued->keep_promises();
    EXPECT_EQ(rescued->in_force()->enforcement(), ruleset::Enforcement::kObserve);
    EXPECT_FALSE(rescued->close_safety(Site::kAna)) << "the flag is still there";
    std::filesystem::remove(rescue_flag);
    EXPECT_TRUE(rescued->close_safety(Site::kAna));
    EXPECT_TRUE(rescued->open_safety(15min, "CHG-7", Site::kAna));
}

TEST_F(Guarded, AConnectionThatAnOpenSafetyLetInConfirmsNothing) {
    ASSERT_TRUE(change(kWebToDb, confirm_within(60min)));
    now.boot += 1s;
    ASSERT_TRUE(site->open_safety(15min, "CHG-7", Site::kAna));
    now.boot += 1s;
    const Nanos connected = now.boot;
    const auto open = site->confirm(Site::kAna, connected);
    ASSERT_FALSE(open);
    EXPECT_EQ(open.error().kind, ErrorKind::kRefused);
    EXPECT_THAT(open.error().text(), HasSubstr("drywall safety close"));
    now.boot += 1s;
    ASSERT_TRUE(site->close_safety(Site::kAna));
    EXPECT_EQ(site->confirm(Site::kAna, connected).error().kind, ErrorKind::kRefused);
    EXPECT_TRUE(site->confirm(Site::kAna, now.boot + 1ns));
}

TEST_F(Guarded, WhatASafetyNetCaughtInAnEarlierGenerationIsNotItsCountNow) {
    SafetyNet net{{policy::Kind::kGlobalNetworkPolicy, "default", {}, "last", false}, 0, -1};
    runtime::Snapshot snapshot;
    runtime::RuleCounts rule;
    rule.hit.kind = ruleset::HitKind::kRule;
    rule.hit.policy = net.policy;
    rule.hit.direction = Direction::kIngress;
    rule.hit.rule_index = 0;
    rule.enforced = {7, 700};
    snapshot.rules.push_back(rule);
    EXPECT_EQ(safety_net_json(net, &snapshot)["caught"]["packets"], 0);
    snapshot.rules.front().in_current_generation = true;
    EXPECT_EQ(safety_net_json(net, &snapshot)["caught"]["packets"], 7);
}

TEST_F(Guarded, WhatWouldCutAManagementPathIsRefusedByName) {
    connects(22);
    connects(8080);
    const auto refused = change(kWebToDb);  // allows 8080 alone
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
    EXPECT_THAT(refused.error().text(), HasSubstr("workloadendpoint/prod/web -> workloadendpoint/prod/db tcp/22"));
    EXPECT_THAT(refused.error().text(), HasSubstr("--force"));
    EXPECT_EQ(site->generation(), Generation{1});
    ChangeOptions forced;
    forced.force = true;
    EXPECT_TRUE(change(kWebToDb, forced));
}

TEST_F(Guarded, WhatTakesEveryConnectionOfAnEndpointIsRefusedByName) {
    connects(9);
    const auto refused = change(kWebToDb);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text(), HasSubstr("every connection that it had in the last hour"));
    EXPECT_THAT(refused.error().text(), HasSubstr("workloadendpoint/prod/db"));
    connects(8080);
    EXPECT_TRUE(change(kWebToDb)) << "each keeps a connection now";
}

TEST_F(Guarded, AWallClockThatIsSetForthForgetsNoManagementPath) {
    connects(22);
    telemetry::FlowEvent end = tcp_event(telemetry::FlowEventKind::kEnded, 22, Generation{1});
    end.flow = last_flow;
    denials.on_event(end, site->state().ruleset.get());
    now.wall += 48h;
    EXPECT_FALSE(change(kWebToDb));
}

TEST_F(Guarded, WhatWasSeenLongAgoIsNotGuarded) {
    connects(9);
    telemetry::FlowEvent end = tcp_event(telemetry::FlowEventKind::kEnded, 9, Generation{1});
    end.flow = last_flow;
    denials.on_event(end, site->state().ruleset.get());
    pass(61min);
    EXPECT_TRUE(change(kWebToDb));
}

TEST_F(Guarded, ADrillTellsWhatItWouldCutAndChangesNothing) {
    connects(22);
    const std::vector<loader::Source> worst{deny_everything()};
    const auto drill = site->drill(worst);
    ASSERT_TRUE(drill) << drill.error().text();
    ASSERT_EQ(drill->lockouts.management.size(), 1U);
    EXPECT_EQ(drill->lockouts.management.front().service, "tcp/22");
    EXPECT_EQ(drill->lockouts.endpoints.size(), 2U);
    EXPECT_EQ(site->generation(), Generation{1});
    EXPECT_THAT(site.dataplane.attempted(), IsEmpty());
}

TEST(GuardTexts, ComeBackAsTheyWere) {
    PendingChange change{.generation = Generation{43},
                         .previous = Generation{42},
                         .deadline = {read_clocks(), 60s},
                         .who = {4711, 1000, 1000},
                         .trip_wires = {{WatchedSign::kNewlyDenied, 3}, {WatchedSign::kWorkerStalled, 0}}};
    const auto again = pending_change_of(text_of(change));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->generation, change.generation);
    EXPECT_EQ(again->previous, change.previous);
    EXPECT_EQ(again->deadline, change.deadline);
    EXPECT_EQ(again->who, change.who);
    EXPECT_EQ(again->trip_wires, change.trip_wires);
    EXPECT_FALSE(pending_change_of("{}"));
    EXPECT_FALSE(safety_opening_of("no JSON"));
}

TEST(GuardTexts, TimesAreWholeNumbersWithAUnit) {
    EXPECT_EQ(*parse_time("for", "15m", 1s, 24h), 15min);
    EXPECT_EQ(*parse_time("for", "500ms", 1ms, 24h), 500ms);
    for (const char* text : {"", "15", "m", "-1m", "0s", "25h", "1.5h", "99999999999999999999h", "5 m"})
        EXPECT_FALSE(parse_time("for", text, 1s, 24h)) << text;
    EXPECT_THAT(parse_time("for", "2d", 1s, 24h).error().text(), HasSubstr("from 1s to 24h"));
}

std::vector<std::string> nets_of(const std::string& text) {
    Site site({kEndpoints, text});
    std::vector<std::string> names;
    for (const SafetyNet& net : safety_nets(*site->state().inventory)) names.push_back(net.policy.text());
    return names;
}

constexpr const char* kNet = R"(apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: net}
spec:
  order: 100000
  selector: all()
  types: [Ingress]
  ingress: [{action: Allow}]
)";

TEST(SafetyNets, StandLastAndLetEverythingPass) {
    EXPECT_THAT(nets_of(kNet), ElementsAre("gnp:net"));
    EXPECT_THAT(nets_of(with(kNet, "{action: Allow}", "{action: Allow, protocol: TCP}")), IsEmpty());
    EXPECT_THAT(nets_of(with(kNet, "all()", "app == 'db'")), IsEmpty());
    EXPECT_THAT(nets_of(with(kNet, "action: Allow", "action: Deny")), IsEmpty());
    EXPECT_THAT(nets_of(std::string(kNet) + "---\n" + with(kWebToDb, "order: 100", "order: 200000")), IsEmpty())
        << "something stands behind it";
    EXPECT_THAT(nets_of(std::string(kNet) + "---\n" + kWebToDb), ElementsAre("gnp:net"));
}

}  // namespace
}  // namespace drywall::control
