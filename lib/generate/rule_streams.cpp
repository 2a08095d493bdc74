#include "drywall/generate/rule_streams.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include "drywall/explain/eval.h"
#include "drywall/explain/protocols.h"
#include "drywall/explain/rule_flows.h"
#include "drywall/explain/site.h"
#include "turns.h"

namespace drywall::generate {

using explain::RuleFlows;
using loader::Layer4;
using loader::PoliciesProfile;
using loader::StreamProfile;

namespace {

constexpr double kRound = 50'000;  // of the weights of all streams; a round of turns is not longer than kMostTurns
static_assert(kRound + loader::kMostStreams < kMostTurns);

Result<loader::Settings> settings_of(const PoliciesProfile& policies) {
    if (policies.config.empty()) return loader::settings_for_questions();
    auto sources = loader::read_sources(policies.config);
    if (!sources) return sources.error();
    if (sources->size() != 1)
        return Error::invalid({policies.config, 0, 0}, "the configuration is one file", "name it in policies.config");
    return loader::load_settings(sources->front(), loader::Purpose::kQuestions);
}

Result<explain::Site> site_of(const PoliciesProfile& policies, const loader::Settings& settings) {
    std::vector<loader::Source> all;
    for (const std::string& file : policies.files) {
        auto sources = loader::read_sources(file);
        if (!sources) return sources.error();
        std::move(sources->begin(), sources->end(), std::back_inserter(all));
    }
    return explain::build_site(all, settings);
}

Result<std::uint16_t> lane_of(const PoliciesProfile& policies, const loader::Settings& settings) {
    if (policies.enters.empty()) return std::uint16_t{0};
    std::string known;
    for (std::size_t i = 0; i < settings.ports.size(); ++i) {
        if (settings.ports[i].name == policies.enters) return static_cast<std::uint16_t>(i);
        known += (known.empty() ? "" : ", ") + settings.ports[i].name;
    }
    return Error::invalid(policies.base.place, "policies.enters: the appliance has no port '" + policies.enters + "'",
                          "its ports are " + known);
}

std::optional<Layer4> layer_of(const net::Tuple& flow) noexcept {
    constexpr std::uint16_t kEcho = 8U << 8U;
    constexpr std::uint16_t kEchoV6 = 128U << 8U;
    switch (flow.protocol) {
        case net::protocol::kTcp: return Layer4::kTcp;
        case net::protocol::kUdp: return Layer4::kUdp;
        case net::protocol::kIcmp:
            return flow.destination_port == kEcho ? std::optional(Layer4::kIcmpEcho) : std::nullopt;
        case net::protocol::kIcmpv6:
            return flow.destination_port == kEchoV6 ? std::optional(Layer4::kIcmpEcho) : std::nullopt;
        default: return std::nullopt;
    }
}

// One rule's streams.
class RuleWriter {
public:
    RuleWriter(const PoliciesProfile& policies, const ruleset::Ruleset& ruleset)
        : policies_(policies), ruleset_(ruleset) {}

    std::vector<StreamProfile> streams(const RuleFlows& rule) {
        streams_.clear();
        add(rule, rule.allowed, Verdict::kAllow);
        add(rule, rule.denied, Verdict::kDeny);
        std::vector<StreamProfile> out;
        for (auto& [key, stream] : streams_) out.push_back(std::move(stream));
        return out;
    }

private:
    using Key = std::tuple<Verdict, Layer4, net::Family>;

    void add(const RuleFlows& rule, const std::vector<net::Tuple>& flows, Verdict verdict) {
        for (const net::Tuple& flow : flows) {
            const auto layer = layer_of(flow);
            if (!layer || explain::judged(ruleset_, flow).enforced.verdict != verdict) continue;
            auto [found, fresh] = streams_.try_emplace(Key(verdict, *layer, flow.family), policies_.base);
            StreamProfile& stream = found->second;
            stream.given.push_back(flow);
            if (!fresh) continue;
            stream.name = rule.rule + " " + std::string(name(rule.direction)) + " " +
                          (verdict == Verdict::kAllow ? "allowed " : "denied ") +
                          explain::protocol_name(flow.protocol) + (flow.family == net::Family::kIPv4 ? "/4" : "/6");
            stream.expect = verdict == Verdict::kAllow ? loader::Expect::kAllow : loader::Expect::kDeny;
            stream.layer4 = *layer;
            stream.source.first = {flow.family, flow.source};
            stream.destination.first = {flow.family, flow.destination};
        }
    }

