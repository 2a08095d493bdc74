// The time of a packet as libpcap hands it over with nanosecond precision (tv_usec holds nanoseconds): since 1970, or
// nothing if the file claims one that Nanos can't hold.
#pragma once

#include <cstdint>
#include <optional>

#include <pcap/pcap.h>

#include "drywall/base/clock.h"

namespace drywall::io {

inline constexpr const char* kSenselessTime = "its time is before 1970 or after 2255";

inline std::optional<Nanos> time_of(const pcap_pkthdr& header) noexcept {
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::int64_t kLastSecond = 9'000'000'000;  // of the year 2255
    const bool sensible = header.ts.tv_sec >= 0 && header.ts.tv_sec < kLastSecond && header.ts.tv_usec >= 0 &&
                          header.ts.tv_usec < kSecond;
    if (!sensible) return std::nullopt;
    return Nanos(header.ts.tv_sec * kSecond + header.ts.tv_usec);
}

}  // namespace drywall::io
