// The enforced world as text. Numbers of sets, rules and walks in a Program shift with staged policies; here everything
// is named by what it contains, and parties that only staged policies tell apart are one.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/ruleset/ruleset.h"

namespace drywall::ruleset {

namespace {

// Things with an index of the Program, numbered by the order of their texts: equal texts are one thing, and a number
// depends on nothing but the texts that are there.
template <typename Id>
class Catalogue {
public:
    explicit Catalogue(char letter) : letter_(letter) {}

    [[nodiscard]] bool has(Id id) const { return by_id_.contains(id); }
    void add(Id id, std::string text) { by_id_[id] = numbers_.emplace(std::move(text), 0).first; }
    void number() {
        std::size_t next = 0;
        for (auto& [text, number] : numbers_) number = next++;
    }
    // REQUIRES: number() was called after the last add()
    [[nodiscard]] std::string reference(Id id) const { return letter_ + std::to_string(by_id_.at(id)->second); }
    void print(std::string& out) const {
        for (const auto& [text, number] : numbers_) out += letter_ + std::to_string(number) + ": " + text + "\n";
    }

private:
    using Numbers = std::map<std::string, std::size_t>;
    char letter_;
    Numbers numbers_;
    std::map<Id, Numbers::iterator> by_id_;
};

std::string image_text(const std::vector<net::Prefix>& prefixes) {
    std::string text;
    for (const net::Prefix& prefix : prefixes) text += (text.empty() ? "" : " ") + prefix.text();
    return text;
}

std::string image_text(const std::vector<classify::PortRange>& ranges) {
    std::string text;
    for (const classify::PortRange& range : ranges)
        text += (text.empty() ? "" : ",") + std::to_string(range.first) + "-" + std::to_string(range.last);
    return text;
}

std::string image_text(const classify::IcmpMatch& icmp) {
    return std::to_string(icmp.type) + "/" + (icmp.code ? std::to_string(*icmp.code) : "*");
}

std::string image_text(const classify::ServiceMatch& service) {
    std::string text;
    if (service.family) text += *service.family == net::Family::kIPv4 ? " ipv4" : " ipv6";
    if (service.protocol) text += " protocol " + std::to_string(*service.protocol);
    if (service.not_protocol) text += " not-protocol " + std::to_string(*service.not_protocol);
    if (service.icmp) text += " icmp " + image_text(*service.icmp);
    if (service.not_icmp) text += " not-icmp " + image_text(*service.not_icmp);
    const auto ports = [&text](std::string_view what, const std::vector<classify::PortRange>& ranges) {
        if (!ranges.empty()) text += " " + std::string(what) + " " + image_text(ranges);
    };
    ports("from-port", service.source_ports);
    ports("to-port", service.destination_ports);
    ports("not-from-port", service.not_source_ports);
    ports("not-to-port", service.not_destination_ports);
    return text;
}

std::set<classify::WalkId> enforced_walks(const classify::Program& program) {
    std::set<classify::WalkId> walks;
    for (const classify::Party& party : program.parties) {
        walks.insert(party.egress.enforced);
        walks.insert(party.ingress.enforced);
    }
    for (const classify::Lane& lane : program.lanes)
        for (const auto& step : {lane.ingress_port, lane.egress_port})
            if (step) walks.insert(step->enforced);
    return walks;
}

class EnforcedImage {
public:
    EnforcedImage(const classify::Program& program, std::span<const HitDescriptor> hits)
        : program_(program), hits_(hits) {}

