// The command `drywall-gen run`: devices, warm-up, one trial, its report.
//
// Threads: the main thread's.
#pragma once

#include "invocation.h"
#include "options.h"

namespace drywall::gen {

[[nodiscard]] cli::Exit run(const cli::Invocation& invocation, const Options& options);

}  // namespace drywall::gen
