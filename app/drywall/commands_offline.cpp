#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "commands.h"
#include "drywall/explain/eval.h"
#include "drywall/explain/selector_query.h"
#include "drywall/explain/validate.h"
#include "drywall/reference/evaluator.h"
#include "offline.h"

namespace drywall::cli {

namespace {

constexpr std::size_t kBatchBytes = std::size_t{64} << 10;

// Lines in, lines out, in order. What was answered is written when enough has come together, or when the one who asks
// has nothing more to read just now: a program may wait for an answer before it asks again.
void answer_lines(std::istream& in, std::ostream& out, const std::function<void(std::string_view, std::string&)>& ask) {
    std::string line;
    std::string answers;
    while (out && std::getline(in, line)) {
        ask(line, answers);
        if (answers.size() < kBatchBytes && in.rdbuf()->in_avail() > 0) continue;
        out << answers << std::flush;
        answers.clear();
    }
    out << answers << std::flush;
}

// Walks policies one by one, without the compiled tables: slow, and there to compare with.
explain::Evaluation by_reference(const explain::Site& site) {
    auto evaluator = std::make_shared<const reference::Evaluator>(*site.inventory, site.ruleset->surroundings());
    return explain::Evaluation(site, [evaluator](const net::Tuple& tuple, const reference::ConnectionFacts& facts) {
        return evaluator->judge(tuple, facts);
    });
}

Exit ask_lines(const Invocation& invocation, const std::string& file,
               const std::function<void(std::string_view, std::string&)>& ask) {
    if (file == "-") {
        answer_lines(invocation.in, invocation.out, ask);
        return Exit::kOk;
    }
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        invocation.err << file << ": can't be read\n";
        return Exit::kInvalid;
    }
    answer_lines(in, invocation.out, ask);
    return Exit::kOk;
}

Json json_of(const explain::Problem& problem) {
    const Complaint& complaint = problem.complaint;
    const std::string hint = complaint.hint.empty() ? std::string() : "; " + complaint.hint;
    return {{"file", complaint.place.file},        {"line", complaint.place.line},
            {"column", complaint.place.column},    {"severity", name(problem.severity)},
            {"message", complaint.message + hint}, {"kind", complaint.about.kind},
            {"namespace", complaint.about.ns},     {"name", complaint.about.name}};
}

std::string counted(std::size_t count, const std::string& what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

void show(const Invocation& invocation, const std::vector<explain::Problem>& problems,
          const std::vector<loader::Source>& sources, std::size_t errors) {
    if (invocation.format == Format::kJson) {
        Json list = Json::array();
        for (const explain::Problem& problem : problems) list.push_back(json_of(problem));
        invocation.out << list.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
        return;
    }
    for (const explain::Problem& problem : problems)
        invocation.out << told(name(problem.severity), problem.complaint, sources);
    if (!invocation.quiet)
        invocation.err << counted(sources.size(), "file") << ": " << counted(errors, "error") << ", "
                       << counted(problems.size() - errors, "warning") << '\n';
}

}  // namespace

Exit validate(const Invocation& invocation, const ValidateArguments& arguments) {
    const Result<loader::Settings> settings = read_settings(arguments.config);
    if (!settings) return report(invocation, settings.error());
    std::vector<explain::Problem> problems;
    std::vector<loader::Source> sources;
    for (const std::string& file : arguments.files) {
        Result<std::vector<loader::Source>> read = read_all({file});
        if (!read) {
            for (const Complaint& complaint : read.error().complaints)
                problems.push_back({explain::Severity::kError, complaint});
            continue;
        }
        for (loader::Source& source : *read) sources.push_back(std::move(source));
    }
    if (!sources.empty())
        for (explain::Problem& problem : explain::validate(sources, *settings)) problems.push_back(std::move(problem));
    std::size_t errors = 0;
    for (const explain::Problem& problem : problems) errors += problem.severity == explain::Severity::kError ? 1U : 0U;
    show(invocation, problems, sources, errors);
    return errors == 0 ? Exit::kOk : Exit::kInvalid;
}

Exit eval(const Invocation& invocation, const EvalArguments& arguments) {
    const bool files_from_input =
        std::find(arguments.files.begin(), arguments.files.end(), "-") != arguments.files.end();
    if (arguments.queries == "-" && files_from_input) {
        invocation.err << "resources and queries can't both come from standard input; name a file for one of them\n";
        return Exit::kUsage;
    }
    const Result<explain::Site> site = read_site(arguments.files, arguments.config);
    if (!site) return report(invocation, site.error());
    explain::Evaluation evaluation = arguments.engine == "reference" ? by_reference(*site) : explain::Evaluation(*site);
    return ask_lines(invocation, arguments.queries,
                     [&](std::string_view line, std::string& out) { evaluation.answer(line, out); });
}

Exit selector(const Invocation& invocation, const SelectorArguments& arguments) {
    return ask_lines(invocation, arguments.queries, explain::answer_selector);
}

}  // namespace drywall::cli
