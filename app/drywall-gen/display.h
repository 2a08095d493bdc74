// What people see: a line for each stream once a second while a trial runs, and the report as tables at its end.
//
// Threads: one.
#pragma once

#include <chrono>
#include <ostream>
#include <string>

#include "drywall/generate/report.h"
#include "drywall/generate/trial.h"
#include "drywall/loader/traffic_profile.h"

namespace drywall::gen {

class LiveDisplay {
public:
    // At a terminal the lines of a second take the place of those before it.
    LiveDisplay(std::ostream& out, const loader::TrafficProfile& profile, bool terminal)
        : out_(out), profile_(profile), terminal_(terminal) {}

    // Shown when a second has passed since the last that was.
    void look(const generate::TrialView& view);

private:
    void show(const generate::TrialView& view);

    std::ostream& out_;
    const loader::TrafficProfile& profile_;
    bool terminal_;
    std::size_t lines_ = 0;  // that stand above the cursor
    generate::TrialView last_;
};

// `report` is report_of()'s.
[[nodiscard]] std::string tables_of(const generate::Json& report, bool color);

// 14880952 -> "14.88 M"
[[nodiscard]] std::string short_number(double value);

}  // namespace drywall::gen
