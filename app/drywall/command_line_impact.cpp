// Commands between rehearsing and enforcing: stage, demote, impact, check, review.
#include "command_line.h"
#include "commands_impact.h"

namespace drywall::cli {

namespace {

void add_staged(CLI::App& command, StagedArguments& policy) {
    command.add_option("name", policy.name, "Name of the staged policy, KIND/NAME or KIND/NAMESPACE/NAME");
    command.add_option("--kind", policy.kind, "Its kind, where the name is not enough (sgnp, snp, sknp)");
    command.add_option("-n,--namespace", policy.ns, "Its namespace, where the name is not enough");
    command.add_flag("--all", policy.all, "Everything that is staged");
}

}  // namespace

void add_staging(CommandLine& line) {
    const auto written = {Format::kJson, Format::kName};
    auto [stage_command, s] =
        line.add<ApplyArguments>("stage", "Apply resources, with policies turned into staged ones", written, &stage);
    stage_command.add_option("-f,--filename", s.files, "File, directory, or - for standard input")->required();
    add_change_options(stage_command, s.change);

    auto [demote_command, d] = line.add<PromoteArguments>(
        "demote", "Stage an enforced policy again; it is not enforced any more", written, &demote);
    demote_command.add_option("name", d.name, "Name of the enforced policy, KIND/NAME or KIND/NAMESPACE/NAME")
        ->required();
    demote_command.add_option("--kind", d.kind, "Its kind, where the name is not enough (gnp, np, knp)");
    demote_command.add_option("-n,--namespace", d.ns, "Its namespace, where the name is not enough");
    add_change_options(demote_command, d.change);
}

void add_impact(CommandLine& line) {
    auto [impact_command, i] = line.add<ImpactArguments>(
        "impact", "Show what promoting would do to recorded connections", {Format::kJson}, &impact);
    add_staged(impact_command, i.policy);
    impact_command.add_option("--since", i.since, "Only what was seen since then: 10m, 26h, or a time");
    impact_command.add_option("--limit", i.limit, "At most so many groups")->check(CLI::Range(1, 10000));

    auto [check_command, c] =
        line.add<CheckArguments>("check", "Say whether promoting is safe", {Format::kJson}, &check_promote);
    check_command.add_option("what", c.what, "promote")->required()->check(CLI::IsMember({"promote"}));
    add_staged(check_command, c.policy);
    check_command.add_option("--min-time", c.min_time, "Observed for so long since the last edit (default: 24h)");
    check_command.add_option("--min-connections", c.min_connections, "That the policy decided (default: 1000)");
    check_command.add_option("--ack", c.acknowledged, "Number of a flow that may be denied")->allow_extra_args(false);
    check_command.add_option("--limit", c.limit, "At most so many groups")->check(CLI::Range(1, 10000));

    auto [review_command, r] =
        line.add<ReviewArguments>("review", "Show what can be cleaned up", {Format::kJson}, &review);
    review_command.add_option("what", r.what, "unused, shadowed, safety-net or empty-selectors")
        ->required()
        ->check(CLI::IsMember({"unused", "shadowed", "safety-net", "empty-selectors"}));
}

}  // namespace drywall::cli
