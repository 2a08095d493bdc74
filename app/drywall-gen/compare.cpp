// compare: two reports of one command. 1: something got worse by more than both runs' own noise.
#include <fstream>
#include <sstream>

#include "measure.h"
#include "table.h"

namespace drywall::gen {

using cli::Exit;
using cli::Invocation;
using generate::Change;
using generate::Compared;
using generate::Comparison;
using generate::Json;

namespace {

Result<Json> read(const std::string& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    if (!in) return Error::of(ErrorKind::kUnavailable, file + " can't be read", "name what --report wrote");
    Json report = Json::parse(text.str(), nullptr, false);
    if (report.is_discarded()) return Error::of(ErrorKind::kInvalid, file + " is not JSON", "name what --report wrote");
    return report;
}

std::string text(const char* format, double value) {
    std::array<char, 40> out{};
    (void)std::snprintf(out.data(), out.size(), format, value);
    return out.data();
}

std::string text(const std::optional<double>& value) { return value ? generate::number_text(*value) : "-"; }

std::string percent(const Compared& one) {
    if (!one.before || !one.after || *one.before == 0) return "-";
    return text("%+.2f %%", 100 * (*one.after / *one.before - 1));
}

std::string table_of(const Comparison& comparison, bool color) {
    constexpr auto kRight = cli::Table::Align::kRight;
    cli::Table table({{"FIGURE"},
                      {"UNIT"},
                      {"BEFORE", kRight},
                      {"AFTER", kRight},
                      {"CHANGE", kRight},
                      {"NOISE", kRight},
                      {"SAMPLES", kRight},
                      {""}});
    for (const Compared& one : comparison.figures) {
        const cli::Color shade = one.change == Change::kWorse    ? cli::Color::kBad
                                 : one.change == Change::kBetter ? cli::Color::kGood
                                                                 : cli::Color::kPlain;
        table.add({{one.name},
                   {one.unit},
                   {text(one.before)},
                   {text(one.after)},
                   {percent(one)},
                   {text("%.2f %%", 100 * one.noise)},
                   {std::to_string(one.samples)},
                   {std::string(generate::name(one.change)), shade}});
    }
    std::string out = table.text(color);
    if (!comparison.differences.empty()) out += "\nNot measured alike:\n";
    for (const std::string& difference : comparison.differences) out += "  " + difference + "\n";
    return out;
}

Json json_of(const Comparison& comparison) {
    Json figures = Json::array();
    for (const Compared& one : comparison.figures)
        figures.push_back({{"name", one.name},
                           {"unit", one.unit},
                           {"before", one.before ? Json(*one.before) : Json(nullptr)},
                           {"after", one.after ? Json(*one.after) : Json(nullptr)},
                           {"noise", one.noise},
                           {"samples", one.samples},
                           {"change", generate::name(one.change)}});
    return {{"regressed", comparison.has_regressed()},
            {"figures", std::move(figures)},
            {"differences", comparison.differences}};
}

}  // namespace

void declare_compare(CLI::App& command, CompareOptions& options) {
    command.add_option("before", options.before, "A report as JSON (--report)")->required();
    command.add_option("after", options.after, "Another one, of the same command")->required();
}

Exit compare(const Invocation& invocation, const CompareOptions& options) {
    if (invocation.format != cli::Format::kTable && invocation.format != cli::Format::kJson) {
        invocation.err << "this is shown as table or json\n";
        return Exit::kUsage;
    }
    auto before = read(options.before);
    if (!before) return cli::report(invocation, before.error());
    auto after = read(options.after);
    if (!after) return cli::report(invocation, after.error());
    const auto compared = generate::compare(*before, *after);
    if (!compared) return cli::report(invocation, compared.error());
    invocation.out << (invocation.format == cli::Format::kJson ? json_of(*compared).dump(2) + "\n"
                                                               : table_of(*compared, invocation.color));
    return compared->has_regressed() ? Exit::kNegative : Exit::kOk;
}

}  // namespace drywall::gen
