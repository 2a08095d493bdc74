// Documents into resources: the envelope (apiVersion, kind, metadata, spec), lists of objects, and names taken twice.
#include <algorithm>
#include <array>
#include <map>

#include "drywall/loader/resources.h"
#include "resource_readers.h"

namespace drywall::loader {
namespace {

using policy::Kind;
using policy::Resource;

constexpr std::string_view kApiVersion = "projectcalico.org/v3";

constexpr std::array kLoaded{
    Kind::kTier,         Kind::kGlobalNetworkPolicy, Kind::kStagedGlobalNetworkPolicy, Kind::kGlobalNetworkSet,
    Kind::kHostEndpoint, Kind::kWorkloadEndpoint};

// Kinds that a dump of a cluster may hold, and that have no place here yet.
constexpr std::array<std::string_view, 16> kKindsNotThereYet{"NetworkPolicy",
                                                             "StagedNetworkPolicy",
                                                             "StagedKubernetesNetworkPolicy",
                                                             "NetworkSet",
                                                             "Profile",
                                                             "Namespace",
                                                             "Pod",
                                                             "Service",
                                                             "ServiceAccount",
                                                             "ClusterNetworkPolicy",
                                                             "AdminNetworkPolicy",
                                                             "BaselineAdminNetworkPolicy",
                                                             "FelixConfiguration",
                                                             "IPPool",
                                                             "Node",
                                                             "KubeControllersConfiguration"};

std::vector<std::string_view> kind_names() {
    std::vector<std::string_view> names;
    for (const Kind kind : kLoaded) names.push_back(policy::name(kind));
    return names;
}

class ResourceLoader {
public:
    explicit ResourceLoader(Complaints& complaints) : complaints_(complaints) {}

    void load(const Node& document) {
        if (complaints_.full()) return;
        Fields fields(document, "", complaints_);
        if (!document.is_mapping()) return;
        const Node* kind_node = fields.require("kind");
        const auto kind = kind_node ? read_text(*kind_node, "kind", complaints_) : std::nullopt;
        if (!kind) return;
        if (kind->ends_with("List")) {
            load_list(fields, *kind);
        } else if (const auto known = supported(fields, *kind)) {
            load_object(fields, *known);
        }
    }

    std::vector<Resource> take() { return std::move(resources_); }

private:
    std::optional<Kind> supported(Fields& fields, std::string_view name) {
        for (const Kind kind : kLoaded)
            if (policy::name(kind) == name) return kind;
        const Node& node = *fields.node().find("kind");
        const std::string supported_kinds = "supported kinds are " + joined(kind_names());
        const bool later =
            std::find(kKindsNotThereYet.begin(), kKindsNotThereYet.end(), name) != kKindsNotThereYet.end();
        if (later) {
            complaints_.unsupported(node.line, node.column, "kind " + shown(name) + " is not supported yet",
                                    supported_kinds);
            return std::nullopt;
        }
        std::string hint = did_you_mean(name, kind_names());
        complaints_.add(node.line, node.column, "unknown kind " + shown(name), hint.empty() ? supported_kinds : hint);
        return std::nullopt;
    }

    void check_api_version(Fields& fields, std::string_view wanted) {
        const Node* node = fields.require("apiVersion");
        if (node == nullptr || (node->is_scalar() && node->scalar == wanted)) return;
        complaints_.add(node->line, node->column,
                        "apiVersion must be " + std::string(wanted) + ", not " + described(*node));
    }

    // `kind: List`, as kubectl writes, or `kind: TierList`, as calicoctl does.
    void load_list(Fields& fields, const std::string& kind) {
        if (kind != "List" && !supported(fields, std::string_view(kind).substr(0, kind.size() - 4))) return;
        check_api_version(fields, kind == "List" ? "v1" : kApiVersion);
        fields.ignore("metadata");  // the server's bookkeeping about the list
        const Node* items = fields.require("items");
        fields.finish();
        if (items == nullptr) return;
        if (!items->is_sequence()) {
            complaints_.add(items->line, items->column, "items must be a list, not " + described(*items));
            return;
        }
        for (const Node& item : items->items) load(item);
    }

    void load_object(Fields& fields, Kind kind) {
        check_api_version(fields, kApiVersion);
        policy::Metadata metadata = read_metadata(fields, kind);
        fields.ignore("status");  // written by controllers
        // A policy without a spec would be a default deny for every endpoint: nobody means that by leaving it out.
        const bool optional = kind == Kind::kTier || kind == Kind::kGlobalNetworkSet;
        const Node* spec_node = optional ? fields.take("spec") : fields.require("spec");
        Node nothing;
        nothing.kind = Node::Kind::kMapping;
        fields.finish();
        if (spec_node == nullptr && !optional) return;
        Fields spec(spec_node ? *spec_node : nothing, "spec", complaints_);
        keep(read_spec(spec, kind, std::move(metadata)));
    }

    static Resource read_spec(Fields& spec, Kind kind, policy::Metadata metadata) {
        const auto finished = [&](auto resource) -> Resource {
            resource.metadata = std::move(metadata);
            return resource;
        };
        switch (kind) {
            case Kind::kTier: return finished(read_tier(spec));
            case Kind::kGlobalNetworkPolicy: return finished(read_policy(spec, false));
            case Kind::kStagedGlobalNetworkPolicy: return finished(read_policy(spec, true));
            case Kind::kGlobalNetworkSet: return finished(read_network_set(spec));
            case Kind::kHostEndpoint: return finished(read_host_endpoint(spec));
            default: break;
        }
        return finished(read_workload_endpoint(spec, metadata));
    }

    void keep(Resource resource) {
        const Place& place = policy::metadata_of(resource).place;
        const auto [first, fresh] = places_.try_emplace(policy::id_of(resource), place);
        if (!fresh && !policy::metadata_of(resource).name.empty()) {
            complaints_.add(place.line, place.column, first->first.text() + " is declared twice",
                            "the first is on line " + std::to_string(first->second.line));
        }
        resources_.push_back(std::move(resource));
    }

    Complaints& complaints_;
    std::vector<Resource> resources_;
    std::map<policy::ResourceId, Place> places_;
};

}  // namespace

Result<std::vector<Resource>> load_resources(const Source& source) {
    Complaints complaints(source.name);
    const std::vector<Node> documents = parse_yaml(source.text, complaints);
    if (!complaints.empty()) return std::move(complaints).error();
    ResourceLoader loader(complaints);
    for (const Node& document : documents) loader.load(document);
    if (!complaints.empty()) return std::move(complaints).error();
    return loader.take();
}

}  // namespace drywall::loader
