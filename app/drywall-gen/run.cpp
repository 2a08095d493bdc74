#include "run.h"

#include <optional>

#include <unistd.h>

#include "appliance_counts.h"
#include "bench.h"
#include "display.h"
#include "drywall/generate/report.h"

namespace drywall::gen {

using cli::Exit;
using cli::Invocation;

namespace {

Result<generate::TrialResult> measure(generate::Generator& generator, const loader::TrafficProfile& profile,
                                      const generate::TrialRequest& request, LiveDisplay* display) {
    if (profile.warm_up.count() > 0) {
        generate::TrialRequest warm_up = request;
        warm_up.duration = profile.warm_up;
        auto warm = generator.run(warm_up, [](const generate::TrialView& /*view*/) { return !interrupted(); });
        if (!warm) return warm;
    }
    return generator.run(request, [display](const generate::TrialView& view) {
        if (display != nullptr) display->look(view);
        return !interrupted();
    });
}

}  // namespace

Exit run(const Invocation& invocation, const Options& options) {
    if (invocation.format != cli::Format::kTable && invocation.format != cli::Format::kJson) {
        invocation.err << "this is shown as table or json\n";
        return Exit::kUsage;
    }
    const auto prepared = prepare(options);
    if (!prepared) {
        cli::report(invocation, prepared.error());
        return Exit::kInvalid;
    }
    for (const generate::RuleWithoutTraffic& rule : prepared->without)
        invocation.err << "no traffic for " << rule.rule << ": " << rule.why << '\n';
    const loader::TrafficProfile* profile = &prepared->profile;
    auto bench = set_up(*profile);
    if (!bench) return cli::report(invocation, bench.error());
    std::optional<ApplianceWatch> watch;
    if (!options.appliance.empty()) {
        auto begun = ApplianceWatch::begin(options.appliance);
        if (!begun) return cli::report(invocation, begun.error());
        watch = *std::move(begun);
    }
    listen_for_interrupts();
    LiveDisplay display(invocation.err, *profile, ::isatty(STDERR_FILENO) == 1);
    const generate::TrialRequest request = generate::request_of(*profile);
    const std::string started = utc_now();
    auto result = measure(*bench->generator, *profile, request, invocation.quiet ? nullptr : &display);
    if (!result) return cli::report(invocation, result.error());
    std::optional<generate::ApplianceReport> appliance;
    if (watch) {
        auto counts = watch->end();
        if (!counts) return cli::report(invocation, counts.error());
        appliance = *std::move(counts);
    }
    const generate::Json report =
        generate::report_of(*result, request, fingerprint_of(*profile, options), appliance, prepared->without, started);
    if (!options.report.empty())
        if (auto written = write_file(options.report, report.dump(2) + "\n"); !written)
            return cli::report(invocation, written.error());
    invocation.out << (invocation.format == cli::Format::kJson ? report.dump(2) + "\n"
                                                               : tables_of(report, invocation.color));
    return options.strict && !generate::outcome_of(*result).as_expected() ? Exit::kNegative : Exit::kOk;
}

}  // namespace drywall::gen
