#include <gtest/gtest.h>

#include "convert_words.h"

namespace drywall::policy {
namespace {

Policy global(std::string selector, std::string namespaces = {}, std::string accounts = {}) {
    Policy policy;
    policy.metadata = named("", "g");
    policy.selector = std::move(selector);
    policy.namespace_selector = std::move(namespaces);
    policy.service_account_selector = std::move(accounts);
    return policy;
}

Policy namespaced(std::string selector, std::string accounts = {}) {
    Policy policy = global(std::move(selector), {}, std::move(accounts));
    policy.metadata.ns = "prod";
    policy.enforced_kind = Kind::kNetworkPolicy;
    return policy;
}

EntityRule entity(const char* selector, const char* not_selector = nullptr, const char* namespaces = nullptr) {
    EntityRule out;
    if (selector != nullptr) out.selector = selector;
    if (not_selector != nullptr) out.not_selector = not_selector;
    if (namespaces != nullptr) out.namespace_selector = namespaces;
    return out;
}

TEST(Scope, AGlobalSelectorStandsForItself) {
    EXPECT_EQ(effective_selector(global("")), "all()");
    EXPECT_EQ(effective_selector(global(" ")), "all()");
    EXPECT_EQ(effective_selector(global("a == 'b' || has(c)")), "a == \"b\" || has(c)");
}

TEST(Scope, ANamespaceSelectorIsAboutPrefixedLabels) {
    EXPECT_EQ(effective_selector(global("a == 'b' || has(c)", "env in {'x','y'} && !has(z)")),
              "(a == \"b\" || has(c)) && pcns.env in {\"x\", \"y\"} && !has(pcns.z)");
}

TEST(Scope, AllOfAGlobalPolicyMeansHasANamespaceOnceANamespaceSelectorIsThere) {
    EXPECT_EQ(effective_selector(global("", "all()")), "has(projectcalico.org/namespace)");
    EXPECT_EQ(effective_selector(global("all() || has(x)", "env == 'p'")),
              "(has(projectcalico.org/namespace) || has(x)) && pcns.env == \"p\"");
    EXPECT_EQ(effective_selector(global("all()", "", "all()")),
              "has(projectcalico.org/serviceaccount) && has(projectcalico.org/serviceaccount)");
    EXPECT_EQ(effective_selector(global("all()", "all()", "all()")),
              "has(projectcalico.org/namespace) && has(projectcalico.org/namespace) && "
              "has(projectcalico.org/serviceaccount)");
}

TEST(Scope, WhatStandsInQuotesIsAValue) {
    EXPECT_EQ(effective_selector(global("note == 'all() && x'", "text == \"a == 'b'\"")),
              "note == \"all() && x\" && pcns.text == \"a == 'b'\"");
}

TEST(Scope, ANamespacedPolicySelectsInItsNamespaceOnly) {
    EXPECT_EQ(effective_selector(namespaced("")), "projectcalico.org/namespace == \"prod\"");
    EXPECT_EQ(effective_selector(namespaced("a == 'b'", "all()")),
              "a == \"b\" && projectcalico.org/namespace == \"prod\" && all()");
    EXPECT_EQ(effective_selector(namespaced("", "role == 'x'")),
              "projectcalico.org/namespace == \"prod\" && pcsa.role == \"x\"");
}

TEST(Scope, AnEntityWithoutSelectorsIsNotRestricted) {
    for (const Policy& policy : {global(""), namespaced("")}) {
        EXPECT_FALSE(effective_scope({}, policy).in);
        EXPECT_FALSE(effective_scope({}, policy).not_in);
        EXPECT_FALSE(effective_scope(entity("", "", ""), policy).in);
    }
}

TEST(Scope, ABlankSelectorIsKnownAddressesOnly) { EXPECT_EQ(effective_scope(entity(" "), global("")).in, "all()"); }

TEST(Scope, PeersOfANamespacedPolicyAreInItsNamespaceUnlessItSaysOtherwise) {
    EXPECT_EQ(effective_scope(entity("a == 'b'"), namespaced("")).in,
              "projectcalico.org/namespace == \"prod\" && a == \"b\"");
    EXPECT_EQ(effective_scope(entity("a == 'b'"), global("")).in, "a == \"b\"");
    EXPECT_EQ(effective_scope(entity("a == 'b'", nullptr, "all()"), namespaced("")).in,
              "has(projectcalico.org/namespace) && a == \"b\"");
    EXPECT_EQ(effective_scope(entity("a == 'b'", nullptr, "global()"), namespaced("")).in,
              "!has(projectcalico.org/namespace) && a == \"b\"");
    EXPECT_EQ(effective_scope(entity(nullptr, nullptr, "env != 'p'"), global("")).in, "pcns.env != \"p\"");
    EXPECT_EQ(effective_scope(entity(nullptr, nullptr, "all() && env == 'p'"), global("")).in,
              "all() && pcns.env == \"p\"");
}

TEST(Scope, ANotSelectorAloneIsAbsenceInAGlobalPolicyAndPresenceInANamespacedOne) {
    const EntityScope outside = effective_scope(entity(nullptr, "has(role)"), global(""));
    EXPECT_FALSE(outside.in);
    EXPECT_EQ(outside.not_in, "has(role)");
    const EntityScope inside = effective_scope(entity(nullptr, "a == 'b' || has(role)"), namespaced(""));
    EXPECT_EQ(inside.in, "projectcalico.org/namespace == \"prod\" && !(a == \"b\" || has(role))");
    EXPECT_FALSE(inside.not_in);
    EXPECT_EQ(effective_scope(entity("has(x)", "!has(role)"), global("")).in, "has(x) && has(role)");
}

TEST(Scope, ServiceAccountsAreNamesAndLabels) {
    EntityRule out;
    out.service_accounts = ServiceAccountMatch{{"b", "a", "b"}, "role == 'x'"};
    EXPECT_EQ(effective_scope(out, global("")).in,
              "projectcalico.org/serviceaccount in {\"a\", \"b\"} && pcsa.role == \"x\"");
    out.service_accounts = ServiceAccountMatch{};
    EXPECT_FALSE(effective_scope(out, global("")).in);
    EXPECT_EQ(effective_scope(out, namespaced("")).in, "projectcalico.org/namespace == \"prod\"");
}

}  // namespace
}  // namespace drywall::policy