    const PoliciesProfile& policies_;
    const ruleset::Ruleset& ruleset_;
    std::map<Key, StreamProfile> streams_;
};

// A rule by its text, or all rules of a policy by the part of the text that names it.
bool means(const std::string& wanted, const std::string& rule) {
    if (wanted == rule) return true;
    const std::size_t at = rule.find('|' + wanted + '|');
    return at != std::string::npos && wanted.find('|') == std::string::npos;
}

class Selection {
public:
    Selection(const PoliciesProfile& policies, std::vector<RuleFlows> rules)
        : policies_(policies), rules_(std::move(rules)), shares_(rules_.size()) {}

    // How much of the traffic each rule gets.
    Status share() {
        if (policies_.rules.empty()) {
            for (std::size_t i = 0; i < rules_.size(); ++i)
                shares_[i] = policies_.spread == loader::FlowsProfile::Spread::kZipf
                                 ? std::pow(static_cast<double>(i + 1), -policies_.exponent)
                                 : 1.0;
            return Done{};
        }
        for (const PoliciesProfile::Rule& wanted : policies_.rules) {
            bool found = false;
            for (std::size_t i = 0; i < rules_.size(); ++i)
                if (means(wanted.text, rules_[i].rule)) {
                    found = true;
                    shares_[i] = wanted.share;
                }
            if (!found)
                return Error::invalid(policies_.base.place,
                                      "policies.rules: there is no enforced rule '" + wanted.text + "'",
                                      rules_.empty() ? "the files have none" : "such as '" + rules_.front().rule + "'");
        }
        return Done{};
    }

    Status write(const ruleset::Ruleset& ruleset, loader::TrafficProfile& profile,
                 std::vector<RuleWithoutTraffic>& without) {
        double all = 0;
        for (const double share : shares_) all += share;
        RuleWriter writer(policies_, ruleset);
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            if (shares_[i] == 0) continue;
            std::vector<StreamProfile> streams = writer.streams(rules_[i]);
            if (streams.empty())
                without.push_back({rules_[i].rule + " " + std::string(name(rules_[i].direction)),
                                   rules_[i].why_none.empty()
                                       ? "the packets that it takes are neither TCP, UDP nor ICMP echo"
                                       : rules_[i].why_none});
            for (StreamProfile& stream : streams) {
                const double weight = shares_[i] / all * kRound / static_cast<double>(streams.size());
                stream.weight = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::lround(weight)));
                profile.streams.push_back(std::move(stream));
            }
        }
        if (profile.streams.size() <= loader::kMostStreams) return Done{};
        return Error::invalid(policies_.base.place,
                              "the rules make " + std::to_string(profile.streams.size()) + " streams, and " +
                                  std::to_string(loader::kMostStreams) + " is the limit",
                              "name some of the rules under policies.rules");
    }

private:
    const PoliciesProfile& policies_;
    std::vector<RuleFlows> rules_;
    std::vector<double> shares_;
};

}  // namespace

Result<std::vector<RuleWithoutTraffic>> add_rule_streams(loader::TrafficProfile& profile) {
    std::vector<RuleWithoutTraffic> without;
    if (!profile.policies) return without;
    const PoliciesProfile policies = *profile.policies;
    profile.policies.reset();
    const auto settings = settings_of(policies);
    if (!settings) return settings.error();
    const auto lane = lane_of(policies, *settings);
    if (!lane) return lane.error();
    const auto site = site_of(policies, *settings);
    if (!site) return site.error();
    Selection selection(policies, explain::rule_flows(*site->ruleset, policy::calico_view(*site->inventory),
                                                      {.most = policies.flows, .ingress_port = *lane}));
    if (auto shared = selection.share(); !shared) return shared.error();
    if (auto written = selection.write(*site->ruleset, profile, without); !written) return written.error();
    if (profile.streams.empty() && profile.connections.empty())
        return Error::invalid(
            policies.base.place, "no rule can be hit",
            without.empty() ? "the files have no rules" : without.front().rule + ": " + without.front().why);
    return without;
}

}  // namespace drywall::generate
