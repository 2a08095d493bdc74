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

Status warm_up(generate::Generator& generator, const loader::TrafficProfile& profile) {
    if (profile.warm_up.count() == 0) return Done{};
    generate::TrialRequest request = generate::request_of(profile);
    request.duration = profile.warm_up;
    auto warm = generator.run(request, [](const generate::TrialView& /*view*/) { return !interrupted(); });
    if (!warm) return warm.error();
    return Done{};
}

// What the appliance counts is looked at between the warm-up and the trial, and after it.
struct Run {
    generate::TrialResult result;
    std::optional<generate::ApplianceReport> appliance;
};

Result<Run> run_once(generate::Generator& generator, const loader::TrafficProfile& profile, const std::string& socket,
                     LiveDisplay* display) {
    if (auto warm = warm_up(generator, profile); !warm) return warm.error();
    std::optional<ApplianceWatch> watch;
    if (!socket.empty()) {
        auto begun = ApplianceWatch::begin(socket);
        if (!begun) return begun.error();
        watch = *std::move(begun);
    }
    auto result = generator.run(generate::request_of(profile), [display](const generate::TrialView& view) {
        if (display != nullptr) display->look(view);
        return !interrupted();
    });
    if (!result) return result.error();
    Run run{*std::move(result), std::nullopt};
    if (!watch) return run;
    auto counts = watch->end();
    if (!counts) return counts.error();
    run.appliance = *std::move(counts);
    return run;
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
    const loader::TrafficProfile& profile = prepared->profile;
    for (const generate::RuleWithoutTraffic& rule : prepared->without)
        invocation.err << "no traffic for " << rule.rule << ": " << rule.why << '\n';
    auto bench = set_up(profile);
    if (!bench) return cli::report(invocation, bench.error());
    listen_for_interrupts();
    LiveDisplay display(invocation.err, profile, ::isatty(STDERR_FILENO) == 1);
    const std::string started = utc_now();
    const auto done = run_once(*bench->generator, profile, options.appliance, invocation.quiet ? nullptr : &display);
    if (!done) return cli::report(invocation, done.error());
    const generate::Json report =
        generate::report_of(done->result, generate::request_of(profile), fingerprint_of(profile, options),
                            done->appliance, prepared->without, started);
    if (!options.report.empty())
        if (auto written = write_file(options.report, report.dump(2) + "\n"); !written)
            return cli::report(invocation, written.error());
    invocation.out << (invocation.format == cli::Format::kJson ? report.dump(2) + "\n"
                                                               : tables_of(report, invocation.color));
    return options.strict && !generate::outcome_of(done->result).as_expected() ? Exit::kNegative : Exit::kOk;
}

}  // namespace drywall::gen
