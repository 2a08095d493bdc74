// Counts: what a scenario expects to be counted, as counters.yaml says it and as a run found it.
//
// The file is YAML of two levels: sections, and in them a name and a number per line. What is 0 is left out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "drywall/base/result.h"

namespace drywall::test {

// By section, then by name. Sections:
//   packets                 received, transmitted, and what passed without policy
//   drops                   by drop reason
//   enforced, pending       packets that each hit took part in, by HitDescriptor::text()
//   would_deny, would_allow by staged policy: packets whose verdict it would change
using Counts = std::map<std::string, std::map<std::string, std::uint64_t>>;

[[nodiscard]] Result<Counts> read_counts(const std::filesystem::path& file);
[[nodiscard]] std::string to_text(const Counts& counts);

}  // namespace drywall::test
