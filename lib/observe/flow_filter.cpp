#include "drywall/observe/flow_filter.h"

#include "drywall/base/nearest.h"
#include "flow_flags.h"

namespace drywall::observe {

namespace {

Error unknown_flag(const std::string& flag) {
    std::vector<std::string_view> known;
    for (const FlowFlag& one : FlowFilter::flags()) known.push_back(one.name);
    return Error::of(ErrorKind::kInvalid, "flows can't be filtered by '" + flag + "'", did_you_mean(flag, known));
}

}  // namespace

std::vector<std::string> alternatives(const std::string& value) {
    std::vector<std::string> out(1);
    int inside = 0;  // a selector's set has commas of its own: `app in {'a', 'b'}`
    for (const char c : value) {
        if (c == '{' || c == '(') ++inside;
        if (c == '}' || c == ')') --inside;
        if (c == ',' && inside <= 0)
            out.emplace_back();
        else
            out.back() += c;
    }
    return out;
}

Result<FlowFilter> FlowFilter::of(std::span<const FlowTerm> terms) {
    FlowFilter filter;
    for (const FlowTerm& term : terms) {
        const FlagReader* reader = flag_reader(term.flag);
        if (reader == nullptr) return unknown_flag(term.flag);
        for (const std::string& value : alternatives(term.value)) {
            Result<FlowTest> test = reader->read(term.flag, value);
            if (!test) return test.error();
            filter.conditions_.add(reader->canonical, term.negated, *std::move(test));
        }
    }
    return filter;
}

bool FlowFilter::matches(const FlowRecord& flow) const { return conditions_.match(flow); }

bool fits_pattern(std::string_view pattern, std::string_view text) noexcept {
    std::size_t at = 0;
    std::size_t in_pattern = 0;
    std::size_t star = std::string_view::npos;  // the last one passed, and how far it reached
    std::size_t reached = 0;
    while (at < text.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            star = in_pattern++;
            reached = at;
        } else if (in_pattern < pattern.size() && pattern[in_pattern] == text[at]) {
            ++in_pattern;
            ++at;
        } else if (star != std::string_view::npos) {
            in_pattern = star + 1;
            at = ++reached;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

}  // namespace drywall::observe
