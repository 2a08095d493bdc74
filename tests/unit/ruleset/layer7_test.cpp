// Rules with conditions on what connections say: which traces wait for them, and what they come to.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <variant>

#include "cluster.h"

namespace drywall::ruleset {
namespace {

using namespace drywall::test;

policy::HttpMatch get(const std::string& path) {
    return {.methods = {"GET"}, .paths = {{.prefix = true, .path = path}}};
}

// What a connection shows, by words: "GET /a" is the request, "name x" a name it goes to.
class Shows {
public:
    Shows(std::string method, std::string path) : method_(std::move(method)), path_(std::move(path)) {}
    explicit Shows(std::string name) : name_(std::move(name)) {}
    Shows& to(std::string name) { return name_ = std::move(name), *this; }

    [[nodiscard]] Truth operator()(const inspect::Condition& condition) const {
        if (const auto* http = std::get_if<inspect::HttpCondition>(&condition)) {
            if (method_.empty()) return Truth::kUnknown;
            const bool path = http->paths.empty() || path_.starts_with(http->paths.front().path);
            return http->methods.front() == method_ && path ? Truth::kTrue : Truth::kFalse;
        }
        if (name_.empty()) return Truth::kUnknown;
        for (const std::string& name : std::get<inspect::NameCondition>(condition).names)
            if (name == name_) return Truth::kTrue;
        return Truth::kFalse;
    }

private:
    std::string method_;
    std::string path_;
    std::string name_;
};

class Layer7 : public testing::Test {
protected:
    Layer7() {
        cluster.workload("client", "10.0.0.1", {{"app", "client"}});
        cluster.workload("web", "10.1.0.9", {{"app", "web"}});
    }

    [[nodiscard]] static Packet request() { return tcp().syn().from("10.0.0.1", 40000).to("10.1.0.9", 80); }

    [[nodiscard]] Inspection inspection(const Packet& packet = request()) {
        ruleset = cluster.build();
        return ruleset->verdict(ruleset->classify(packet.tuple())).inspection;
    }
    [[nodiscard]] Resolution resolve(const Shows& shows, const Packet& packet = request()) {
        ruleset = cluster.build();
        return ruleset->resolve(ruleset->classify(packet.tuple()),
                                [&](inspect::ConditionId condition) { return shows(ruleset->condition(condition)); });
    }
    // "enforced hits -> verdict", of a connection that shows enough.
    [[nodiscard]] Judged judge(const Shows& shows) {
        const Resolution resolution = resolve(shows);
        EXPECT_FALSE(resolution.waits_for) << "it is still to be asked for something";
        const classify::Trace& trace = ruleset->trace(resolution.trace);
        Judged judged;
        judged.enforced = trace.enforced;
        judged.pending = trace.pending;
        judged.reason = ruleset->verdict(resolution.trace).reason;
        judged.enforced_hits = texts(*ruleset, trace.enforced_hits);
        judged.pending_hits = texts(*ruleset, trace.pending_hits);
        for (const PolicyRef& policy : ruleset->responsible(resolution.trace))
            judged.responsible.push_back(policy.text());
        return judged;
    }

