#include "offline.h"

#include <iterator>
#include <limits>
#include <utility>

#include "drywall/explain/requests.h"
#include "drywall/store/generation_store.h"

namespace drywall::cli {

namespace {

// A script tells a wrong input by one exit code, whether the file is wrong or not there.
Error as_invalid(Error error) {
    error.kind = ErrorKind::kInvalid;
    return error;
}

}  // namespace

Result<std::vector<loader::Source>> read_all(const std::vector<std::string>& files) {
    std::vector<loader::Source> all;
    Error wrong{ErrorKind::kInvalid, {}};
    for (const std::string& file : files) {
        Result<std::vector<loader::Source>> sources = loader::read_sources(file);
        if (!sources) {
            const std::vector<Complaint>& complaints = sources.error().complaints;
            wrong.complaints.insert(wrong.complaints.end(), complaints.begin(), complaints.end());
            continue;
        }
        std::move(sources->begin(), sources->end(), std::back_inserter(all));
    }
    if (!wrong.complaints.empty()) return wrong;
    return all;
}

// In pieces that are no larger than a file may be.
Result<std::vector<loader::Source>> resources_of_backup(const std::string& file) {
    constexpr std::size_t kPiece = loader::kMaxSourceBytes / 4;
    Result<std::unique_ptr<store::GenerationStore>> store = store::GenerationStore::open_backup(file);
    if (!store) return store.error();
    const auto last = (*store)->in_force();
    if (!last) return last.error();
    const auto pending = (*store)->pending();
    if (!pending) return pending.error();
    if (!*last)
        return Error::of(ErrorKind::kInvalid, file + " holds no generation", "name a file that `drywall backup` wrote");
    const bool unconfirmed = *pending && (*pending)->generation == (*last)->number;
    const Generation number = unconfirmed ? (*pending)->previous : (*last)->number;
    const auto documents = (*store)->documents(number);
    if (!documents) return documents.error();
    const std::string name = "generation " + std::to_string(index(number)) + " of " + file;
    std::vector<loader::Source> sources{{name, {}}};
    for (const store::StoredDocument& document : *documents) {
        if (sources.back().text.size() > kPiece)
            sources.push_back({name + ", part " + std::to_string(sources.size() + 1), {}});
        sources.back().text += "---\n" + document.text;
    }
    return sources;
}

std::string told(std::string_view severity, const Complaint& complaint, const std::vector<loader::Source>& sources) {
    const std::string place = complaint.place.text();
    std::string out = place.empty() ? std::string() : place + ": ";
    out.append(severity).append(": ").append(complaint.message).append("\n");
    out += loader::excerpt(sources, complaint);
    if (!complaint.hint.empty()) out += "  " + complaint.hint + '\n';
    return out;
}

Result<loader::Settings> read_settings(const std::string& file) {
    if (file.empty()) return loader::settings_for_questions();
    Result<std::vector<loader::Source>> sources = loader::read_sources(file);
    if (!sources) return as_invalid(std::move(sources).error());
    if (sources->size() != 1)
        return Error::invalid({file, 0, 0}, "the configuration is one file", "name it with --config");
    return loader::load_settings(sources->front(), loader::Purpose::kQuestions);
}

Result<explain::Site> read_site(const std::vector<std::string>& files, const std::string& config) {
    const Result<loader::Settings> settings = read_settings(config);
    if (!settings) return settings.error();
    const Result<std::vector<loader::Source>> sources = read_all(files);
    if (!sources) return sources.error();
    Result<explain::Site> site = explain::build_site(*sources, *settings);
    if (!site) return as_invalid(std::move(site).error());
    return site;
}

Result<Json> matrix_of_files(const std::vector<std::string>& files, const std::string& config, const Query& query) {
    constexpr std::size_t kEveryRow = std::numeric_limits<std::size_t>::max();
    Result<explain::MatrixRequest> asked = explain::matrix_request(query, kEveryRow);
    if (!asked) return asked.error();
    if (!query.contains("limit")) asked->query.max_endpoints = kEveryRow;
    const Result<explain::Site> site = read_site(files, config);
    if (!site) return site.error();
    return explain::json_of(explain::connectivity(*site->ruleset, asked->query), asked->view);
}

Result<Json> trace_of_files(const std::vector<std::string>& files, const std::string& config, const Query& query) {
    const Result<explain::TraceQuery> asked = explain::trace_request(query);
    if (!asked) return asked.error();
    const Result<explain::Site> site = read_site(files, config);
    if (!site) return site.error();
    const Result<explain::TraceAnswer> answer = explain::explain(*site->ruleset, *asked, site->inventory.get());
    if (!answer) return answer.error();
    return explain::json_of(*answer);
}

}  // namespace drywall::cli
