// Invocation: where a command writes, how, and what it says to the shell when it is done.
//
// Threads: one.
#pragma once

#include <iostream>
#include <istream>
#include <ostream>
#include <string>

#include "drywall/base/result.h"

namespace drywall::cli {

// What scripts rely on; drywall(1) lists them.
enum class Exit : int {
    kOk = 0,
    kNegative = 1,     // the answer is no: the connection would be denied, the object does not exist
    kUsage = 2,        // the command line can't be understood
    kInvalid = 3,      // the input is wrong
    kUnreachable = 4,  // drywalld did not answer, or could not do its part
    kConflict = 5,     // the generation moved on
    kRefused = 6,      // understood, and not done
    kTakenBack = 7,    // the change that was to be confirmed is not in force any more
    kNotEnough = 8,    // not enough is known to say yes
};

enum class Format { kTable, kWide, kName, kJson, kYaml, kCsv, kJsonLines, kMarkdown };

struct Invocation {
    std::ostream& out;  // data
    std::ostream& err;  // everything else
    Format format = Format::kTable;
    bool color = false;
    bool quiet = false;
    std::string socket;
    std::istream& in = std::cin;
};

[[nodiscard]] inline bool wants_json(const Invocation& invocation) { return invocation.format == Format::kJson; }

[[nodiscard]] Exit exit_for(ErrorKind kind) noexcept;

// Every complaint on its own line of `err`, and the exit code that goes with it.
Exit report(const Invocation& invocation, const Error& error);

}  // namespace drywall::cli
