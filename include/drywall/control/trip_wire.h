// Trip-wires: what takes an unconfirmed change back before its time is over.
//
// Threads: values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"

namespace drywall::control {

enum class WatchedSign : std::uint8_t {
    kNewlyDenied,    // connections that the previous generation allowed and this one denies
    kDrops,          // packets dropped, for whatever reason, since the change
    kWorkerStalled,  // a worker that has not come round its loop for a second
};
[[nodiscard]] std::string_view name(WatchedSign sign) noexcept;

struct TripWire {
    WatchedSign sign = WatchedSign::kNewlyDenied;
    std::uint64_t more_than = 0;
    bool operator==(const TripWire&) const = default;
    // "newly-denied>0", "worker-stalled"
    [[nodiscard]] std::string text() const;
};

// "newly-denied>0,drops>1000,worker-stalled". kInvalid with what there is.
[[nodiscard]] Result<std::vector<TripWire>> parse_trip_wires(std::string_view text);

// What was seen since the change.
struct Signs {
    std::uint64_t newly_denied = 0;
    std::vector<std::string> examples{};  // of them: "tcp 10.0.0.1 > 10.1.0.9:443"
    std::uint64_t drops = 0;
    std::uint64_t workers_stalled = 0;
};

// The first wire that is torn, in words: "newly-denied>0: 3 connections, tcp 10.0.0.1 > 10.1.0.9:443".
[[nodiscard]] std::optional<std::string> torn(const std::vector<TripWire>& wires, const Signs& signs);

}  // namespace drywall::control