    std::string print() {
        const std::set<classify::RuleIndex> rules = enforced_rules();
        for (const classify::RuleIndex rule : rules) add_sets(program_.rules[index(rule)]);
        sets_.number();
        for (const classify::RuleIndex rule : rules) rules_.add(rule, text(program_.rules[index(rule)]));
        rules_.number();
        for (const classify::WalkId walk : enforced_walks(program_))
            walks_.add(walk, text(program_.walks[index(walk)]));
        walks_.number();

        std::string out;
        sets_.print(out);
        rules_.print(out);
        walks_.print(out);
        for (const classify::RuleIndex rule : program_.failsafe) out += "failsafe: " + rules_.reference(rule) + "\n";
        print_lanes(out);
        print_parties(out);
        return out + "unmatched: " + std::string(name(program_.unmatched)) + "\n";
    }

private:
    [[nodiscard]] std::set<classify::RuleIndex> enforced_rules() const {
        std::set<classify::RuleIndex> rules(program_.failsafe.begin(), program_.failsafe.end());
        for (const classify::WalkId walk : enforced_walks(program_))
            for (const classify::Tier& tier : program_.walks[index(walk)].tiers)
                rules.insert(tier.rules.begin(), tier.rules.end());
        return rules;
    }

    void add_sets(const classify::Rule& rule) {
        for (const classify::AddressMatch* match : {&rule.source, &rule.destination})
            for (const auto* ids : {&match->in, &match->not_in})
                for (const classify::SetId id : *ids)
                    if (!sets_.has(id)) sets_.add(id, image_text(program_.sets[index(id)].prefixes));
    }

    [[nodiscard]] std::string text(HitId id) const {
        if (id == classify::kNoHit) return "nothing";
        if (classify::is_conditional(id)) return "under its condition " + text(classify::without_condition(id));
        return hits_[index(id)].text() + " (" + hits_[index(id)].identity + ")";
    }

    [[nodiscard]] std::string text(const std::string& what, const classify::AddressMatch& match) const {
        std::string out;
        for (const classify::SetId id : match.in) out.append(" ").append(what).append(" ").append(sets_.reference(id));
        for (const classify::SetId id : match.not_in)
            out.append(" not-").append(what).append(" ").append(sets_.reference(id));
        return out;
    }

    [[nodiscard]] std::string text(const classify::Rule& rule) const {
        return std::string(name(rule.action)) + text("from", rule.source) + text("to", rule.destination) +
               image_text(rule.service) + " as " + text(rule.hit);
    }

    [[nodiscard]] std::string text(const classify::Walk& walk) const {
        std::string out;
        for (const classify::Tier& tier : walk.tiers) {
            out += "[";
            for (const classify::RuleIndex rule : tier.rules) out += rules_.reference(rule) + " ";
            out += std::string(name(tier.end)) + " as " + text(tier.end_hit) + "] ";
        }
        return out + std::string(name(walk.otherwise)) + " as " + text(walk.otherwise_hit);
    }

    void print_lanes(std::string& out) const {
        for (std::size_t i = 0; i < program_.lanes.size(); ++i) {
            const classify::Lane& lane = program_.lanes[i];
            out += "lane " + std::to_string(i) + ":";
            if (lane.ingress_port) out += " ingress " + walks_.reference(lane.ingress_port->enforced);
            if (lane.egress_port) out += " egress " + walks_.reference(lane.egress_port->enforced);
            out += "\n";
        }
    }

    void print_parties(std::string& out) const {
        std::map<std::string, std::vector<net::Prefix>> parties;
        for (const classify::Party& party : program_.parties) {
            auto& addresses = parties["egress " + walks_.reference(party.egress.enforced) + " ingress " +
                                      walks_.reference(party.ingress.enforced)];
            addresses.insert(addresses.end(), party.addresses.begin(), party.addresses.end());
        }
        for (auto& [walks, addresses] : parties) {
            std::sort(addresses.begin(), addresses.end());
            out += "party " + walks + ": " + image_text(addresses) + "\n";
        }
    }

    const classify::Program& program_;
    std::span<const HitDescriptor> hits_;
    Catalogue<classify::SetId> sets_{'s'};
    Catalogue<classify::RuleIndex> rules_{'r'};
    Catalogue<classify::WalkId> walks_{'w'};
};

}  // namespace

std::string Ruleset::enforced_image() const { return EnforcedImage(program(), hits()).print(); }

}  // namespace drywall::ruleset
