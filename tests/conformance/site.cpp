#include "site.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "drywall/loader/resources.h"
#include "drywall/reference/evaluator.h"

namespace drywall::test {
namespace {

using ruleset::HitDescriptor;
using ruleset::HitKind;
using ruleset::Ruleset;

[[noreturn]] void give_up(const std::string& why, const std::string& yaml) {
    std::fprintf(stderr, "%s\n%s\n", why.c_str(), yaml.c_str());
    std::abort();
}

// A policy string, numbered among those of its step; a rule that logs has no number.
void list(const std::string& policy, Action action, Texts& step, Texts& logged) {
    if (action == Action::kLog)
        logged.push_back(policy);
    else
        step.push_back(std::to_string(step.size()) + "|" + policy);
}

Said said(const reference::Decision& decision) {
    Said said{.verdict = decision.verdict,
              .elsewhere = {},
              .port_in = {},
              .egress = {},
              .ingress = {},
              .port_out = {},
              .logged = {}};
    if (decision.unmatched)
        said.elsewhere = {"0|__UNMATCHED__|cfg:unmatched|" + std::string(name(decision.verdict)) + "|-1"};
    const auto add = [&](const std::vector<reference::Hit>& hits, Texts& step) {
        for (const reference::Hit& hit : hits) list(hit.policy, hit.action, step, said.logged);
    };
    add(decision.failsafe, said.elsewhere);
    add(decision.in_port, said.port_in);
    add(decision.egress, said.egress);
    add(decision.ingress, said.ingress);
    add(decision.out_port, said.port_out);
    return said;
}

Texts& step_of(const HitDescriptor& hit, Said& said) {
    if (hit.kind == HitKind::kFailsafe || hit.kind == HitKind::kUnmatched) return said.elsewhere;
    const bool ingress = hit.direction == Direction::kIngress;
    if (hit.forward) return ingress ? said.port_in : said.port_out;
    return ingress ? said.ingress : said.egress;
}

Said said(const Ruleset& ruleset, Verdict verdict, const std::vector<HitId>& hits) {
    Said said;
    said.verdict = verdict;
    for (const HitId id : hits) {
        const HitDescriptor& hit = ruleset.hit(id);
        list(hit.text(), hit.action, step_of(hit, said), said.logged);
    }
    return said;
}

// Of a connection that shows nothing of itself but its addresses and ports.
Judged judged(const Ruleset& ruleset, const net::Tuple& packet) {
    TraceId id = ruleset.classify(packet);
    if (ruleset.verdict(id).inspection != ruleset::Inspection::kNone) {
        inspect::ConditionWorkspace workspace;
        EXPECT_TRUE(workspace.grow_for(ruleset.conditions()));
        id = ruleset.resolve(id, {}, workspace);
    }
    const classify::Trace& trace = ruleset.trace(id);
    return {.enforced = said(ruleset, trace.enforced, trace.enforced_hits),
            .pending = said(ruleset, trace.pending, trace.pending_hits)};
}

Result<policy::Inventory> applied(policy::Inventory inventory, const std::string& yaml,
                                  const std::vector<std::string>& ports) {
    const auto resources = loader::load_resources({.name = "site.yaml", .text = yaml});
    if (!resources) return resources.error();
    for (const policy::Resource& resource : *resources)
        inventory[policy::id_of(resource)] = std::make_shared<const policy::Resource>(resource);
    if (const Status status = policy::check(inventory, ports); !status) return status.error();
    return inventory;
}

std::string document(const std::string& kind, const std::string& metadata, const std::string& spec,
                     const std::string& version = "projectcalico.org/v3") {
    return "---\napiVersion: " + version + "\nkind: " + kind + "\nmetadata: {" + metadata + "}\n" +
           (spec.empty() ? "" : "spec: " + spec + "\n");
}

std::string named(const std::string& name, const std::string& ns = {}) {
    return "name: " + name + (ns.empty() ? "" : ", namespace: " + ns);
}

void print(std::ostream& out, const char* what, const Texts& texts) {
    for (const std::string& text : texts) out << "\n  " << what << " " << text;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Said& said) {
    out << name(said.verdict);
    print(out, "appliance", said.elsewhere);
    print(out, "port in  ", said.port_in);
    print(out, "egress   ", said.egress);
    print(out, "ingress  ", said.ingress);
    print(out, "port out ", said.port_out);
    print(out, "logged   ", said.logged);
    return out;
}

std::ostream& operator<<(std::ostream& out, const Judged& judged) {
    return out << "\nenforced: " << judged.enforced << "\npending: " << judged.pending;
}

Site::Site(const std::string& yaml) : inventory_(policy::initial_inventory()) {
    surroundings_.port_names = {"left", "right"};
    surroundings_.peer_of = {PortId{1}, PortId{0}};
    apply(yaml);
}

Site& Site::apply(const std::string& yaml) {
    if (yaml.empty()) return *this;
    auto inventory = applied(inventory_, yaml, surroundings_.port_names);
    if (!inventory) give_up(inventory.error().text(), yaml);
    inventory_ = *std::move(inventory);
    return *this;
}

Site& Site::remove(policy::Kind kind, const std::string& name, const std::string& ns) {
    if (inventory_.erase({.kind = kind, .ns = ns, .name = name}) == 0) give_up("there is nothing to remove", name);
    return *this;
}

Site& Site::pending_as_calico() { return surroundings_.pending_as_calico = true, *this; }
Site& Site::unmatched(Verdict verdict) { return surroundings_.unmatched = verdict, *this; }

Judged Site::judge(const Packet& packet) const {
    const net::Tuple tuple = packet.tuple();
    const reference::Answer answer = reference::Evaluator(inventory_, surroundings_).judge(tuple);
    Judged expected{.enforced = said(answer.enforced), .pending = said(answer.pending)};
    EXPECT_EQ(judged(*build(), tuple), expected) << "the compiled ruleset (above) and the reference (below) disagree";
    return expected;
}

std::shared_ptr<const Ruleset> Site::build(std::uint64_t generation) const {
    const auto built = Ruleset::build(Generation{generation}, inventory_, surroundings_);
    if (!built) give_up(built.error().text(), "");
    return *built;
}

std::string refusal(const std::string& yaml, const std::string& before) {
    const Site site(before);
    const auto inventory = applied(site.inventory(), yaml, site.surroundings().port_names);
    if (!inventory) return inventory.error().text();
    const auto built = Ruleset::build(Generation{1}, *inventory, site.surroundings());
    return built ? "" : built.error().text();
}

std::string gnp(const std::string& name, const std::string& spec) {
    return document("GlobalNetworkPolicy", named(name), spec);
}
std::string sgnp(const std::string& name, const std::string& spec) {
    return document("StagedGlobalNetworkPolicy", named(name), spec);
}
std::string np(const std::string& name, const std::string& spec, const std::string& ns) {
    return document("NetworkPolicy", named(name, ns), spec);
}
std::string snp(const std::string& name, const std::string& spec, const std::string& ns) {
    return document("StagedNetworkPolicy", named(name, ns), spec);
}
std::string knp(const std::string& name, const std::string& spec, const std::string& ns) {
    return document("NetworkPolicy", named(name, ns), spec, "networking.k8s.io/v1");
}
std::string sknp(const std::string& name, const std::string& spec, const std::string& ns) {
    return document("StagedKubernetesNetworkPolicy", named(name, ns), spec);
}
std::string tier(const std::string& name, const std::string& spec) { return document("Tier", named(name), spec); }
std::string profile(const std::string& name, const std::string& spec) { return document("Profile", named(name), spec); }
std::string felix(const std::string& name, const std::string& spec) {
    return document("FelixConfiguration", named(name), spec);
}
std::string global_set(const std::string& name, const std::string& labels, const std::string& nets) {
    return document("GlobalNetworkSet", named(name) + ", labels: " + labels, "{nets: " + nets + "}");
}
std::string network_set(const std::string& name, const std::string& ns, const std::string& labels,
                        const std::string& nets) {
    return document("NetworkSet", named(name, ns) + ", labels: " + labels, "{nets: " + nets + "}");
}
std::string name_space(const std::string& name, const std::string& labels) {
    return document("Namespace", named(name) + ", labels: " + labels, "", "v1");
}
std::string workload(const std::string& name, const std::string& address, const std::string& labels,
                     const std::string& more, const std::string& ns) {
    const std::string length = address.find(':') == std::string::npos ? "/32" : "/128";
    return document("WorkloadEndpoint", named("n1-k8s-" + name + "-eth0", ns) + ", labels: " + labels,
                    "{node: n1, orchestrator: k8s, pod: " + name + ", endpoint: eth0, interfaceName: cali" + name +
                        ", ipNetworks: ['" + address + length + "']" + (more.empty() ? "" : ", " + more) + "}");
}
std::string host(const std::string& name, const std::string& spec, const std::string& labels) {
    return document("HostEndpoint", named(name) + ", labels: " + labels, "{node: n1, " + spec + "}");
}

std::string W() { return name_space("prod", "{env: p}") + workload("w", "10.0.0.1", "{app: w}"); }

Packet to_w(std::uint16_t port) { return tcp().syn().from(kStranger, 40000).to("10.0.0.1", port); }
Packet transit(std::uint16_t port) { return tcp().syn().from(kStranger, 40000).to("198.51.100.7", port); }

}  // namespace drywall::test
