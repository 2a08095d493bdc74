#include "api.h"
#include "api_requests.h"
#include "drywall/explain/parameters.h"
#include "json.h"
#include "json_store.h"
#include "text_diff.h"

namespace drywall::control {

namespace {

constexpr std::uint64_t kMostRecords = 10'000;
constexpr std::uint64_t kUsualRecords = 100;

std::string shown_generation(Generation generation) { return "generation " + std::to_string(index(generation)); }

Result<Generation> generation_named(const std::string& text) {
    const std::optional<std::uint64_t> number = explain::parse_number(text);
    if (number && *number > 0) return static_cast<Generation>(*number);
    return Error::of(ErrorKind::kInvalid, "'" + text + "' is no generation",
                     "give a number; `drywall history` lists them");
}

// {"generation": 41}
Result<Generation> generation_in(const std::string& body) {
    const Json wanted = Json::parse(body, nullptr, false);
    if (wanted.is_object() && wanted.contains("generation") && wanted["generation"].is_number_unsigned())
        return generation_named(std::to_string(wanted["generation"].get<std::uint64_t>()));
    return Error::of(ErrorKind::kInvalid, "the request names no generation", R"(send {"generation": 41})");
}

Json diff_answer(std::uint64_t from, std::uint64_t to, const std::vector<ResourceDiff>& diffs) {
    return {{"from", from}, {"to", to}, {"differs", !diffs.empty()}, {"changes", json_of(diffs)}};
}

}  // namespace

Result<ApiResponse> Api::generations(const ApiRequest& request, const Parts& /*parts*/) {
    const auto limit = explain::number_parameter(request.query, "limit", kUsualRecords, kMostRecords);
    if (!limit) return limit.error();
    const Result<store::GenerationStore*> store = controller_.store();
    if (!store) return store.error();
    const auto records = (*store)->history(*limit);
    if (!records) return records.error();
    Json all = Json::array();
    for (const store::GenerationRecord& record : *records) all.push_back(json_of(record));
    const GuardView guard = controller_.guard();
    const bool waits = guard.confirmation == ConfirmationState::kArmed;
    return json_response({{"in_force", index(controller_.generation())},
                          {"waits", waits ? Json(index(guard.change->generation)) : Json(nullptr)},
                          {"generations", std::move(all)}});
}

Result<ApiResponse> Api::generation(const ApiRequest& /*request*/, const Parts& parts) {
    const Result<Generation> number = generation_named(parts.front());
    if (!number) return number.error();
    const Result<store::GenerationStore*> store = controller_.store();
    if (!store) return store.error();
    const auto record = (*store)->generation(*number);
    if (!record) return record.error();
    return json_response(json_of(*record));
}

Result<ApiResponse> Api::generation_resources(const ApiRequest& /*request*/, const Parts& parts) {
    const Result<Generation> number = generation_named(parts.front());
    if (!number) return number.error();
    const Result<policy::Inventory> content = controller_.content(*number);
    if (!content) return content.error();
    ApiResponse response;
    response.content_type = "application/yaml";
    for (const auto& [id, resource] : *content)
        response.body += (response.body.empty() ? "" : "---\n") + loader::to_yaml(*resource);
    return response;
}

Result<ApiResponse> Api::audit(const ApiRequest& request, const Parts& /*parts*/) {
    const auto limit = explain::number_parameter(request.query, "limit", kUsualRecords, kMostRecords);
    if (!limit) return limit.error();
    const auto before = explain::number_parameter(request.query, "before", 0, INT64_MAX);
    if (!before) return before.error();
    const Result<store::GenerationStore*> store = controller_.store();
    if (!store) return store.error();
    const auto entries = (*store)->audit(*limit, static_cast<std::int64_t>(*before));
    if (!entries) return entries.error();
    Json all = Json::array();
    for (const store::AuditEntry& entry : *entries) all.push_back(json_of(entry));
    return json_response({{"entries", std::move(all)}});
}

// Without `to`: what is in force. Without `from`: what `to` was made from.
Result<ApiResponse> Api::diff(const ApiRequest& request, const Parts& /*parts*/) {
    const std::string to_text = explain::text_parameter(request.query, "to");
    const std::string from_text = explain::text_parameter(request.query, "from");
    Result<Generation> to = to_text.empty() ? Result<Generation>(controller_.generation()) : generation_named(to_text);
    if (!to) return to.error();
    Result<Generation> from = Generation{};
    if (!from_text.empty()) {
        from = generation_named(from_text);
    } else {
        const Result<store::GenerationStore*> store = controller_.store();
        if (!store) return store.error();
        const auto record = (*store)->generation(*to);
        from = record ? Result<Generation>(record->before) : record.error();
    }
    if (!from) return from.error();
    // Before the first generation there was nothing.
    const Result<policy::Inventory> before =
        *from == Generation{} ? Result<policy::Inventory>(policy::Inventory{}) : controller_.content(*from);
    if (!before) return before.error();
    const Result<policy::Inventory> after = controller_.content(*to);
    if (!after) return after.error();
    return json_response(diff_answer(index(*from), index(*to),
                                     resource_diffs(*before, shown_generation(*from), *after, shown_generation(*to))));
}

Result<ApiResponse> Api::diff_candidate(const ApiRequest& request, const Parts& /*parts*/) {
    const auto sources = sources_of(request);
    if (!sources) return sources.error();
    const State now = controller_.state();
    const Result<policy::Inventory> wanted = controller_.candidate(*sources);
    if (!wanted) return wanted.error();
    const Generation generation = now.ruleset->generation();
    return json_response(diff_answer(
        index(generation), 0, resource_diffs(*now.inventory, shown_generation(generation), *wanted, "these files")));
}

Result<ApiResponse> Api::rollback(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<ChangeOptions> options = change_options(request);
    if (!options) return options.error();
    const Result<Generation> to = generation_in(request.body);
    if (!to) return to.error();
    const Result<Applied> applied = controller_.rollback(*to, request.peer, *options);
    if (!applied) return applied.error();
    return json_response(json_of(*applied));
}

Result<ApiResponse> Api::restore(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<ChangeOptions> options = change_options(request);
    if (!options) return options.error();
    const auto sources = sources_of(request);
    if (!sources) return sources.error();
    const Result<Applied> applied = controller_.restore(*sources, request.peer, *options);
    if (!applied) return applied.error();
    return json_response(json_of(*applied));
}

Result<ApiResponse> Api::backup(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    const Result<store::GenerationStore*> store = controller_.store();
    if (!store) return store.error();
    const auto image = (*store)->backup();
    if (!image) return image.error();
    ApiResponse response;
    response.content_type = "application/vnd.sqlite3";
    response.body.assign(reinterpret_cast<const char*>(image->data()), image->size());
    return response;
}

}  // namespace drywall::control
