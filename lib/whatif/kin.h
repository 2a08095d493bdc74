// Kin: endpoints (and network sets) that have the same labels. No selector tells them apart, so a recommendation treats
// them as one.
//
// Threads: immutable once built. It refers to the inventory that it was made from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/net/address.h"
#include "drywall/policy/convert.h"
#include "drywall/policy/resources.h"

namespace drywall::whatif {

using KinId = std::uint32_t;

// Something that selectors can match.
struct Party {
    policy::ResourceId id;
    std::vector<net::Address> addresses;  // empty for network sets
    KinId kin = 0;
};

struct Kin {
    policy::Labels labels;             // those that a person would write in a selector
    std::string ns;                    // empty: hosts and global sets
    std::vector<std::size_t> parties;  // indices into Kinship::parties()
    bool has_set = false;              // a network set is among them: rules that name them admit its addresses too
    bool has_endpoint = false;
};

class Kinship {
public:
    explicit Kinship(const policy::CalicoView& view);

    [[nodiscard]] const std::vector<Party>& parties() const noexcept { return parties_; }
    [[nodiscard]] const std::vector<Kin>& kin() const noexcept { return kin_; }
    [[nodiscard]] const Kin& of(KinId id) const { return kin_[id]; }
    // The endpoint that has this address.
    [[nodiscard]] std::optional<std::size_t> party_of(const net::Address& address) const;

private:
    void add(policy::ResourceId id, policy::Labels labels, std::vector<net::Address> addresses, bool is_set);

    std::vector<Party> parties_;
    std::vector<Kin> kin_;
    std::map<policy::Labels, KinId> by_labels_;
    std::map<net::Address, std::size_t> by_address_;
};

inline constexpr std::string_view kNamespaceLabel = "projectcalico.org/namespace";

}  // namespace drywall::whatif
