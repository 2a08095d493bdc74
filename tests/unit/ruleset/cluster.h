// Inventories by words, and packets judged by the ruleset that comes of them:
//
//   Cluster cluster;
//   cluster.workload("web", "10.0.0.1", {{"app", "web"}});
//   cluster.add(gnp("web").selects("app == 'web'").ingress(allow().tcp(80)));
//   EXPECT_EQ(cluster.judge(tcp().to("10.0.0.1", 80)).enforced, Verdict::kAllow);
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"
#include "packets.h"

namespace drywall::test {

class RuleWords {
public:
    explicit RuleWords(Action action) { rule_.action = action; }

    RuleWords& protocol(std::uint8_t number) { return rule_.protocol = number, *this; }
    RuleWords& not_protocol(std::uint8_t number) { return rule_.not_protocol = number, *this; }
    RuleWords& version(net::Family family) { return rule_.ip_version = family, *this; }
    RuleWords& tcp(std::uint16_t port) { return protocol(6).to_ports({{port, port}}); }
    RuleWords& udp(std::uint16_t port) { return protocol(17).to_ports({{port, port}}); }
    RuleWords& icmp(std::uint8_t type, std::optional<std::uint8_t> code = {});
    RuleWords& not_icmp(std::uint8_t type, std::optional<std::uint8_t> code = {});

    RuleWords& from(std::string selector) { return rule_.source.selector = std::move(selector), *this; }
    RuleWords& not_from(std::string selector) { return rule_.source.not_selector = std::move(selector), *this; }
    RuleWords& to(std::string selector) { return rule_.destination.selector = std::move(selector), *this; }
    RuleWords& not_to(std::string selector) { return rule_.destination.not_selector = std::move(selector), *this; }
    RuleWords& from_net(std::string_view cidr);
    RuleWords& not_from_net(std::string_view cidr);
    RuleWords& to_net(std::string_view cidr);
    RuleWords& from_ports(std::vector<policy::PortRange> p) { return rule_.source.ports = std::move(p), *this; }
    RuleWords& to_ports(std::vector<policy::PortRange> p) { return rule_.destination.ports = std::move(p), *this; }
    RuleWords& not_to_ports(std::vector<policy::PortRange> p) {
        return rule_.destination.not_ports = std::move(p), *this;
    }

    RuleWords& from_named(std::vector<std::string> names) { return rule_.source.named_ports = std::move(names), *this; }
    RuleWords& to_named(std::vector<std::string> names) {
        return rule_.destination.named_ports = std::move(names), *this;
    }
    RuleWords& not_to_named(std::vector<std::string> names) {
        return rule_.destination.not_named_ports = std::move(names), *this;
    }
    RuleWords& from_namespaces(std::string selector) {
        return rule_.source.namespace_selector = std::move(selector), *this;
    }
    RuleWords& from_accounts(std::vector<std::string> names) {
        return rule_.source.service_accounts = policy::ServiceAccountMatch{.names = std::move(names), .selector = {}},
               *this;
    }
    RuleWords& from_service(std::string ns, std::string name) {
        return rule_.source.services = policy::ServiceMatch{.name = std::move(name), .ns = std::move(ns)}, *this;
    }
    RuleWords& to_service(std::string ns, std::string name) {
        return rule_.destination.services = policy::ServiceMatch{.name = std::move(name), .ns = std::move(ns)}, *this;
    }
    RuleWords& http() { return rule_.http = policy::HttpMatch{.methods = {"GET"}, .paths = {}}, *this; }
    RuleWords& http(policy::HttpMatch match) { return rule_.http = std::move(match), *this; }
    RuleWords& to_domains(std::vector<std::string> domains) {
        return rule_.destination.domains = std::move(domains), *this;
    }
    RuleWords& at(int line, int column) { return rule_.spot = {.line = line, .column = column}, *this; }

    operator policy::Rule() const { return rule_; }  // NOLINT(google-explicit-constructor)

private:
    policy::Rule rule_;
};

[[nodiscard]] inline RuleWords allow() { return RuleWords(Action::kAllow); }
[[nodiscard]] inline RuleWords deny() { return RuleWords(Action::kDeny); }
[[nodiscard]] inline RuleWords pass() { return RuleWords(Action::kPass); }
[[nodiscard]] inline RuleWords log() { return RuleWords(Action::kLog); }

// Governs ingress, until egress() says that it governs egress too; only_egress() takes ingress away.
class PolicyWords {
public:
    explicit PolicyWords(std::string name) { policy_.metadata.name = std::move(name); }

