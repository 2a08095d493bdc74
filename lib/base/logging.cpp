#include "drywall/base/logging.h"

#include <memory>

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace drywall::log {

namespace {
constexpr std::size_t kQueuedMessages = 8192;
}

void start(std::string_view level) {
    spdlog::init_thread_pool(kQueuedMessages, 1);
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    // A full queue drops the oldest message rather than make the control thread wait for a slow terminal.
    auto logger = std::make_shared<spdlog::async_logger>("drywall", std::move(sink), spdlog::thread_pool(),
                                                         spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v", spdlog::pattern_time_type::utc);
    logger->set_level(spdlog::level::from_str(std::string(level)));
    logger->flush_on(spdlog::level::warn);
    spdlog::set_default_logger(std::move(logger));
}

void stop() { spdlog::shutdown(); }

}  // namespace drywall::log
