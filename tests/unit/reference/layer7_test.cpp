// What the reference evaluator makes of requests and names.
#include "layer7.h"

#include <gtest/gtest.h>

#include "cluster.h"
#include "drywall/reference/evaluator.h"
#include "packets.h"

namespace drywall::reference {
namespace {

using policy::DomainEvidence;
using policy::HttpMatch;
using test::allow;
using test::Cluster;
using test::gnp;
using test::Packet;
using test::sgnp;
using test::tcp;
using test::udp;

constexpr const char* kMalformed = "malformed";

std::string path_of(const std::string& target) { return normalised_path(target).value_or(kMalformed); }

ConnectionFacts request(const std::string& method, const std::string& target) {
    return {.http = HttpRequest{method, target}, .names = {}, .tls = {}};
}

ConnectionFacts known_as(const std::vector<std::string>& names) { return {.http = {}, .names = names, .tls = {}}; }

ConnectionFacts greeting(const std::vector<std::string>& names, TlsHello hello) {
    return {.http = {}, .names = names, .tls = std::move(hello)};
}

TEST(Layer7, APathIsDecodedOnceAndResolved) {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"/a/b/", "/a/b/"},
        {"/a?b=/c/../d", "/a"},
        {"//a///b", "/a/b"},
        {"/a/./b", "/a/b"},
        {"/a/.", "/a/"},
        {"/a/..", "/"},
        {"/a/../..", "/"},
        {"/../a", "/a"},
        {"/a/b/../c", "/a/c"},
        {"/%61/%2e%2E/b", "/b"},
        {"/a%2fb", "/a/b"},
        {"/a%252fb", "/a%2fb"},  // once
        {"/a;v=1/b;w", "/a/b"},
        {"/a/..;x/b", "/b"},
        {"/a%3bv/b", "/a/b"},
        {"/a/;x", "/a/"},
        {"/...", "/..."},
        {"http://example.com/a//b", "/a/b"},
        {"http://example.com", "/"},
        {"http://example.com?q", "/"},
    };
    for (const auto& [target, path] : rows) EXPECT_EQ(path_of(target), path) << target;
    for (const char* target : {"*", "example.com:443", "", "/%", "/%4", "/%zz", "/a%00b", "/a\\b", "/a%5Cb"})
        EXPECT_EQ(path_of(target), kMalformed) << target;
}

TEST(Layer7, MethodsAndPathsAreAlternativesAmongThemselves) {
    const HttpMatch match{{"GET", "PUT"}, {{false, "/exact"}, {true, "/below"}}};
    for (const auto& [method, target] : {std::pair{"GET", "/exact"}, {"PUT", "/below"}, {"GET", "/below/a?b"}})
        EXPECT_TRUE(http_holds(match, request(method, target))) << method << target;
    for (const auto& [method, target] :
         {std::pair{"POST", "/exact"}, {"get", "/exact"}, {"GET", "/exact/"}, {"GET", "/belower"}, {"GET", "/"}})
        EXPECT_FALSE(http_holds(match, request(method, target))) << method << target;
    EXPECT_FALSE(http_holds(match, {}));
}

TEST(Layer7, WhatIsNotNamedIsNotRestricted) {
    EXPECT_TRUE(http_holds({}, request("BREW", "/pot")));
    EXPECT_TRUE(http_holds({{"*"}, {}}, request("BREW", "/pot")));
    EXPECT_TRUE(http_holds({{"OPTIONS"}, {}}, request("OPTIONS", "*")));
    EXPECT_FALSE(http_holds({{}, {{true, "/"}}}, request("OPTIONS", "*")));
    EXPECT_TRUE(http_holds({{}, {{true, "/"}}}, request("GET", "/a")));
    EXPECT_TRUE(http_holds({{}, {{true, "/a/"}}}, request("GET", "/a/b")));
    EXPECT_FALSE(http_holds({{}, {{true, "/a/"}}}, request("GET", "/a")));
    EXPECT_FALSE(http_holds({}, request("GET", "/%zz")));  // malformed
}

TEST(Layer7, AWildcardIsWhatIsBelowAName) {
    const policy::DomainConditions address{.evidence = DomainEvidence::kAddress};
    const std::vector<std::string> domains{"example.org", "*.example.com"};
    for (const char* name : {"example.org", "EXAMPLE.org.", "a.example.com", "a.b.Example.com"})
        EXPECT_TRUE(domains_hold(domains, known_as({"x.y", name}), address)) << name;
    for (const char* name : {"example.com", "a.example.org", "badexample.com", ".example.com", "com", ""})
        EXPECT_FALSE(domains_hold(domains, known_as({name}), address)) << name;
    EXPECT_FALSE(domains_hold(domains, {}, address));
}

