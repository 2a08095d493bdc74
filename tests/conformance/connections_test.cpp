// What happens to connections that were there before: cases E15 to E18, H11, H16, G13, G14 and G16.
//
// Calico judges the first packet of a connection and never again. Drywall judges a connection again at its first packet
// after a change (`existing: recheck`), so that what is denied now is cut: where a case is about the difference, its
// test says so.
#include <gtest/gtest.h>

#include "drywall/engine/engine.h"
#include "site.h"

namespace drywall::test {
namespace {

constexpr DropReason kPass = DropReason::kNone;
constexpr DropReason kDenied = DropReason::kPolicyDeny;

// An engine between the two ports of a site, and the site's generations.
class Wire {
public:
    explicit Wire(const Site& site) : counters_(2), engine_(settings(site), counters_) { use(site); }

    void use(const Site& site) {
        ruleset_ = site.build(++generation_);
        traces_ = std::make_unique<telemetry::TraceCounters>(ruleset_->trace_count());
    }
    DropReason send(const Packet& packet) {
        const Frames frames{packet};
        std::vector<engine::Decision> decisions(1);
        events_.clear();
        engine_.process(frames.views(), *ruleset_, *traces_, now_, decisions, events_);
        return decisions.front().drop;
    }
    // What the pending world says of the last packet, which opened a connection or made it be judged again.
    [[nodiscard]] Verdict pending() const { return ruleset_->verdict(events_[0].trace).pending; }

private:
    static engine::EngineSettings settings(const Site& site) {
        engine::EngineSettings settings;
        settings.peer_of = site.surroundings().peer_of;
        settings.flow_capacity = 64;
        settings.fragment_capacity = 64;
        return settings;
    }