    PolicyWords& tier(std::string name) { return policy_.tier = std::move(name), *this; }
    PolicyWords& order(double order) { return policy_.order = order, *this; }
    PolicyWords& selects(std::string selector) { return policy_.selector = std::move(selector), *this; }
    PolicyWords& ingress(const policy::Rule& rule) { return policy_.ingress.push_back(rule), *this; }
    PolicyWords& egress() { return policy_.egress_type = true, *this; }
    PolicyWords& egress(const policy::Rule& rule) { return policy_.egress.push_back(rule), egress(); }
    PolicyWords& only_egress() { return policy_.ingress_type = false, egress(); }
    PolicyWords& on_forward() { return policy_.apply_on_forward = true, *this; }
    PolicyWords& untracked() { return policy_.do_not_track = true, on_forward(); }
    PolicyWords& pre_dnat() { return policy_.pre_dnat = true, on_forward(); }
    PolicyWords& in(std::string ns) {
        policy_.enforced_kind = policy::Kind::kNetworkPolicy;
        return policy_.metadata.ns = std::move(ns), *this;
    }
    PolicyWords& selects_namespaces(std::string selector) {
        return policy_.namespace_selector = std::move(selector), *this;
    }
    PolicyWords& selects_accounts(std::string selector) {
        return policy_.service_account_selector = std::move(selector), *this;
    }
    PolicyWords& from_file(std::string file) { return policy_.metadata.place.file = std::move(file), *this; }
    PolicyWords& staged(policy::StagedAction action) { return policy_.staged_action = action, *this; }

    operator policy::Policy() const { return policy_; }  // NOLINT(google-explicit-constructor)

private:
    policy::Policy policy_;
};

[[nodiscard]] inline PolicyWords gnp(std::string name) { return PolicyWords(std::move(name)); }
[[nodiscard]] inline PolicyWords sgnp(std::string name, policy::StagedAction action = policy::StagedAction::kSet) {
    return PolicyWords(std::move(name)).staged(action);
}
[[nodiscard]] inline PolicyWords np(std::string ns, std::string name) {
    return PolicyWords(std::move(name)).in(std::move(ns));
}
[[nodiscard]] inline PolicyWords snp(std::string ns, std::string name,
                                     policy::StagedAction action = policy::StagedAction::kSet) {
    return np(std::move(ns), std::move(name)).staged(action);
}
// Kubernetes' default deny of a namespace; with a port, it lets in what comes to that port from anywhere.
[[nodiscard]] policy::KubernetesNetworkPolicy knp(std::string ns, std::string name,
                                                  std::optional<std::uint16_t> open_tcp_port = {});
[[nodiscard]] policy::KubernetesNetworkPolicy sknp(std::string ns, std::string name,
                                                   std::optional<std::uint16_t> open_tcp_port = {},
                                                   policy::StagedAction action = policy::StagedAction::kSet);

using Texts = std::vector<std::string>;

// What a ruleset says of one packet. Hits are Calico's strings without the position.
struct Judged {
    Verdict enforced = Verdict::kDeny;
    Verdict pending = Verdict::kDeny;
    DropReason reason = DropReason::kNone;
    bool untracked = false;
    Texts enforced_hits;
    Texts pending_hits;
    Texts responsible;
};

[[nodiscard]] Judged judge(const ruleset::Ruleset& ruleset, const Packet& packet);
[[nodiscard]] Texts texts(const ruleset::Ruleset& ruleset, const std::vector<HitId>& hits);

inline const std::vector<std::string> kAllowed{std::string(policy::kDefaultAllowProfile)};
inline const std::vector<std::string> kNoProfiles{};

// Two ports, "left" (0) and "right" (1), peers of each other.
class Cluster {
public:
    Cluster();

    Cluster& add(policy::Resource resource);
    Cluster& add(const PolicyWords& words) { return add(policy::Resource(static_cast<policy::Policy>(words))); }
    Cluster& remove(policy::Kind kind, const std::string& name, const std::string& ns = {});
    Cluster& tier(const std::string& name, double order, Action end = Action::kDeny);
    Cluster& workload(const std::string& name, std::string_view address, policy::Labels labels = {},
                      std::vector<std::string> profiles = kAllowed);
    Cluster& host(const std::string& name, std::string_view address, policy::Labels labels = {},
                  std::vector<std::string> profiles = kNoProfiles);
    Cluster& port(const std::string& name, const std::string& port, policy::Labels labels = {});
    Cluster& set(const std::string& name, const std::vector<std::string>& nets, policy::Labels labels,
                 std::vector<std::string> allowed_egress_domains = {});

    Cluster& pod(const std::string& ns, const std::string& name, std::string_view address, policy::Labels labels = {},
                 std::vector<policy::NamedPort> ports = {}, const std::string& account = "default");
    Cluster& ns(const std::string& name, policy::Labels labels);
    Cluster& profile(const std::string& name, std::vector<policy::Rule> ingress, std::vector<policy::Rule> egress,
                     policy::Labels labels_to_apply = {});
    Cluster& felix(const std::string& name, std::optional<std::vector<policy::FailsafePort>> inbound,
                   std::optional<std::vector<policy::FailsafePort>> outbound = {});
    Cluster& slice(const std::string& ns, const std::string& service, const std::vector<std::string>& addresses,
                   std::vector<policy::NamedPort> ports);

    [[nodiscard]] policy::Inventory& inventory() { return inventory_; }
    [[nodiscard]] ruleset::Surroundings& surroundings() { return surroundings_; }

    [[nodiscard]] Result<std::shared_ptr<const ruleset::Ruleset>> try_build() const;
    // Ends the test run, with the reason, when it can't be built.
    [[nodiscard]] std::shared_ptr<const ruleset::Ruleset> build() const;
    [[nodiscard]] Judged judge(const Packet& packet) const { return test::judge(*build(), packet); }

private:
    policy::Inventory inventory_;
    ruleset::Surroundings surroundings_;
};

}  // namespace drywall::test
