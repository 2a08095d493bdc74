#include "drywall/explain/site.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "drywall/policy/convert.h"

namespace drywall::explain {

namespace {

using policy::Resource;
using policy::ResourceId;

void append(Error& all, Error more) {
    std::move(more.complaints.begin(), more.complaints.end(), std::back_inserter(all.complaints));
}

Subject subject_of(const ResourceId& id) { return {std::string(policy::document_kind(id.kind)), id.ns, id.name}; }

Error twins(const std::vector<Resource>& resources) {
    std::map<ResourceId, Place> seen;
    Error wrong{ErrorKind::kInvalid, {}};
    for (const Resource& resource : resources) {
        const Place& place = policy::metadata_of(resource).place;
        const auto [first, fresh] = seen.emplace(policy::id_of(resource), place);
        if (fresh) continue;
        wrong.complaints.push_back({place, first->first.text() + " is written twice in one request",
                                    "it stands at " + first->second.text() + " too; keep one of them",
                                    subject_of(first->first)});
    }
    return wrong;
}

std::optional<PortId> port_called(const loader::Settings& settings, const std::string& name) {
    for (std::size_t i = 0; i < settings.ports.size(); ++i)
        if (settings.ports[i].name == name) return PortId{static_cast<std::uint16_t>(i)};
    return std::nullopt;
}

std::vector<std::optional<PortId>> peers(const loader::Settings& settings) {
    std::vector<std::optional<PortId>> peer_of(settings.ports.size());
    for (const loader::PairSettings& pair : settings.pairs) {
        const std::optional<PortId> first = port_called(settings, pair.first);
        const std::optional<PortId> second = port_called(settings, pair.second);
        if (!first || !second) continue;  // load_settings() lets no such pair pass
        peer_of[index(*first)] = second;
        peer_of[index(*second)] = first;
    }
    return peer_of;
}

// What is wrong between resources, when only some of them can be read. Of a tier that can't be, it is known that there
// is one.
void append_what_is_between(Error& all, const std::vector<Resource>& sound, const std::vector<ResourceId>& wrong,
                            policy::Inventory inventory, const std::vector<std::string>* ports, bool applied) {
    for (const ResourceId& id : wrong) {
        if (id.kind != policy::Kind::kTier) continue;
        policy::Tier tier;
        tier.metadata.name = id.name;
        inventory.try_emplace(id, std::make_shared<const Resource>(std::move(tier)));
    }
    for (const Resource& resource : sound)
        inventory.insert_or_assign(policy::id_of(resource), std::make_shared<const Resource>(resource));
    Status status = ports == nullptr ? policy::check(inventory) : policy::check(inventory, *ports);
    if (!status) append(all, std::move(status).error());
    if (!applied) return;
    if (Status supported = ruleset::check_supported(policy::calico_view(inventory)); !supported)
        append(all, std::move(supported).error());
}

}  // namespace

Gathered gather_what_is_sound(std::span<const loader::Source> sources, const policy::Inventory& base,
                              const std::vector<std::string>* ports, bool applied) {
    Gathered gathered;
    loader::Loaded& all = gathered.sound;
    std::vector<Resource>& out = all.resources;
    std::vector<ResourceId> unsound;
    Error wrong{ErrorKind::kRefused, {}};
    for (const loader::Source& source : sources) {
        loader::Partial partial = loader::load_what_is_sound(source);
        if (partial.error) {
            if (partial.error->kind != ErrorKind::kRefused) wrong.kind = ErrorKind::kInvalid;
            append(wrong, *std::move(partial.error));
        }
        std::ranges::move(partial.sound.resources, std::back_inserter(out));
        std::ranges::move(partial.sound.warnings, std::back_inserter(all.warnings));
        std::ranges::move(partial.wrong, std::back_inserter(unsound));
        all.has_list = all.has_list || partial.sound.has_list;
    }
    if (Error twice = twins(out); !twice.complaints.empty()) {
        wrong.kind = ErrorKind::kInvalid;
        append(wrong, std::move(twice));
    }
    if (!wrong.complaints.empty()) {
        append_what_is_between(wrong, out, unsound, base, ports, applied);
        gathered.error = std::move(wrong);
        return gathered;
    }
    if (out.empty() && !all.has_list)
        gathered.error = Error::of(ErrorKind::kInvalid, "the request holds no resource",
                                   "give at least one document with apiVersion, kind and metadata.name");
    return gathered;
}

Result<loader::Loaded> gather(std::span<const loader::Source> sources, const policy::Inventory& base,
                              const std::vector<std::string>* ports) {
    Gathered gathered = gather_what_is_sound(sources, base, ports, true);
    if (gathered.error) return *std::move(gathered.error);
    return std::move(gathered.sound);
}

std::vector<Complaint> set_aside_foreign_interfaces(std::vector<Resource>& resources,
                                                    const loader::Settings& settings) {
    std::vector<Complaint> warnings;
    if (!settings.ports_assumed) return warnings;
    std::erase_if(resources, [&](const Resource& resource) {
        const auto* endpoint = std::get_if<policy::HostEndpoint>(&resource);
        if (endpoint == nullptr || !endpoint->expected_ips.empty()) return false;
        const std::string& interface = endpoint->interface_name;
        if (interface.empty() || interface == "*" || port_called(settings, interface)) return false;
        const ResourceId id = policy::id_of(resource);
        warnings.push_back({endpoint->metadata.place,
                            id.text() + ": whether interface '" + interface +
                                "' is a port of the appliance is not known here, so it judges nothing",
                            "name the appliance's configuration with --config", subject_of(id)});
        return true;
    });
    return warnings;
}

policy::Inventory inventory_of(std::vector<Resource> resources) {
    policy::Inventory inventory = policy::initial_inventory();
    for (Resource& resource : resources) {
        ResourceId id = policy::id_of(resource);
        inventory.insert_or_assign(std::move(id), std::make_shared<const Resource>(std::move(resource)));
    }
    return inventory;
}

policy::Surroundings surroundings_of(const loader::Settings& settings) {
    policy::Surroundings around;
    for (const loader::PortSettings& port : settings.ports) around.port_names.push_back(port.name);
    around.peer_of = peers(settings);
    around.unmatched = settings.unmatched;
    around.pending_as_calico = settings.pending_as_calico;
    for (const loader::FailsafeRule& rule : settings.failsafe)
        around.failsafe.push_back({rule.protocol, rule.port, rule.to, rule.from});
    around.domains = {.evidence = settings.layer7.domains.evidence,
                      .missing_sni = settings.layer7.tls.missing_sni,
                      .ech = settings.layer7.tls.ech,
                      // without a configuration nobody knows: then it is not complained about
                      .learned = settings.ports_assumed || !settings.layer7.dns.servers.empty()};
    return around;
}

classify::Budget budget_of(const loader::Settings& settings) {
    classify::Budget budget;
    budget.table_bytes = settings.ruleset_memory_mb << 20;
    return budget;
}

Result<Site> build_site(std::span<const loader::Source> sources, const loader::Settings& settings) {
    const policy::Surroundings around = surroundings_of(settings);
    Result<loader::Loaded> loaded =
        gather(sources, policy::initial_inventory(), settings.ports_assumed ? nullptr : &around.port_names);
    if (!loaded) return std::move(loaded).error();
    return build_site(std::move(loaded->resources), settings);
}

Result<Site> build_site(std::vector<Resource> resources, const loader::Settings& settings) {
    (void)set_aside_foreign_interfaces(resources, settings);  // validate tells of them
    policy::Inventory inventory = inventory_of(std::move(resources));
    const policy::Surroundings around = surroundings_of(settings);
    if (Status sound = policy::check(inventory, around.port_names); !sound) return std::move(sound).error();
    auto ruleset = ruleset::Ruleset::build(Generation{1}, inventory, around, budget_of(settings));
    if (!ruleset) return std::move(ruleset).error();
    return Site{std::make_shared<const policy::Inventory>(std::move(inventory)), *std::move(ruleset)};
}

}  // namespace drywall::explain
