// Site: what people apply to an appliance, as text, and packets judged by it; by the reference evaluator and by the
// compiled ruleset, which must agree.
//
//   Site site(W() + gnp("web", "{selector: app == 'w', ingress: [{action: Allow}]}"));
//   EXPECT_EQ(site.judge(to_w(80)).enforced.ingress, Texts{"0|default|gnp:web|allow|0"});
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/policy/resources.h"
#include "drywall/policy/surroundings.h"
#include "drywall/ruleset/ruleset.h"
#include "packets.h"

namespace drywall::test {

using Texts = std::vector<std::string>;

// What one world says: the steps that were judged, in order. Hits are Calico's policy strings, numbered from 0 in each
// step; rules that log are listed apart.
struct Said {
    Verdict verdict = Verdict::kDeny;
    Texts elsewhere;  // the appliance's own defaults: failsafe list, unmatched
    Texts port_in;
    Texts egress;
    Texts ingress;
    Texts port_out;
    Texts logged;
    bool operator==(const Said&) const = default;
};
struct Judged {
    Said enforced;
    Said pending;
    bool operator==(const Judged&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Said& said);
std::ostream& operator<<(std::ostream& out, const Judged& judged);

// Two ports, "left" (0) and "right" (1), peers of each other. A text that can't be applied ends the test run, with the
// reason.
class Site {
public:
    explicit Site(const std::string& yaml = {});

    Site& apply(const std::string& yaml);  // adds, or replaces what has the same name
    Site& remove(policy::Kind kind, const std::string& name, const std::string& ns = {});
    Site& pending_as_calico();
    Site& unmatched(Verdict verdict);

    // A failure is added to the running test when reference and compiled ruleset disagree.
    [[nodiscard]] Judged judge(const Packet& packet) const;
    [[nodiscard]] std::shared_ptr<const ruleset::Ruleset> build(std::uint64_t generation = 1) const;

    [[nodiscard]] const policy::Inventory& inventory() const { return inventory_; }
    [[nodiscard]] const policy::Surroundings& surroundings() const { return surroundings_; }

private:
    policy::Inventory inventory_;
    policy::Surroundings surroundings_;
};

// Why a text can't be applied to an appliance that has `before`: the complaints, one a line. Empty: it can.
[[nodiscard]] std::string refusal(const std::string& yaml, const std::string& before = {});

// Documents. `spec` is YAML in its flow form: "{order: 1, ingress: [{action: Allow}]}".
[[nodiscard]] std::string gnp(const std::string& name, const std::string& spec);
[[nodiscard]] std::string sgnp(const std::string& name, const std::string& spec);
[[nodiscard]] std::string np(const std::string& name, const std::string& spec, const std::string& ns = "prod");
[[nodiscard]] std::string snp(const std::string& name, const std::string& spec, const std::string& ns = "prod");
[[nodiscard]] std::string knp(const std::string& name, const std::string& spec, const std::string& ns = "prod");
[[nodiscard]] std::string sknp(const std::string& name, const std::string& spec, const std::string& ns = "prod");
[[nodiscard]] std::string tier(const std::string& name, const std::string& spec = "{}");
[[nodiscard]] std::string profile(const std::string& name, const std::string& spec);
[[nodiscard]] std::string felix(const std::string& name, const std::string& spec);
[[nodiscard]] std::string global_set(const std::string& name, const std::string& labels, const std::string& nets);
[[nodiscard]] std::string network_set(const std::string& name, const std::string& ns, const std::string& labels,
                                      const std::string& nets);
[[nodiscard]] std::string name_space(const std::string& name, const std::string& labels = "{}");
// A workload of the orchestrator k8s. Profiles and further fields of its spec: "profiles: [kns.prod], ports: [...]".
[[nodiscard]] std::string workload(const std::string& name, const std::string& address,
                                   const std::string& labels = "{}", const std::string& more = "profiles: [kns.prod]",
                                   const std::string& ns = "prod");
// A HostEndpoint of the node n1: "interfaceName: left" or "expectedIPs: [10.0.0.20]", and further fields.
[[nodiscard]] std::string host(const std::string& name, const std::string& spec, const std::string& labels = "{}");

// The conformance list's W: 10.0.0.1 in the namespace prod, with app=w and a profile that allows all.
[[nodiscard]] std::string W();

// A new connection to W from an address that nobody declared, on the left.
[[nodiscard]] Packet to_w(std::uint16_t port = 80);
inline constexpr std::string_view kStranger = "203.0.113.9";
// Between two addresses that nobody declared, from left to right.
[[nodiscard]] Packet transit(std::uint16_t port);

}  // namespace drywall::test