    Cluster cluster;
    std::shared_ptr<const Ruleset> ruleset;
};

TEST_F(Layer7, ARequestIsWaitedForAndDecides) {
    cluster.add(gnp("web").selects("app == 'web'").ingress(allow().tcp(80).http(get("/shop"))));
    EXPECT_EQ(inspection(), Inspection::kEnforce);
    const TraceId undecided = ruleset->classify(request().tuple());
    EXPECT_EQ(ruleset->verdict(undecided).enforced, Verdict::kAllow) << "so far";
    EXPECT_EQ(texts(*ruleset, ruleset->trace(undecided).enforced_hits), Texts{"__UNDECIDED__|l7:undecided|allow|-1"});

    const Judged allowed = judge({"GET", "/shop/1"});
    EXPECT_EQ(allowed.enforced, Verdict::kAllow);
    EXPECT_EQ(allowed.enforced_hits,
              (Texts{"__PROFILE__|pro:projectcalico-default-allow|allow|0", "default|gnp:web|allow|0"}));
    const Judged denied = judge({"POST", "/shop/1"});
    EXPECT_EQ(denied.enforced, Verdict::kDeny);
    EXPECT_EQ(denied.reason, DropReason::kHttpDenied);
    EXPECT_EQ(denied.enforced_hits.back(), "default|gnp:web|deny|-1");
}

TEST_F(Layer7, WhatRulesDoNotAskForIsNotWaitedFor) {
    cluster.add(gnp("web").selects("app == 'web'").ingress(allow().tcp(80).http(get("/"))).ingress(allow().tcp(443)));
    EXPECT_EQ(inspection(), Inspection::kEnforce);
    EXPECT_EQ(inspection(tcp().syn().from("10.0.0.1", 40000).to("10.1.0.9", 443)), Inspection::kNone);
    EXPECT_EQ(inspection(udp().from("10.0.0.1", 40000).to("10.1.0.9", 80)), Inspection::kNone);
    cluster.remove(policy::Kind::kGlobalNetworkPolicy, "web");
    EXPECT_FALSE(cluster.build()->inspects());
}

TEST_F(Layer7, TheFirstRuleThatHoldsDecides) {
    cluster.add(gnp("web")
                    .selects("app == 'web'")
                    .ingress(allow().tcp(80).http(get("/a")))
                    .ingress(deny().from_net("10.0.0.0/8").tcp(80))
                    .ingress(allow().tcp(80).http(get("/b"))));
    EXPECT_EQ(judge({"GET", "/a"}).enforced_hits.back(), "default|gnp:web|allow|0");
    EXPECT_EQ(judge({"GET", "/b"}).enforced_hits.back(), "default|gnp:web|deny|1");
}

TEST_F(Layer7, AStagedRuleEnforcesNothingAndIsHeldResponsible) {
    const std::string before = cluster.build()->enforced_image();
    cluster.add(sgnp("web").selects("app == 'web'").ingress(allow().tcp(80).http(get("/shop"))));
    EXPECT_EQ(inspection(), Inspection::kObserve);
    EXPECT_EQ(ruleset->enforced_image(), before);
    const Judged outside = judge({"GET", "/admin"});
    EXPECT_EQ(outside.enforced, Verdict::kAllow);
    EXPECT_EQ(outside.pending, Verdict::kDeny);
    EXPECT_EQ(outside.responsible, Texts{"sgnp:web"});
    EXPECT_EQ(judge({"GET", "/shop"}).pending, Verdict::kAllow);
}

TEST_F(Layer7, WhereTheEnforcedWorldDeniesAtOnceNobodyWaits) {
    cluster.add(gnp("shut").selects("app == 'web'").order(20).ingress(deny()));
    cluster.add(sgnp("web").selects("app == 'web'").order(10).ingress(allow().tcp(80).http(get("/shop"))));
    EXPECT_EQ(inspection(), Inspection::kNone);
    const Judged judged = cluster.judge(request());
    EXPECT_EQ(judged.enforced, Verdict::kDeny);
    EXPECT_EQ(judged.reason, DropReason::kPolicyDeny);
    EXPECT_EQ(judged.pending, Verdict::kAllow) << "promoted, the first packet would pass";
    EXPECT_EQ(judged.responsible, Texts{"sgnp:web"});
}

TEST_F(Layer7, BothEndsMayAsk) {
    cluster.add(gnp("out").selects("app == 'client'").only_egress().egress(allow().to_domains({"shop.example"})));
    cluster.add(gnp("web").selects("app == 'web'").ingress(allow().tcp(80).http(get("/shop"))));
    EXPECT_EQ(judge(Shows("GET", "/shop").to("shop.example")).enforced_hits,
              (Texts{"default|gnp:out|allow|0", "default|gnp:web|allow|0"}));
    const Judged elsewhere = judge(Shows("GET", "/shop").to("evil.example"));
    EXPECT_EQ(elsewhere.enforced_hits, Texts{"default|gnp:out|deny|-1"});
    EXPECT_EQ(elsewhere.reason, DropReason::kNameDenied);
    EXPECT_TRUE(resolve(Shows("shop.example")).waits_for) << "for the request";
    EXPECT_FALSE(resolve(Shows("evil.example")).waits_for) << "nothing can help any more";
}

TEST_F(Layer7, NamesThatSelectedSetsAllowStandBesideTheirNets) {
    cluster.set("partners", {"10.9.0.0/16"}, {{"who", "partner"}}, {"shop.example"});
    cluster.add(gnp("out").selects("app == 'client'").only_egress().egress(allow().to("who == 'partner'")));
    EXPECT_EQ(inspection(tcp().syn().from("10.0.0.1", 40000).to("10.9.0.1", 80)), Inspection::kNone)
        << "by its address";
    EXPECT_EQ(judge(Shows("shop.example")).enforced_hits.front(), "default|gnp:out|allow|0");
    EXPECT_EQ(judge(Shows("evil.example")).enforced, Verdict::kDeny);
}

TEST_F(Layer7, EqualConditionsOfBothWorldsAreAskedOnce) {
    PolicyWords enforced = gnp("web").selects("app == 'web'");
    PolicyWords then = sgnp("web").selects("app == 'web'");
    for (int i = 0; i < 200; ++i) {
        enforced.ingress(allow().tcp(80).http(get("/" + std::to_string(i) + "/")));
        then.ingress(allow().tcp(80).http(get("/" + std::to_string(i) + "/")));
    }
    cluster.add(enforced).add(then);
    EXPECT_EQ(judge({"GET", "/7/"}).pending_hits.back(), "default|sgnp:web|allow|7");
    EXPECT_LT(ruleset->trace_count(), 1000U) << "not the square of it";
}

TEST_F(Layer7, MoreOutcomesThanCanBeHeldAreRefusedWithTheFigure) {
    PolicyWords enforced = gnp("web").selects("app == 'web'");
    PolicyWords then = sgnp("web").selects("app == 'web'");
    for (int i = 0; i < 1100; ++i) {
        enforced.ingress(allow().tcp(80).http(get("/a" + std::to_string(i))));
        then.ingress(allow().tcp(80).http(get("/b" + std::to_string(i))));
    }
    const auto built = cluster.add(enforced).add(then).try_build();
    ASSERT_FALSE(built);
    EXPECT_EQ(built.error().kind, ErrorKind::kRefused);
    EXPECT_NE(built.error().text().find("1048576"), std::string::npos) << built.error().text();
}

TEST_F(Layer7, ARulesHitKeepsItsIdentityOnlyWhileItAsksForTheSame) {
    const auto identity = [this] {
        const auto built = cluster.build();
        for (const HitDescriptor& hit : built->hits())
            if (hit.kind == HitKind::kRule) return hit.identity;
        return std::string();
    };
    cluster.add(gnp("web").selects("app == 'web'").ingress(allow().tcp(80).http(get("/a"))));
    const std::string before = identity();
    cluster.add(gnp("web").selects("app == 'web'").ingress(allow().tcp(80).http(get("/b"))));
    EXPECT_NE(identity(), before);
}

}  // namespace
}  // namespace drywall::ruleset
