// Answers: what a trace of the compiled ruleset says, in the words of the reference; and how answers are written.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "drywall/base/ids.h"
#include "drywall/reference/evaluator.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

[[nodiscard]] reference::Answer answer_of(const ruleset::Ruleset& ruleset, TraceId trace);

// `"enforced":{...},"pending":{...}`: what follows the id in an answer.
[[nodiscard]] std::string json_text(const reference::Answer& answer);

// Appends `text` as a JSON string. Bytes that are no UTF-8 become U+FFFD.
void append_json(std::string& out, std::string_view text);

}  // namespace drywall::explain
