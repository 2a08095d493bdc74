// Documents into resources: the envelope (apiVersion, kind, metadata, spec), lists of objects, and names taken twice.
#include <algorithm>
#include <array>
#include <map>

#include "drywall/loader/resources.h"
#include "kubernetes_readers.h"
#include "resource_readers.h"

namespace drywall::loader {
namespace {

using policy::Kind;
using policy::Resource;

// Kinds that a dump of a cluster may hold, and that say nothing about packets on a wire or have no place here.
constexpr std::array<std::string_view, 30> kOtherKinds{"BGPConfiguration",
                                                       "BGPFilter",
                                                       "BGPPeer",
                                                       "BlockAffinity",
                                                       "CalicoNodeStatus",
                                                       "ClusterInformation",
                                                       "ConfigMap",
                                                       "CronJob",
                                                       "DaemonSet",
                                                       "Deployment",
                                                       "Endpoints",
                                                       "IPAMBlock",
                                                       "IPAMConfig",
                                                       "IPAMConfiguration",
                                                       "IPAMHandle",
                                                       "IPPool",
                                                       "IPReservation",
                                                       "Ingress",
                                                       "Job",
                                                       "KubeControllersConfiguration",
                                                       "PersistentVolume",
                                                       "PersistentVolumeClaim",
                                                       "PolicyRecommendationScope",
                                                       "ReplicaSet",
                                                       "ReplicationController",
                                                       "Role",
                                                       "RoleBinding",
                                                       "Secret",
                                                       "StatefulSet",
                                                       "UISettings"};

// What the API's raw storage calls Calico's own kinds; the fields are not the same throughout.
constexpr std::string_view kCalicosStorage = "crd.projectcalico.org/v1";

std::vector<std::string_view> kind_names() {
    std::vector<std::string_view> names;
    for (const Kind kind : policy::all_kinds()) {
        const std::string_view name = policy::document_kind(kind);
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
}

// The apiVersions that a kind is known under.
std::vector<std::string_view> api_versions(std::string_view name) {
    std::vector<std::string_view> versions;
    for (const Kind kind : policy::all_kinds())
        if (policy::document_kind(kind) == name) versions.push_back(policy::api_version(kind));
    return versions;
}

// A policy without a spec is what an empty one is, a default deny for all that it selects: as Calico and Kubernetes
// have it, with a warning, for hardly anybody means it.
bool is_default_deny_without_spec(Kind kind) noexcept {
    switch (kind) {
        case Kind::kGlobalNetworkPolicy:
        case Kind::kStagedGlobalNetworkPolicy:
        case Kind::kNetworkPolicy:
        case Kind::kStagedNetworkPolicy:
        case Kind::kKubernetesNetworkPolicy:
        case Kind::kStagedKubernetesNetworkPolicy: return true;
        default: return false;
    }
}

bool may_lack_spec(Kind kind) noexcept {
    if (is_default_deny_without_spec(kind)) return true;
    switch (kind) {
        case Kind::kTier:
        case Kind::kGlobalNetworkSet:
        case Kind::kNetworkSet:
        case Kind::kProfile:
        case Kind::kFelixConfiguration: return true;
        default: return false;
    }
}

std::string scalar_of(const Node& mapping, std::string_view key) {
    const Node* node = mapping.find(key);
    return node != nullptr && node->is_scalar() ? node->scalar : std::string();
}

// Whom the complaints are about, before anything is known to be right.
Subject subject_of(const Node& document, const std::string& kind) {
    Subject subject{kind, {}, {}};
    if (const Node* metadata = document.find("metadata")) {
        subject.ns = scalar_of(*metadata, "namespace");
        subject.name = scalar_of(*metadata, "name");
    }
    return subject;
}

class ResourceLoader {
public:
    explicit ResourceLoader(Complaints& complaints) : complaints_(complaints) {}

    void load(const Node& document) {
        complaints_.about({});
        Fields fields(document, "", complaints_);
        if (!document.is_mapping()) return;
        complaints_.about(subject_of(document, scalar_of(document, "kind")));
        const Node* kind_node = fields.require("kind");
        const auto kind = kind_node ? read_text(*kind_node, "kind", complaints_) : std::nullopt;
        if (!kind) return;
        if (kind->size() >= kList.size() && kind->ends_with(kList)) {
            load_list(fields, *kind);
        } else if (const auto known = known_kind(fields, *kind)) {
            load_object(fields, *known);
        }
    }

    std::vector<Resource> take() { return std::move(resources_); }
    std::vector<policy::ResourceId> take_wrong() { return std::move(wrong_); }
    [[nodiscard]] bool has_list() const noexcept { return has_list_; }

private:
    static constexpr std::string_view kList = "List";

    std::optional<Kind> known_kind(Fields& fields, std::string_view name) {
        const Node& node = *fields.node().find("kind");
        const std::vector<std::string_view> versions = api_versions(name);
        if (versions.empty()) {
            complain_about_kind(node, name);
            return std::nullopt;
        }
        const Node* version = fields.require("apiVersion");
        if (version == nullptr) return std::nullopt;
        const auto kind = version->is_scalar() ? policy::kind_of_document(version->scalar, name) : std::nullopt;
        if (!kind) complain_about_version(*version, versions);
        return kind;
    }

    void complain_about_kind(const Node& node, std::string_view name) {
        const std::string supported = "supported kinds are " + joined(kind_names());
        if (std::find(kOtherKinds.begin(), kOtherKinds.end(), name) != kOtherKinds.end()) {
            complaints_.unsupported(node.line, node.column, "kind " + shown(name) + " is not supported", supported);
            return;
        }
        std::string hint = complaints_.full() ? "" : did_you_mean(name, kind_names());
        complaints_.add(node.line, node.column, "unknown kind " + shown(name), hint.empty() ? supported : hint);
    }

    void complain_about_version(const Node& node, const std::vector<std::string_view>& versions) {
        std::string wanted;
        for (const std::string_view version : versions) {
            wanted.append(wanted.empty() ? "" : " or ").append(version);
        }
        const bool storage = node.is_scalar() && node.scalar == kCalicosStorage;
        complaints_.add(
            node.line, node.column, "apiVersion must be " + wanted + ", not " + described(node),
            storage ? "that is how Calico stores its objects; calicoctl get -o yaml writes them as " + wanted : "");
    }

    // `kind: List`, as kubectl writes, or `kind: TierList`, as calicoctl does.
    void load_list(Fields& fields, const std::string& kind) {
        const std::string of = kind.substr(0, kind.size() - kList.size());
        if (of.empty()) {
            const Node* version = fields.require("apiVersion");
            if (version != nullptr && (!version->is_scalar() || version->scalar != "v1")) {
                complaints_.add(version->line, version->column,
                                "apiVersion of a List must be v1, not " + described(*version));
            }
        } else if (!known_kind(fields, of)) {
            return;
        }
        fields.ignore("metadata");  // the server's bookkeeping about the list
        has_list_ = true;
        const Node* written = fields.node().find("items");
        const bool null = written != nullptr && written->is_null();
        const Node* items = null ? fields.take("items") : fields.require("items");
        fields.finish();
        if (items == nullptr) return;
        if (!items->is_sequence()) {
            complaints_.add(items->line, items->column, "items must be a list, not " + described(*items));
            return;
        }
        for (const Node& item : items->items) load(item);
    }

    void load_object(Fields& fields, Kind kind) {
        const std::size_t before = complaints_.count();
        policy::Metadata metadata = read_metadata(fields, kind);
        // Without metadata there is still a document that complaints about the resource can point at.
        if (metadata.place.line == 0) metadata.place = complaints_.place(fields.node().line, fields.node().column);
        policy::ResourceId id{kind, metadata.ns, metadata.name};
        fields.ignore("status");  // written by controllers; those who need it take it
        if (auto resource = read_body(fields, kind, metadata)) {
            std::visit([&](auto& r) { r.metadata = std::move(metadata); }, *resource);
            id = policy::id_of(*resource);
            complain_if_taken(*resource);
            resources_.push_back(*std::move(resource));
        }
        fields.finish();
        if (complaints_.count() == before) return;
        if (!resources_.empty() && policy::id_of(resources_.back()) == id) resources_.pop_back();
        wrong_.push_back(std::move(id));
    }

    std::optional<Resource> read_body(Fields& top, Kind kind, policy::Metadata& metadata) {
        switch (kind) {
            case Kind::kNamespace: return read_namespace(top);
            case Kind::kServiceAccount: return read_service_account(top);
            case Kind::kPod: return read_pod(top);
            case Kind::kNode: return read_node(top);
            case Kind::kService: return read_service(top);
            case Kind::kEndpointSlice: return read_endpoint_slice(top);
            default: break;
        }
        const Node* node = may_lack_spec(kind) ? top.take("spec") : top.require("spec");
        if (node == nullptr && !may_lack_spec(kind)) return std::nullopt;
        if (node == nullptr && is_default_deny_without_spec(kind)) {
            complaints_.warn(top.node().line, top.node().column,
                             "there is no spec: it selects every endpoint of its scope, and allows nothing",
                             "write spec, with a selector and rules");
        }
        Node nothing;
        nothing.kind = Node::Kind::kMapping;
        nothing.line = top.node().line;
        nothing.column = top.node().column;
        Fields spec(node != nullptr ? *node : nothing, "spec", complaints_);
        return read_spec(spec, kind, metadata);
    }

    static Resource read_spec(Fields& spec, Kind kind, policy::Metadata& metadata) {
        using Form = policy::AdminPolicy::Form;
        switch (kind) {
            case Kind::kStagedKubernetesNetworkPolicy: return read_kubernetes_policy(spec, true);
            case Kind::kKubernetesNetworkPolicy: return read_kubernetes_policy(spec, false);
            case Kind::kAdminNetworkPolicy: return read_admin_policy(spec, Form::kAdmin);
            case Kind::kBaselineAdminNetworkPolicy: return read_admin_policy(spec, Form::kBaselineAdmin);
            case Kind::kClusterNetworkPolicy: return read_admin_policy(spec, Form::kCluster);
            case Kind::kTier: return read_tier(spec);
            case Kind::kGlobalNetworkSet:
            case Kind::kNetworkSet: return read_network_set(spec, kind == Kind::kGlobalNetworkSet);
            case Kind::kHostEndpoint: return read_host_endpoint(spec);
            case Kind::kWorkloadEndpoint: return read_workload_endpoint(spec, metadata);
            case Kind::kProfile: return read_profile(spec);
            case Kind::kFelixConfiguration: return read_felix_configuration(spec, metadata);
            default: return read_policy(spec, kind);
        }
    }

    void complain_if_taken(const Resource& resource) {
        const Place& place = policy::metadata_of(resource).place;
        const auto [first, fresh] = places_.try_emplace(policy::id_of(resource), place);
        if (!fresh && !policy::metadata_of(resource).name.empty()) {
            complaints_.add(place.line, place.column, first->first.text() + " is declared twice",
                            "the first is on line " + std::to_string(first->second.line));
        }
    }

    Complaints& complaints_;
    std::vector<Resource> resources_;
    std::vector<policy::ResourceId> wrong_;
    bool has_list_ = false;
    std::map<policy::ResourceId, Place> places_;
};

}  // namespace

Partial load_what_is_sound(const Source& source) {
    Complaints complaints(source.name);
    complaints.take_null_as_absent();
    const std::vector<Node> documents = parse_yaml(source.text, complaints);
    if (!complaints.empty()) return {.sound = {}, .wrong = {}, .error = std::move(complaints).error()};
    ResourceLoader loader(complaints);
    for (const Node& document : documents) loader.load(document);
    Partial partial;
    partial.sound.resources = loader.take();
    partial.sound.has_list = loader.has_list();
    partial.sound.warnings = complaints.take_warnings();
    partial.wrong = loader.take_wrong();
    if (!complaints.empty()) partial.error = std::move(complaints).error();
    return partial;
}

Result<Loaded> load_with_warnings(const Source& source) {
    Partial partial = load_what_is_sound(source);
    if (partial.error) return *std::move(partial.error);
    return std::move(partial.sound);
}

Result<std::vector<Resource>> load_resources(const Source& source) {
    Result<Loaded> loaded = load_with_warnings(source);
    if (!loaded) return std::move(loaded).error();
    return std::move(loaded->resources);
}

}  // namespace drywall::loader