TEST(Layer7, ANameInTlsHasToMatchTooUnlessSaidOtherwise) {
    const std::vector<std::string> domains{"a.b", "c.d"};
    const policy::DomainConditions both;
    EXPECT_TRUE(domains_hold(domains, known_as({"a.b"}), both));  // no TLS: the address is all there is
    EXPECT_TRUE(domains_hold(domains, greeting({"a.b"}, {.server_name = "c.d"}), both));
    EXPECT_FALSE(domains_hold(domains, greeting({"a.b"}, {.server_name = "e.f"}), both));
    EXPECT_FALSE(domains_hold(domains, greeting({"e.f"}, {.server_name = "a.b"}), both));
    EXPECT_FALSE(domains_hold(domains, greeting({"a.b"}, {}), both));
    EXPECT_FALSE(domains_hold(domains, greeting({"a.b"}, {.server_name = "a.b", .encrypted = true}), both));

    const policy::DomainConditions lenient{.missing_sni = Verdict::kAllow, .ech = Verdict::kAllow};
    EXPECT_TRUE(domains_hold(domains, greeting({"a.b"}, {}), lenient));
    EXPECT_TRUE(domains_hold(domains, greeting({"a.b"}, {.server_name = "e.f", .encrypted = true}), lenient));
    EXPECT_FALSE(domains_hold(domains, greeting({}, {}), lenient));

    const policy::DomainConditions either{.evidence = DomainEvidence::kAddressOrSni};
    EXPECT_TRUE(domains_hold(domains, greeting({}, {.server_name = "a.b"}), either));
    EXPECT_TRUE(domains_hold(domains, greeting({"a.b"}, {}), either));
    EXPECT_FALSE(domains_hold(domains, greeting({}, {.server_name = "e.f"}), either));

    const policy::DomainConditions address{.evidence = DomainEvidence::kAddress};
    EXPECT_TRUE(domains_hold(domains, greeting({"a.b"}, {.server_name = "e.f"}), address));
    EXPECT_FALSE(domains_hold(domains, greeting({}, {.server_name = "a.b"}), address));
}

struct Layer7Evaluator : testing::Test {
    Layer7Evaluator() { cluster.workload("w", "10.0.0.1").workload("peer", "10.0.0.2"); }

    Decision enforced(const Packet& packet, const ConnectionFacts& facts = {}) {
        return answer(packet, facts).enforced;
    }
    Answer answer(const Packet& packet, const ConnectionFacts& facts) {
        return Evaluator(cluster.inventory(), cluster.surroundings()).judge(packet.tuple(), facts);
    }

    Cluster cluster;
    Packet in = tcp().syn().from("203.0.113.9").to("10.0.0.1", 80);
    Packet out = tcp().syn().from("10.0.0.1").to("203.0.113.9", 443);
};

TEST_F(Layer7Evaluator, ARequestThatDoesNotMatchGoesOnToTheNextRule) {
    cluster.add(gnp("web").ingress(allow().http({{"GET"}, {}})).ingress(allow().http({{}, {{true, "/put"}}})));
    EXPECT_EQ(enforced(in, request("GET", "/")).ingress.front().rule_index, 0);
    EXPECT_EQ(enforced(in, request("PUT", "/put/1")).ingress.front().rule_index, 1);
    EXPECT_EQ(enforced(in, request("PUT", "/")).verdict, Verdict::kDeny);
    EXPECT_EQ(enforced(in).verdict, Verdict::kDeny);
    EXPECT_EQ(enforced(udp().from("203.0.113.9").to("10.0.0.1", 80), request("GET", "/")).verdict, Verdict::kDeny);
}

TEST_F(Layer7Evaluator, BothWorldsAskForTheSameRequest) {
    cluster.add(gnp("web").ingress(allow())).add(sgnp("web").ingress(allow().http({{"GET"}, {}})));
    EXPECT_EQ(answer(in, request("GET", "/")).pending.verdict, Verdict::kAllow);
    const Answer post = answer(in, request("POST", "/"));
    EXPECT_EQ(post.enforced.verdict, Verdict::kAllow);
    EXPECT_EQ(post.pending.verdict, Verdict::kDeny);
}

TEST_F(Layer7Evaluator, ARuleWithDomainsMatchesWhatIsKnownByThem) {
    cluster.add(gnp("out").only_egress().egress(allow().protocol(6).to_domains({"*.example.com"})));
    EXPECT_EQ(enforced(out, known_as({"www.example.com"})).verdict, Verdict::kAllow);
    EXPECT_EQ(enforced(out, known_as({"example.com"})).verdict, Verdict::kDeny);
    EXPECT_EQ(enforced(out).verdict, Verdict::kDeny);
    cluster.surroundings().domains.evidence = DomainEvidence::kAddressOrSni;
    EXPECT_EQ(enforced(out, greeting({}, {.server_name = "www.example.com"})).verdict, Verdict::kAllow);
}

TEST_F(Layer7Evaluator, TheDomainsOfASetAreAlternativesToItsNetworks) {
    cluster.set("partners", {"198.51.100.0/24"}, {{"kind", "partner"}}, {"example.com"})
        .set("others", {}, {{"kind", "other"}}, {"example.org"})
        .add(gnp("out").only_egress().egress(allow().to("kind == 'partner'")));
    EXPECT_EQ(enforced(out, known_as({"example.com"})).verdict, Verdict::kAllow);
    EXPECT_EQ(enforced(out.to("198.51.100.7")).verdict, Verdict::kAllow);
    EXPECT_EQ(enforced(out, known_as({"example.org"})).verdict, Verdict::kDeny);
    EXPECT_EQ(enforced(out).verdict, Verdict::kDeny);
}

TEST_F(Layer7Evaluator, TheDomainsOfASetHaveNoEffectElsewhere) {
    cluster.set("bad", {}, {{"kind", "bad"}}, {"example.com"})
        .add(gnp("p").egress(test::deny().to("kind == 'bad'")).egress(allow()).ingress(allow().from("kind == 'bad'")));
    EXPECT_EQ(enforced(out, known_as({"example.com"})).egress.front().rule_index, 1);
    EXPECT_EQ(enforced(in, known_as({"example.com"})).verdict, Verdict::kDeny);
}

}  // namespace
}  // namespace drywall::reference
