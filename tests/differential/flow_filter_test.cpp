// Filters of flows beside a twin that is slow and obviously right: every flag by itself, in plain words.
#include "drywall/observe/flow_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <regex>

#include "dice.h"
#include "drywall/observe/flow_json.h"

namespace drywall::observe {
namespace {

using test::Dice;

const std::vector<std::string> kAddresses = {"10.0.0.1",  "10.0.0.2",    "10.0.1.1",
                                             "192.0.2.7", "2001:db8::1", "2001:db8::2"};
const std::vector<std::string> kNets = {"10.0.0.1", "10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/127"};
const std::vector<std::string> kNames = {"web-1", "web-2", "db", "web"};
const std::vector<std::string> kNamePatterns = {"web-1", "web*", "*", "*b", "prod/web-1", "prod/*", "*/db", "p*d/w*1"};
const std::vector<std::string> kSpaces = {"", "prod", "dev"};
const std::vector<std::string> kHits = {"0|default|gnp:web|allow|0", "0|app|snp:prod/web|deny|-1",
                                        "1|default|gnp:db|deny|2", "0|__PROFILE__|pro:kns.prod|allow|0",
                                        "0|app|np:prod/db|pass|1"};
const std::vector<std::string> kPolicies = {"web",     "gnp:web",        "w*",      "prod/web", "snp:prod/*",
                                            "app|web", "app|snp:*|deny", "*|*|*|-1"};

std::shared_ptr<const Party> random_party(Dice& dice) {
    Party party;
    if ((dice.below(3) == 0)) return std::make_shared<const Party>(party);
    party.type = (dice.below(2) == 0) ? PartyType::kWorkload : PartyType::kHost;
    party.name = dice.one_of(kNames);
    party.ns = dice.one_of(kSpaces);
    return std::make_shared<const Party>(party);
}

FlowRecord random_flow(Dice& dice) {
    FlowRecord flow;
    flow.source = *net::Address::parse(dice.one_of(kAddresses));
    flow.destination = *net::Address::parse(dice.one_of(kAddresses));
    flow.source_party = random_party(dice);
    flow.destination_party = random_party(dice);
    flow.protocol = std::vector<std::uint8_t>{6, 17, 1, 89}[dice.below(4)];
    flow.destination_port = static_cast<std::uint16_t>(78 + dice.below(6));
    flow.source_port = static_cast<std::uint16_t>(78 + dice.below(6));
    flow.generation = Generation{dice.below(4)};
    Decided decided;
    decided.enforced = (dice.below(2) == 0) ? Verdict::kAllow : Verdict::kDeny;
    decided.pending = (dice.below(2) == 0) ? Verdict::kAllow : Verdict::kDeny;
    for (std::size_t left = dice.below(3); left > 0; --left)
        decided.enforced_hits.push_back(hit_of(dice.one_of(kHits)));
    for (std::size_t left = dice.below(3); left > 0; --left) decided.pending_hits.push_back(hit_of(dice.one_of(kHits)));
    flow.decision = std::make_shared<const Decided>(std::move(decided));
    return flow;
}

FlowTerm random_term(Dice& dice) {
    static const std::vector<std::string> kSides = {"from-", "to-", ""};
    const std::string side = dice.one_of(kSides);
    const bool negated = (dice.below(3) == 0);
    switch (dice.below(9)) {
        case 0: return {side + "ip", dice.one_of(kNets), negated};
        case 1: return {side + "name", dice.one_of(kNamePatterns), negated};
        case 2: return {side + "namespace", dice.pick<std::string>({"prod", "dev", "*", "d*", ""}), negated};
        case 3: return {side + "port", dice.pick<std::string>({"80", "78-80", "82-99", "1"}), negated};
        case 4: return {"protocol", dice.pick<std::string>({"tcp", "17", "1", "89"}), negated};
        case 5:
            return {dice.pick<std::string>({"verdict", "enforced", "pending"}),
                    dice.pick<std::string>({"allow", "deny"}), negated};
        case 6: return {"differing", dice.pick<std::string>({"true", "false"}), negated};
        case 7: return {"generation", std::to_string(dice.below(4)), negated};
        default: return {"policy", dice.one_of(kPolicies), negated};
    }
}

bool fits_slowly(const std::string& pattern, const std::string& text) {
    std::string expression;
    for (const char c : pattern) {
        if (c == '*') {
            expression += "[^]*";
        } else if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
            expression += c;
        } else {
            expression += std::string("\\") + c;
        }
    }
    return std::regex_match(text, std::regex(expression));
}

// Bit by bit.
bool in_net(const std::string& net, const net::Address& address) {
    const std::size_t slash = net.find('/');
    const net::Address base = *net::Address::parse(net.substr(0, slash));
    if (base.family != address.family) return false;
    const unsigned length =
        slash == std::string::npos ? base.bits() : static_cast<unsigned>(std::stoi(net.substr(slash + 1)));
    for (unsigned bit = 0; bit < length; ++bit) {
        const unsigned mask = 0x80U >> (bit % 8);
        if ((base.bytes[bit / 8] & mask) != (address.bytes[bit / 8] & mask)) return false;
    }
    return true;
}

bool name_fits(const std::string& value, const Party& party) {
    if (party.type == PartyType::kNetwork) return false;
    const std::size_t slash = value.find('/');
    if (slash == std::string::npos) return fits_slowly(value, party.name);
    return fits_slowly(value.substr(0, slash), party.ns) && fits_slowly(value.substr(slash + 1), party.name);
}

bool port_fits(const std::string& value, std::uint8_t protocol, std::uint16_t port) {
    if (protocol != 6 && protocol != 17 && protocol != 132) return false;
    const std::size_t dash = value.find('-');
    const int least = std::stoi(value.substr(0, dash));
    return port >= least && port <= (dash == std::string::npos ? least : std::stoi(value.substr(dash + 1)));
}

// Against the text of the hit, not against what was taken apart.
bool hit_fits(const std::string& value, const std::string& text) {
    std::smatch part;
    static const std::regex kText("(\\d+)\\|([^|]*)\\|(\\w+):(?:([^|/]*)/)?([^|]*)\\|(\\w+)\\|(-?\\d+)");
    if (!std::regex_match(text, part, kText)) return false;
    const std::string tier = part[2].str().starts_with("__") ? "" : part[2].str();
    static const std::regex kValue("(?:([^|]*)\\|)?(?:(\\w+):)?(?:([^|/]*)/)?([^|/]*)(?:\\|([^|]*))?(?:\\|([^|]*))?");
    std::smatch asked;
    if (!std::regex_match(value, asked, kValue)) return false;
    const auto ok = [](const std::ssub_match& pattern, const std::string& found) {
        return !pattern.matched || fits_slowly(pattern.str(), found);
    };
    return ok(asked[1], tier) && (!asked[2].matched || asked[2].str() == part[3].str()) &&
           ok(asked[3], part[4].str()) && ok(asked[4], part[5].str()) && ok(asked[5], part[6].str()) &&
           ok(asked[6], part[7].str());
}

bool says(const std::string& flag, const std::string& value, const FlowRecord& flow) {
    const bool from = flag.starts_with("from-");
    const bool to = flag.starts_with("to-");
    const std::string what = from ? flag.substr(5) : to ? flag.substr(3) : flag;
    if (what == "ip") return (!to && in_net(value, flow.source)) || (!from && in_net(value, flow.destination));
    if (what == "name")
        return (!to && name_fits(value, *flow.source_party)) || (!from && name_fits(value, *flow.destination_party));
    if (what == "namespace")
        return (!to && !flow.source_party->ns.empty() && fits_slowly(value, flow.source_party->ns)) ||
               (!from && !flow.destination_party->ns.empty() && fits_slowly(value, flow.destination_party->ns));
    if (what == "port")
        return (!to && port_fits(value, flow.protocol, flow.source_port)) ||
               (!from && port_fits(value, flow.protocol, flow.destination_port));
    if (what == "protocol") return flow.protocol == (value == "tcp" ? 6 : std::stoi(value));
    if (what == "verdict" || what == "enforced") return name(flow.decision->enforced) == value;
    if (what == "pending") return name(flow.decision->pending) == value;
    if (what == "differing") return (flow.decision->enforced != flow.decision->pending) == (value == "true");
    if (what == "generation") return std::to_string(index(flow.generation)) == value;
    for (const auto* hits : {&flow.decision->enforced_hits, &flow.decision->pending_hits})
        for (const Hit& hit : *hits)
            if (hit_fits(value, hit.text)) return true;
    return false;
}

bool matches_slowly(const std::vector<FlowTerm>& terms, const FlowRecord& flow) {
    std::map<std::string, bool> wanted;  // flag: is one of its values there
    for (const FlowTerm& term : terms) {
        const bool there = says(term.flag, term.value, flow);
        if (term.negated && there) return false;
        const std::string flag = term.flag == "enforced" ? "verdict" : term.flag;
        if (!term.negated) wanted[flag] = wanted[flag] || there;
    }
    return std::all_of(wanted.begin(), wanted.end(), [](const auto& one) { return one.second; });
}

TEST(FlowFilter, AgreesWithItsSlowTwinOnRandomFlows) {
    const char* given = std::getenv("DRYWALL_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20261129;
    Dice dice(seed);
    std::vector<FlowRecord> flows;
    for (int i = 0; i < 60; ++i) flows.push_back(random_flow(dice));
    std::size_t matched = 0;
    for (int round = 0; round < 400; ++round) {
        std::vector<FlowTerm> terms;
        for (std::size_t left = 1 + dice.below(4); left > 0; --left) terms.push_back(random_term(dice));
        const auto filter = FlowFilter::of(terms);
        std::string said;
        for (const FlowTerm& term : terms) said += (term.negated ? " --not --" : " --") + term.flag + ' ' + term.value;
        ASSERT_TRUE(filter) << said << ": " << filter.error().text();
        for (const FlowRecord& flow : flows) {
            ASSERT_EQ(filter->matches(flow), matches_slowly(terms, flow)) << "seed " << seed << "," << said << "\n"
                                                                          << json_of_flow(FlowGroup(flow)).dump();
            matched += filter->matches(flow) ? 1 : 0;
        }
    }
    EXPECT_GT(matched, 1000U);
}

}  // namespace
}  // namespace drywall::observe
