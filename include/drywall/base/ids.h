// Ids: every number that names something is its own type, so that a rule can't be handed over as a port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace drywall {

enum class Generation : std::uint64_t {};  // a numbered state of all resources; 0 = nothing was ever published
enum class TraceId : std::uint32_t {};     // index into one generation's traces
enum class HitId : std::uint32_t {};       // index into one generation's hit descriptors
enum class PortId : std::uint16_t {};      // index into the appliance's ports, in configuration order
enum class WorkerId : std::uint16_t {};    // index into the appliance's workers, in configuration order

// The number inside an id, to index with.
template <typename Id>
requires std::is_enum_v<Id>
constexpr std::size_t index(Id id) noexcept { return static_cast<std::size_t>(id); }

}  // namespace drywall