    std::uint64_t generation_ = 0;
    telemetry::WorkerCounters counters_;
    engine::Engine engine_;
    std::shared_ptr<const ruleset::Ruleset> ruleset_;
    std::unique_ptr<telemetry::TraceCounters> traces_;
    telemetry::EventBatch events_;
    Instant now_{std::chrono::seconds(1000)};
};

const std::string kAllowWeb = gnp("web",
                                  "{order: 10, selector: app == 'w', "
                                  "ingress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]}");
const std::string kDenyAll = gnp("closed", "{order: 1, selector: app == 'w', ingress: [{action: Deny}]}");
const std::string kStagedDenyAll = sgnp("closed", "{order: 1, selector: app == 'w', ingress: [{action: Deny}]}");

Packet opening() { return to_w(80); }
Packet following() { return to_w(80); }  // not answered yet, so it asks again
Packet answer() { return to_w(80).reply().flags(net::tcp_flag::kSyn | net::tcp_flag::kAck).entering(1); }
Packet another() { return to_w(80).from(kStranger, 40001); }

// Calico: the connection goes on. Here it is cut at its next packet, as `existing: recheck` says.
TEST(Connections, ADenyThatIsAddedCutsWhatItDeniesAndNewOnes_E15) {
    Site site(W() + kAllowWeb);
    Wire wire(site);
    EXPECT_EQ(wire.send(opening()), kPass);
    wire.use(site.apply(kDenyAll));
    EXPECT_EQ(wire.send(following()), kDenied);
    EXPECT_EQ(wire.send(another()), kDenied);
}

// Calico: the connection goes on. Here it is judged by what is left.
TEST(Connections, AnAllowThatIsRemovedNoLongerCarriesItsConnections_E16) {
    Site site(W() + kAllowWeb + gnp("rest", "{order: 20, selector: app == 'w', ingress: [{action: Deny}]}"));
    Wire wire(site);
    EXPECT_EQ(wire.send(opening()), kPass);
    wire.use(site.remove(policy::Kind::kGlobalNetworkPolicy, "web"));
    EXPECT_EQ(wire.send(following()), kDenied);
    EXPECT_EQ(wire.send(another()), kDenied);
}

TEST(Connections, AReplyNeedsNoRuleOfItsOwn_E17) {
    Wire wire(Site(W() + kAllowWeb + gnp("silent", "{selector: app == 'w', types: [Egress]}")));
    EXPECT_EQ(wire.send(answer()), kDenied);  // nobody asked
    EXPECT_EQ(wire.send(opening()), kPass);
    EXPECT_EQ(wire.send(answer()), kPass);
}

TEST(Connections, AnIcmpErrorAboutAnAllowedConnectionPasses_E18) {
    Wire wire(Site(W() + kAllowWeb + gnp("silent", "{selector: app == 'w', types: [Egress]}")));
    const Packet error = unreachable(opening()).from("10.0.0.1").entering(1);
    EXPECT_EQ(wire.send(error), kDenied);  // about nothing that is known
    EXPECT_EQ(wire.send(opening()), kPass);
    EXPECT_EQ(wire.send(error), kPass);
}

TEST(Connections, AReplyToWhatAnUntrackedPolicyAllowedIsJudgedAsNew_H11) {
    const std::string untracked = "selector: all(), doNotTrack: true, applyOnForward: true";
    Site site(host("h", "expectedIPs: [10.0.0.20]") +
              gnp("dns", "{" + untracked + ", ingress: [{action: Allow, protocol: UDP, destination: {ports: [53]}}]}"));
    const Packet query = udp().from(kStranger, 40000).to("10.0.0.20", 53);
    const Packet reply = query.reply().entering(1);
    EXPECT_EQ(site.judge(query).enforced.ingress, Texts{"0|default|gnp:dns|allow|0"});
    EXPECT_EQ(site.judge(reply).enforced.egress, Texts{"0|__PROFILE__|pro:__NO_MATCH__|deny|0"});
    Wire wire(site);
    EXPECT_EQ(wire.send(query), kPass);
    EXPECT_EQ(wire.send(reply), kDenied);
    wire.use(site.apply(gnp("answers", "{" + untracked +
                                           ", egress: [{action: Allow, protocol: UDP, "
                                           "source: {ports: [53]}}]}")));
    EXPECT_EQ(wire.send(reply), kPass);
}

// Calico: the session continues. Here it is judged again, and nothing saves it any more.
TEST(Connections, ASessionThatOnlyAFailsafePortCarriedEndsWithIt_H16) {
    Site site(host("h", "expectedIPs: [10.0.0.20]"));
    Wire wire(site);
    const Packet ssh = to_w(22).to("10.0.0.20");
    EXPECT_EQ(wire.send(ssh), kPass);
    wire.use(site.apply(felix("default", "{failsafeInboundHostPorts: []}")));
    EXPECT_EQ(wire.send(ssh), kDenied);
}

TEST(Connections, AStagedDenyShowsAsPendingAndTouchesNothing_G13) {
    Site site(W() + kAllowWeb);
    Wire wire(site);
    EXPECT_EQ(wire.send(opening()), kPass);
    wire.use(site.apply(kStagedDenyAll));
    EXPECT_EQ(wire.send(following()), kPass);
    EXPECT_EQ(wire.pending(), Verdict::kDeny);
    EXPECT_EQ(wire.send(answer()), kPass);
}

// Calico: enforced stays what it was when the connection began, pending shows the new verdict. Here both are new.
TEST(Connections, AnEnforcedChangeShowsInBothWorldsOfALiveConnection_G14) {
    Site site(W() + kAllowWeb);
    Wire wire(site);
    EXPECT_EQ(wire.send(opening()), kPass);
    wire.use(site.apply(kDenyAll));
    EXPECT_EQ(wire.send(following()), kDenied);
    EXPECT_EQ(wire.pending(), Verdict::kDeny);
}

// Calico: new connections only. Here a connection that the demoted policy would have cut is judged without it.
TEST(Connections, ADemotedDenyIsPendingAgainAndDeniesNothing_G16) {
    Site site(W() + kAllowWeb + kDenyAll);
    Wire wire(site);
    EXPECT_EQ(wire.send(opening()), kDenied);
    wire.use(site.apply(kStagedDenyAll).remove(policy::Kind::kGlobalNetworkPolicy, "closed"));
    EXPECT_EQ(wire.send(opening()), kPass);
    EXPECT_EQ(wire.pending(), Verdict::kDeny);
}

}  // namespace
}  // namespace drywall::test
