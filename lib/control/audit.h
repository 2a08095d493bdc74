// Audit: who did what, in the store's words.
//
// Threads: pure functions, but for a look at the user database.
#pragma once

#include <string>
#include <string_view>

#include "drywall/control/controller.h"
#include "drywall/store/generation_store.h"

namespace drywall::control {

[[nodiscard]] store::Author author_of(const Peer& who);

// A request that made no generation.
[[nodiscard]] store::AuditEntry audit_entry(std::string_view verb, const Peer& who, std::string_view comment,
                                            std::string_view outcome);

// A generation made now.
[[nodiscard]] store::GenerationRecord record_of(std::string_view verb, const Applied& applied, const Peer& who,
                                                std::string_view comment);

}  // namespace drywall::control
