// Selector queries: what `drywall selector` answers, a JSON line for a JSON line.
//
// Threads: pure functions.
// Never:   throws; a line that is no query gets an answer that says why.
#pragma once

#include <string>
#include <string_view>

namespace drywall::explain {

// {"id","selector","labels"} -> {"id","valid":true,"match"}, {"id","valid":false,"error","column"}, or {"id","error"}
// for a line that is no query. Appends the answer and a newline; nothing at all for a blank line.
void answer_selector(std::string_view line, std::string& out);

}  // namespace drywall::explain
