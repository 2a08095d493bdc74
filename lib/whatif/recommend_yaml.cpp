#include <string>
#include <vector>

#include "drywall/loader/resources.h"
#include "drywall/whatif/recommend.h"

namespace drywall::whatif {

namespace {

std::string counted(std::uint64_t count, const std::string& what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string text_of(const Evidence& evidence) {
    std::string out = counted(evidence.amount.connections, "connection");
    if (evidence.first && evidence.last) out += ", " + time_text(*evidence.first) + " to " + time_text(*evidence.last);
    return out;
}

// Names come from resources: no line break gets out of a comment.
std::string comment(const std::string& text) {
    std::string out = "# ";
    for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    return out + '\n';
}

std::string list(const std::string& title, const std::vector<std::string>& items, std::uint64_t all) {
    std::string out = comment(title);
    for (const std::string& item : items) out += comment("  " + item);
    if (all > items.size()) out += comment("  and " + std::to_string(all - items.size()) + " more");
    return out;
}

}  // namespace

std::string yaml_of(const RecommendedPolicy& recommended) {
    Evidence all;
    for (const Evidence& rule : recommended.ingress) all.add(rule);
    for (const Evidence& rule : recommended.egress) all.add(rule);
    std::string out = comment("learned from " + text_of(all));
    for (std::size_t i = 0; i < recommended.ingress.size(); ++i)
        out += comment("  ingress rule " + std::to_string(i) + ": " + text_of(recommended.ingress[i]));
    for (std::size_t i = 0; i < recommended.egress.size(); ++i)
        out += comment("  egress rule " + std::to_string(i) + ": " + text_of(recommended.egress[i]));
    if (!recommended.silent.empty())
        out += list("selected because of their labels, though nothing was seen of them:", recommended.silent,
                    recommended.silent.size());
    if (recommended.admitted_unseen_count > 0)
        out += list("admitted because of their labels, though they were not seen:", recommended.admitted_unseen,
                    recommended.admitted_unseen_count);
    return out + loader::to_yaml(policy::Resource(recommended.policy));
}

}  // namespace drywall::whatif
