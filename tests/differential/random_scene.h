// Scenes: inventories of every kind and field with what surrounds them, made from a seed, and packets aimed at them.
//
// Few labels, names, addresses and ports, so that policies overlap, tie, replace, delete and hide each other often. All
// that comes out is legal: the checks of policy::check() succeed, and the loader could have read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drywall/net/packet_meta.h"
#include "drywall/policy/resources.h"
#include "drywall/policy/surroundings.h"

namespace drywall::test {

struct Scene {
    policy::Inventory inventory;
    policy::Surroundings surroundings;

    void add(policy::Resource resource) {
        const policy::ResourceId id = policy::id_of(resource);
        inventory[id] = std::make_shared<const policy::Resource>(std::move(resource));
    }
};

[[nodiscard]] Scene random_scene(std::uint64_t seed);

// New connections at the edges of what the scene names: addresses of endpoints, sets and nets and their neighbours,
// ports and ICMP types of rules and theirs, the protocols of rules and others.
[[nodiscard]] std::vector<net::Tuple> random_packets(const Scene& scene, std::uint64_t seed, std::size_t count);

// One resource per YAML document, then the surroundings as comments.
[[nodiscard]] std::string text(const Scene& scene);
[[nodiscard]] std::string text(const net::Tuple& packet);

}  // namespace drywall::test
