#include <optional>

#include "api.h"
#include "api_requests.h"
#include "drywall/explain/parameters.h"
#include "drywall/loader/resources.h"
#include "json.h"
#include "plan.h"
#include "staging.h"

namespace drywall::control {

namespace {

using policy::Kind;
using policy::Resource;
using policy::ResourceId;

// A JSON text without exceptions; a discarded value when it is none.
Json parse(const std::string& text) { return Json::parse(text, nullptr, false); }

Result<Kind> kind_of(const std::string& text) {
    if (const std::optional<Kind> kind = policy::kind_by_name(text)) return *kind;
    std::string known;
    for (const Kind kind : policy::all_kinds())
        known += (known.empty() ? "" : ", ") + std::string(policy::name(kind)) + " (" +
                 std::string(policy::short_name(kind)) + ')';
    return Error::of(ErrorKind::kInvalid, "there is no kind '" + text + "'", "the kinds are: " + known);
}

// {kind}/{name} or {kind}/{namespace}/{name}
Result<ResourceId> id_of(const std::vector<std::string>& parts) {
    const Result<Kind> kind = kind_of(parts.front());
    if (!kind) return kind.error();
    const bool with_namespace = parts.size() == 3;
    if (with_namespace && !policy::is_namespaced(*kind))
        return Error::of(ErrorKind::kInvalid, std::string(policy::name(*kind)) + " has no namespace",
                         "name it as " + parts[0] + '/' + parts[2]);
    if (!with_namespace && policy::is_namespaced(*kind)) return ResourceId{*kind, "default", parts[1]};
    return ResourceId{*kind, with_namespace ? parts[1] : std::string(), parts.back()};
}

Error not_a_bundle(const std::string& what) {
    return Error::of(ErrorKind::kInvalid, what,
                     R"(send {"files": [{"name": "a.yaml", "text": "..."}]}, or YAML alone)");
}

Result<std::vector<loader::Source>> files_of(const Json& bundle) {
    const Json& files = bundle["files"];
    if (!files.is_array()) return not_a_bundle("'files' is not a list");
    std::vector<loader::Source> sources;
    for (const Json& file : files) {
        if (!file.is_object() || !file.contains("text") || !file["text"].is_string())
            return not_a_bundle("an entry of 'files' has no text");
        const auto name = file.find("name");
        const bool named = name != file.end() && name->is_string();
        sources.push_back({named ? name->get<std::string>() : std::string("request"), file["text"].get<std::string>()});
    }
    return sources;
}

}  // namespace

ApiResponse json_response(const Json& json) {
    ApiResponse response;
    response.body = write(json);
    return response;
}

Result<std::vector<loader::Source>> sources_of(const ApiRequest& request) {
    if (request.body.starts_with('{')) {
        const Json json = parse(request.body);
        if (json.is_object() && json.contains("files") && !json.contains("kind")) return files_of(json);
    }
    return std::vector{loader::Source{explain::text_parameter(request.query, "source", "request"), request.body}};
}

namespace {

// One YAML List: every document's lines moved under an item.
std::string yaml_list(const std::vector<std::shared_ptr<const Resource>>& resources) {
    std::string out = "apiVersion: v1\nkind: List\nitems:";
    if (resources.empty()) return out + " []\n";
    out += '\n';
    for (const auto& resource : resources) {
        const std::string document = loader::to_yaml(*resource);
        std::string_view rest = document;
        for (bool first = true; !rest.empty(); first = false) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            if (!line.empty()) out += first ? "- " : "  ";
            out += std::string(line) + '\n';
        }
    }
    return out;
}

Result<bool> wants_yaml(const ApiRequest& request) {
    const std::string format = explain::text_parameter(request.query, "format", "json");
    if (format == "json" || format == "yaml") return format == "yaml";
    return Error::of(ErrorKind::kInvalid, "there is no format '" + format + "'", "give json or yaml");
}

ApiResponse yaml(std::string text) {
    ApiResponse response;
    response.content_type = "application/yaml";
    response.body = std::move(text);
    return response;
}

}  // namespace

Result<StagedName> staged_name(const Json& wanted) {
    if (!wanted.is_object() || !wanted.contains("name") || !wanted["name"].is_string())
        return Error::of(ErrorKind::kInvalid, "the request does not name a policy",
                         R"(send {"name": "web-to-db"}, with "kind" and "namespace" where the name is not enough)");
    StagedName name{.kind = {}, .ns = {}, .name = wanted["name"].get<std::string>()};
    if (const auto kind = wanted.find("kind"); kind != wanted.end()) {
        const Result<Kind> known = kind_of(kind->is_string() ? kind->get<std::string>() : kind->dump());
        if (!known) return known.error();
        name.kind = *known;
    }
    if (const auto ns = wanted.find("namespace"); ns != wanted.end()) {
        if (!ns->is_string())
            return Error::of(ErrorKind::kInvalid, "'namespace' is " + ns->dump(), "give the name of a namespace");
        name.ns = ns->get<std::string>();
    }
    return name;
}

