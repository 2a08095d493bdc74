// Site: one generation made from files alone, by the code that the appliance makes its generations with. No device, no
// daemon, no root.
//
// Threads: pure functions; a Site is immutable.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/classify/classifier.h"
#include "drywall/loader/resources.h"
#include "drywall/loader/settings.h"
#include "drywall/policy/resources.h"
#include "drywall/policy/surroundings.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

// Every resource that can be read of every source, in their order, and the warnings about them. All complaints about
// all sources come together, and so does a resource that is written twice. kRefused when nothing is wrong but that
// something is not supported. Where something is wrong, what can be read is also held against itself and `base`, so
// that what is wrong between resources comes with it. `ports`: the appliance's, when they are known. `applied`: what
// can't be applied yet (rules on HTTP) is wrong too.
struct Gathered {
    loader::Loaded sound;
    std::optional<Error> error;  // absent: nothing is wrong
};
[[nodiscard]] Gathered gather_what_is_sound(std::span<const loader::Source> sources, const policy::Inventory& base,
                                            const std::vector<std::string>* ports, bool applied);

// The same for those who want all or nothing.
[[nodiscard]] Result<loader::Loaded> gather(std::span<const loader::Source> sources, const policy::Inventory& base,
                                            const std::vector<std::string>* ports = nullptr);

// Takes out the HostEndpoints of interfaces that may or may not be ports of the appliance, when its ports are not
// known, and says so of each of them: they judge nothing here. Where the ports are known, such an interface is a
// mistake.
[[nodiscard]] std::vector<Complaint> set_aside_foreign_interfaces(std::vector<policy::Resource>& resources,
                                                                  const loader::Settings& settings);

[[nodiscard]] policy::Inventory inventory_of(std::vector<policy::Resource> resources);

// What of the appliance's configuration takes part in verdicts, and what a generation may cost.
[[nodiscard]] policy::Surroundings surroundings_of(const loader::Settings& settings);
[[nodiscard]] classify::Budget budget_of(const loader::Settings& settings);

struct Site {
    std::shared_ptr<const policy::Inventory> inventory;
    std::shared_ptr<const ruleset::Ruleset> ruleset;
};

// The initial inventory and the sources, checked and compiled.
[[nodiscard]] Result<Site> build_site(std::vector<policy::Resource> resources, const loader::Settings& settings);
[[nodiscard]] Result<Site> build_site(std::span<const loader::Source> sources, const loader::Settings& settings);

}  // namespace drywall::explain
