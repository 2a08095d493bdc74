// The appliance's configuration in the words of the modules that act on it.
//
// Threads: pure functions, but for the random seed.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "drywall/classify/classifier.h"
#include "drywall/control/guard.h"
#include "drywall/control/ipfix_exporter.h"
#include "drywall/control/server.h"
#include "drywall/loader/settings.h"
#include "drywall/observe/flow_recorder.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/runtime/dataplane.h"
#include "drywall/store/generation_store.h"

namespace drywall::daemon {

[[nodiscard]] control::ServerSettings server_settings(const loader::Settings& settings);
[[nodiscard]] store::StoreSettings store_settings(const loader::Settings& settings);
[[nodiscard]] runtime::Existing existing_connections(const loader::Settings& settings);
[[nodiscard]] control::GuardSettings guard_settings(const loader::Settings& settings, const observe::FlowLog& flows,
                                                    control::DenialWatch& denials);
[[nodiscard]] control::IpfixSettings ipfix_settings(const loader::IpfixExport& settings);
[[nodiscard]] runtime::DataplaneSettings dataplane_settings(const loader::Settings& settings,
                                                            std::vector<std::shared_ptr<io::Port>> ports);
// Nothing where they are switched off.
[[nodiscard]] std::optional<observe::FlowHistorySettings> flow_history_settings(const loader::Settings& settings);
[[nodiscard]] std::optional<observe::FlowFileSettings> flow_file_settings(const loader::Settings& settings);

}  // namespace drywall::daemon
