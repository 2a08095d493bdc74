#include "drywall/generate/figure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace drywall::generate {

namespace {

// Linear between the two nearest, as most do it (type 7 of Hyndman and Fan).
double quantile(const std::vector<double>& sorted, double share) {
    const double at = share * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

struct Read {
    std::string unit;
    Better better = Better::kHigher;
    double resolution = 0;
    Spread spread;
    unsigned samples = 0;

    // Relative to the median.
    [[nodiscard]] double half_range() const {
        return spread.median == 0 ? 0 : (spread.greatest - spread.least) / 2 / std::abs(spread.median);
    }
    [[nodiscard]] double lowest() const { return spread.least - resolution * std::abs(spread.least); }
    [[nodiscard]] double highest() const { return spread.greatest + resolution * std::abs(spread.greatest); }
};

Read read(const Json& figure) {
    std::vector<double> samples = figure.at("samples").get<std::vector<double>>();
    if (samples.empty()) throw Json::other_error::create(501, "a figure without samples", &figure);
    const auto count = static_cast<unsigned>(samples.size());
    return {figure.at("unit").get<std::string>(),
            figure.at("better").get<std::string>() == "lower" ? Better::kLower : Better::kHigher,
            figure.at("resolution").get<double>(), spread_of(std::move(samples)), count};
}

const Json* find(const Json& figures, const std::string& name) {
    for (const Json& figure : figures)
        if (figure.at("name") == name) return &figure;
    return nullptr;
}

Compared compare_figure(const std::string& name, const Read& before, const Read& after) {
    Compared out{name, before.unit, before.spread.median, after.spread.median};
    out.noise = std::max(before.half_range(), after.half_range()) + std::max(before.resolution, after.resolution);
    out.samples = std::min(before.samples, after.samples);
    const bool higher = after.lowest() > before.highest();
    const bool lower = after.highest() < before.lowest();
    if (higher || lower) out.change = (before.better == Better::kHigher) == higher ? Change::kBetter : Change::kWorse;
    return out;
}

// Everything in the fingerprints that is not equal, but for the program's own version: that is what is compared.
std::vector<std::string> differences(const Json& before, const Json& after) {
    std::vector<std::string> out;
    const Json flat_before = before.at("fingerprint").flatten();
    const Json flat_after = after.at("fingerprint").flatten();
    for (const auto& [key, value] : flat_before.items()) {
        const auto other = flat_after.find(key);
        if (other == flat_after.end())
            out.push_back(key.substr(1) + ": " + value.dump() + " before, nothing after");
        else if (*other != value)
            out.push_back(key.substr(1) + ": " + value.dump() + " before, " + other->dump() + " after");
    }
    for (const auto& [key, value] : flat_after.items())
        if (!flat_before.contains(key)) out.push_back(key.substr(1) + ": nothing before, " + value.dump() + " after");
    return out;
}

Comparison compare_figures(const Json& before, const Json& after) {
    Comparison out;
    out.differences = differences(before, after);
    for (const Json& figure : before.at("figures")) {
        const auto name = figure.at("name").get<std::string>();
        const Read first = read(figure);
        const Json* other = find(after.at("figures"), name);
        if (other == nullptr)
            out.figures.push_back(
                {name, first.unit, first.spread.median, std::nullopt, 0, Change::kOnlyBefore, first.samples});
        else
            out.figures.push_back(compare_figure(name, first, read(*other)));
    }
    for (const Json& figure : after.at("figures")) {
        const auto name = figure.at("name").get<std::string>();
        if (find(before.at("figures"), name) != nullptr) continue;
        const Read second = read(figure);
        out.figures.push_back(
            {name, second.unit, std::nullopt, second.spread.median, 0, Change::kOnlyAfter, second.samples});
    }
    return out;
}

}  // namespace

Spread spread_of(std::vector<double> samples) {
    std::sort(samples.begin(), samples.end());
    return {quantile(samples, 0.5), quantile(samples, 0.25), quantile(samples, 0.75),
            samples.front(),        samples.back(),          1 - std::exp2(1 - static_cast<double>(samples.size()))};
}

Json json_of(const Figure& figure) {
    const Spread spread = spread_of(figure.samples);
    return {{"name", figure.name},
            {"unit", figure.unit},
            {"better", figure.better == Better::kHigher ? "higher" : "lower"},
            {"resolution", figure.resolution},
            {"samples", figure.samples},
            {"median", spread.median},
            {"lower_quartile", spread.lower_quartile},
            {"upper_quartile", spread.upper_quartile},
            {"least", spread.least},
            {"greatest", spread.greatest},
            {"confidence", spread.confidence}};
}

std::string number_text(double value) {
    std::array<char, 40> text{};
    (void)std::snprintf(text.data(), text.size(), "%.6g", value);
    return text.data();
}

std::string_view name(Change change) noexcept {
    switch (change) {
        case Change::kSame: return "same";
        case Change::kBetter: return "better";
        case Change::kWorse: return "worse";
        case Change::kOnlyBefore: return "only before";
        case Change::kOnlyAfter: return "only after";
    }
    return "?";
}

bool Comparison::has_regressed() const noexcept {
    return std::any_of(figures.begin(), figures.end(),
                       [](const Compared& figure) { return figure.change == Change::kWorse; });
}

Result<Comparison> compare(const Json& before, const Json& after) {
    try {
        if (before.at("command") != after.at("command"))
            return Error::of(ErrorKind::kInvalid,
                             "a report of `" + before.at("command").get<std::string>() + "` and one of `" +
                                 after.at("command").get<std::string>() + "` have nothing in common",
                             "compare reports of one command");
        return compare_figures(before, after);
    } catch (const Json::exception& error) {
        return Error::of(ErrorKind::kInvalid, std::string("this is no report with figures: ") + error.what(),
                         "compare what ndr, rate, latency, cps, soak or swap wrote with --report");
    }
}

}  // namespace drywall::generate
