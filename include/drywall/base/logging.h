// Logging front: one asynchronous logger for the control side.
//
// Threads: any thread but a worker's. A worker never logs; it counts.
#pragma once

#include <string_view>

#include <spdlog/spdlog.h>

namespace drywall::log {

// Starts the asynchronous logger on stderr. level: trace|debug|info|warn|error|off. Call once, from main().
void start(std::string_view level);

// Writes out what is queued and ends the logger's thread.
void stop();

}  // namespace drywall::log
