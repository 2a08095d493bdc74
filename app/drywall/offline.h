// Offline: what the commands that need no daemon have in common: they read files and compile them, as the appliance
// would.
//
// Threads: one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client.h"
#include "drywall/base/result.h"
#include "drywall/explain/site.h"
#include "drywall/loader/resources.h"
#include "drywall/loader/settings.h"

namespace drywall::cli {

// Files, directories and "-", in their order.
[[nodiscard]] Result<std::vector<loader::Source>> read_all(const std::vector<std::string>& files);

// "p.yaml:3:5: error: message", the line with a caret under the place, and the hint. `severity`: error or warning.
[[nodiscard]] std::string told(std::string_view severity, const Complaint& complaint,
                               const std::vector<loader::Source>& sources);

// The appliance's configuration for questions; every key's default when no file is named.
[[nodiscard]] Result<loader::Settings> read_settings(const std::string& file);

// kInvalid for everything that makes the files unusable, a missing one among them.
[[nodiscard]] Result<explain::Site> read_site(const std::vector<std::string>& files, const std::string& config);

// The resources that were in force and confirmed when `drywall backup` wrote this file, as one source of that name.
[[nodiscard]] Result<std::vector<loader::Source>> resources_of_backup(const std::string& file);

// What drywalld would answer to GET /v1/matrix and /v1/trace if these files were in force. A matrix of files has no
// limit to its rows.
[[nodiscard]] Result<Json> matrix_of_files(const std::vector<std::string>& files, const std::string& config,
                                           const Query& query);
[[nodiscard]] Result<Json> trace_of_files(const std::vector<std::string>& files, const std::string& config,
                                          const Query& query);

}  // namespace drywall::cli
