#include "drywall/policy/safety_net.h"

#include <gtest/gtest.h>

namespace drywall::policy {
namespace {

Policy for_everyone(const std::string& selector = "all()") {
    Policy policy;
    policy.enforced_kind = Kind::kGlobalNetworkPolicy;
    policy.selector = selector;
    return policy;
}

Rule allow() {
    Rule rule;
    rule.action = Action::kAllow;
    return rule;
}

TEST(SafetyNet, LetsEverythingPassForEveryone) {
    EXPECT_TRUE(lets_everything_pass(for_everyone(), allow()));
    EXPECT_TRUE(lets_everything_pass(for_everyone(""), allow()));
    EXPECT_TRUE(lets_everything_pass(for_everyone(" all( ) "), allow()));
}

TEST(SafetyNet, IsNoneForSomeOrOfSomethingOrInAnotherChain) {
    EXPECT_FALSE(lets_everything_pass(for_everyone("app == 'web'"), allow()));
    Policy namespaced = for_everyone();
    namespaced.enforced_kind = Kind::kNetworkPolicy;
    EXPECT_FALSE(lets_everything_pass(namespaced, allow()));
    Policy untracked = for_everyone();
    untracked.do_not_track = true;
    EXPECT_FALSE(lets_everything_pass(untracked, allow()));
    Rule tcp = allow();
    tcp.protocol = 6;
    EXPECT_FALSE(lets_everything_pass(for_everyone(), tcp));
    Rule deny;
    deny.action = Action::kDeny;
    EXPECT_FALSE(lets_everything_pass(for_everyone(), deny));
}

}  // namespace
}  // namespace drywall::policy
