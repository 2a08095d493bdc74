// Evaluation: questions about new connections, a JSON line each, answered by a JSON line each. docs/man/drywall.1 tells
// what may stand in them.
//
// Threads: one thread per Evaluation; what it asks is immutable.
// Never:   throws, or stops at a line that is wrong: that line's answer says why.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/explain/site.h"
#include "drywall/net/packet_meta.h"
#include "drywall/reference/evaluator.h"

namespace drywall::explain {

class Evaluation {
public:
    using Judge = std::function<reference::Answer(const net::Tuple&, const reference::ConnectionFacts&)>;

    // Asks the compiled ruleset.
    explicit Evaluation(const Site& site);
    // Asks `judge`; the site says what endpoints and ports are called.
    Evaluation(const Site& site, Judge judge);
    ~Evaluation();
    Evaluation(Evaluation&&) noexcept;
    Evaluation& operator=(Evaluation&&) noexcept;

    // Appends the answer and a newline. Nothing at all for a blank line.
    void answer(std::string_view line, std::string& out);

    // Questions answered, and lines among them that were wrong.
    [[nodiscard]] std::size_t asked() const noexcept { return asked_; }
    [[nodiscard]] std::size_t wrong() const noexcept { return wrong_; }

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
    std::size_t asked_ = 0;
    std::size_t wrong_ = 0;
};

// What the compiled ruleset says about a connection that shows these facts, in the words of the reference. REQUIRES: as
// Ruleset::classify.
[[nodiscard]] reference::Answer judged(const ruleset::Ruleset& ruleset, const net::Tuple& tuple,
                                       const reference::ConnectionFacts& facts = {});

}  // namespace drywall::explain
