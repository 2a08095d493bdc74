#include "drywall/generate/throughput_search.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace drywall::generate {

namespace {

using std::chrono::milliseconds;

// A phase counts only its own trials; what the phase before it found says where to begin.
struct Phase {
    milliseconds duration;
    double width;
    unsigned trials;
};

struct Bracket {
    std::optional<double> lower;
    std::optional<double> upper;
};

class Search {
public:
    Search(const SearchSettings& settings, const Measure& measure) : settings_(settings), measure_(measure) {}

    Result<SearchResult> run() {
        const std::vector<Phase> phases{{settings_.short_trial, std::max(settings_.width, kNear), 1},
                                        {settings_.trial, settings_.width, settings_.trials}};
        std::vector<Bracket> found(settings_.goals.size());
        for (const Phase& phase : phases) {
            loads_.clear();
            for (std::size_t goal = 0; goal < found.size() && !stopped_; ++goal)
                if (auto done = narrow(phase, goal, found[goal]); !done) return done.error();
        }
        SearchResult result;
        for (std::size_t goal = 0; goal < found.size(); ++goal)
            result.bounds.push_back(
                {settings_.goals[goal].name, settings_.goals[goal].loss_ratio, found[goal].lower, found[goal].upper});
        result.trials = std::move(trials_);
        result.stopped = stopped_;
        return result;
    }

private:
    static constexpr double kNear = 0.05;  // the first phase ends when it is so near

    // Of a load: how many of the phase's trials lost too much, and how many did not.
    struct Evidence {
        std::vector<double> losses;
        [[nodiscard]] std::optional<bool> holds(double loss_ratio, unsigned trials) const {
            const auto good = static_cast<std::size_t>(
                std::count_if(losses.begin(), losses.end(), [&](double loss) { return loss <= loss_ratio; }));
            const std::size_t bad = losses.size() - good;
            if (2 * good > trials) return true;
            if (2 * bad >= trials) return false;
            return std::nullopt;
        }
    };

    // The bounds of a goal until they are near enough. Replaces what the phase before it had found.
    Status narrow(const Phase& phase, std::size_t goal, Bracket& found) {
        const Bracket before = found;
        double stride = phase.width;  // how far the next look outside goes; doubles each time
        while (!stopped_) {
            found = bracket(phase, goal);
            const auto next = next_load(phase, before, found, stride);
            if (!next) return Done{};
            if (auto measured = measure_until_known(phase, goal, *next); !measured) return measured.error();
        }
        return Done{};
    }

    // A load above one that fails does not count (MLRsearch: the relevant bounds).
    [[nodiscard]] Bracket bracket(const Phase& phase, std::size_t goal) const {
        Bracket out;
        for (const auto& [load, evidence] : loads_) {
            const auto holds = evidence.holds(settings_.goals[goal].loss_ratio, phase.trials);
            if (!holds) continue;
            if (!*holds) {
                out.upper = load;
                break;
            }
            out.lower = load;
        }
        return out;
    }

    [[nodiscard]] std::optional<double> next_load(const Phase& phase, const Bracket& before, const Bracket& now,
                                                  double& stride) const {
        if (!now.lower && !now.upper) return before.lower.value_or(before.upper.value_or(settings_.most));
        if (!now.lower) return below(*now.upper, before, stride);
        if (!now.upper) return above(*now.lower, before, stride);
        if (*now.upper - *now.lower <= phase.width * *now.upper) return std::nullopt;
        return std::sqrt(*now.lower * *now.upper);
    }

    [[nodiscard]] std::optional<double> below(double upper, const Bracket& before, double& stride) const {
        if (upper <= settings_.least) return std::nullopt;
        if (before.lower && *before.lower < upper) return before.lower;
        const double hint = received_at(upper);
        double next = upper / (1 + stride);
        if (!before.lower && hint > 0 && hint < upper) next = std::min(next, hint);
        stride = std::min(2 * stride, 1.0);
        return std::max(settings_.least, next);
    }

    [[nodiscard]] std::optional<double> above(double lower, const Bracket& before, double& stride) const {
        if (lower >= settings_.most) return std::nullopt;
        if (before.upper && *before.upper > lower) return before.upper;
        const double next = std::min(settings_.most, lower * (1 + stride));
        stride = std::min(2 * stride, 1.0);
        return next;
    }

    // What arrived per second in the last trial at a load: near the goal when a load is far above it.
    [[nodiscard]] double received_at(double load) const {
        for (auto trial = trials_.rbegin(); trial != trials_.rend(); ++trial)
            if (trial->rate == load) return load * (1 - trial->measured.failure_ratio());
        return 0;
    }

    Status measure_until_known(const Phase& phase, std::size_t goal, double load) {
        Evidence& evidence = loads_[load];
        while (!stopped_ && !evidence.holds(settings_.goals[goal].loss_ratio, phase.trials)) {
            auto measured = measure_(load, phase.duration);
            if (!measured) return measured.error();
            trials_.push_back({load, std::chrono::duration<double>(phase.duration).count(), *measured});
            stopped_ = measured->stopped;
            if (!stopped_) evidence.losses.push_back(measured->failure_ratio());
        }
        return Done{};
    }

    const SearchSettings& settings_;
    const Measure& measure_;
    std::map<double, Evidence> loads_;  // of the phase at hand
    std::vector<SearchTrial> trials_;   // of all
    bool stopped_ = false;
};

}  // namespace

Result<SearchResult> search_throughput(const SearchSettings& settings, const Measure& measure) {
    return Search(settings, measure).run();
}

}  // namespace drywall::generate