Result<ApiResponse> Api::get_resources(const ApiRequest& request, const Parts& parts) {
    std::optional<Kind> wanted;
    if (!parts.empty()) {
        const Result<Kind> kind = kind_of(parts.front());
        if (!kind) return kind.error();
        wanted = *kind;
    }
    const Result<bool> as_yaml = wants_yaml(request);
    if (!as_yaml) return as_yaml.error();

    const State state = controller_.state();
    std::vector<std::shared_ptr<const Resource>> shown;
    for (const auto& [id, resource] : *state.inventory)
        if (!wanted || id.kind == *wanted) shown.push_back(resource);
    if (*as_yaml) return yaml(yaml_list(shown));

    Json items = Json::array();
    for (const auto& resource : shown) items.push_back(parse(loader::to_json(*resource)));
    return json_response({{"apiVersion", "v1"},
                          {"kind", "List"},
                          {"generation", index(state.ruleset->generation())},
                          {"items", std::move(items)}});
}

Result<ApiResponse> Api::get_resource(const ApiRequest& request, const Parts& parts) {
    const Result<ResourceId> id = id_of(parts);
    if (!id) return id.error();
    const Result<bool> as_yaml = wants_yaml(request);
    if (!as_yaml) return as_yaml.error();
    const State state = controller_.state();
    const auto found = state.inventory->find(*id);
    if (found == state.inventory->end())
        return Error::of(ErrorKind::kNotFound, id->text() + " does not exist",
                         "`drywall get " + std::string(policy::short_name(id->kind)) + "` lists what there is");
    if (*as_yaml) return yaml(loader::to_yaml(*found->second));
    return json_response(parse(loader::to_json(*found->second)));
}

Result<ApiResponse> Api::apply(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<ChangeOptions> options = change_options(request);
    if (!options) return options.error();
    const auto sources = sources_of(request);
    if (!sources) return sources.error();
    const Result<Applied> applied = controller_.apply(*sources, request.peer, *options);
    if (!applied) return applied.error();
    return json_response(json_of(*applied));
}

Result<ApiResponse> Api::remove_one(const ApiRequest& request, const Parts& parts) {
    const Result<ChangeOptions> options = change_options(request);
    if (!options) return options.error();
    const Result<ResourceId> id = id_of(parts);
    if (!id) return id.error();
    const Result<Applied> applied = controller_.remove(std::vector{*id}, request.peer, *options);
    if (!applied) return applied.error();
    return json_response(json_of(*applied));
}

Result<ApiResponse> Api::remove_named_in_files(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<ChangeOptions> options = change_options(request);
    if (!options) return options.error();
    const auto sources = sources_of(request);
    if (!sources) return sources.error();
    std::vector<ResourceId> ids;
    for (const loader::Source& source : *sources) {
        const Result<std::vector<Resource>> resources = loader::load_resources(source);
        if (!resources) return resources.error();
        for (const Resource& resource : *resources) ids.push_back(policy::id_of(resource));
    }
    const Result<Applied> applied = controller_.remove(ids, request.peer, *options);
    if (!applied) return applied.error();
    return json_response(json_of(*applied));
}

Result<ApiResponse> Api::promote(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<ChangeOptions> options = change_options(request);
    if (!options) return options.error();
    const Result<StagedName> wanted = staged_name(parse(request.body));
    if (!wanted) return wanted.error();
    const Result<ResourceId> staged = find_staged(*controller_.state().inventory, *wanted);
    if (!staged) return staged.error();
    const Result<Applied> applied = controller_.promote(*staged, request.peer, *options);
    if (!applied) return applied.error();
    return json_response(json_of(*applied));
}

Result<ApiResponse> Api::demote(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<ChangeOptions> options = change_options(request);
    if (!options) return options.error();
    const Result<StagedName> wanted = staged_name(parse(request.body));
    if (!wanted) return wanted.error();
    const Result<ResourceId> enforced = find_enforced(*controller_.state().inventory, *wanted);
    if (!enforced) return enforced.error();
    const Result<Applied> applied = controller_.demote(*enforced, request.peer, *options);
    if (!applied) return applied.error();
    return json_response(json_of(*applied));
}

Result<ApiResponse> Api::stage(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<ChangeOptions> options = change_options(request);
    if (!options) return options.error();
    const auto sources = sources_of(request);
    if (!sources) return sources.error();
    const Result<Applied> applied = controller_.stage(*sources, request.peer, *options);
    if (!applied) return applied.error();
    return json_response(json_of(*applied));
}

}  // namespace drywall::control
