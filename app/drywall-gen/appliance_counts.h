// What the appliance in the middle counts, asked over its control socket.
//
// Threads: one.
#pragma once

#include <string>

#include "drywall/base/result.h"
#include "drywall/generate/report.h"

namespace drywall::gen {

// An answer that is none of drywalld's, or of another version's.
[[nodiscard]] Error odd_answer(const std::string& socket, const std::string& why);

class ApplianceWatch {
public:
    // From what it has counted by now, once that has settled. kUnavailable: it does not answer.
    [[nodiscard]] static Result<ApplianceWatch> begin(const std::string& socket);
    // What it counted since, once its counts have settled.
    [[nodiscard]] Result<generate::ApplianceReport> end() const;

private:
    generate::ApplianceReport before_;
};

}  // namespace drywall::gen
