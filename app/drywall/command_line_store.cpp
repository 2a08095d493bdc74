// Commands about generations: what is kept of them, and the way back.
#include "command_line.h"
#include "commands.h"
#include "commands_impact.h"

namespace drywall::cli {

namespace {

struct DiffOptions : DiffArguments {
    bool semantic = false;
    SemanticDiffArguments regions;
};

// The same generations and files, by their text or by the packets that are decided otherwise.
Exit diff_of(const Invocation& invocation, const DiffOptions& options) {
    if (!options.semantic) return diff(invocation, options);
    SemanticDiffArguments arguments = options.regions;
    arguments.files = options.files;
    if (!options.generations.empty()) arguments.from = options.generations.front();
    if (options.generations.size() == 2) arguments.to = options.generations.back();
    return semantic_diff(invocation, arguments);
}

}  // namespace

void add_store(CommandLine& line) {
    auto [history_command, h] =
        line.add<HistoryArguments>("history", "Show the generations that are kept", {Format::kJson}, &history);
    history_command.add_option("--limit", h.limit, "At most so many")->check(CLI::Range(1, 10000));
    history_command.add_flag("--audit", h.audit, "Every request for a change instead, also what was refused");

    auto [diff_command, d] = line.add<DiffOptions>("diff", "Show what differs between generations, or from files",
                                                   {Format::kJson}, &diff_of);
    diff_command.add_option("generations", d.generations, "FROM and TO (default: the last change)")->expected(0, 2);
    diff_command.add_option("-f,--filename", d.files, "What applying these files would change")
        ->allow_extra_args(false);
    auto* semantic = diff_command.add_flag("--semantic", d.semantic, "By the packets that are decided otherwise");
    diff_command.add_option("--base", d.regions.base, "With -f: compare with these files, without a daemon")
        ->allow_extra_args(false)
        ->needs(semantic);
    diff_command.add_option("--config", d.regions.config, "With --base: the appliance's configuration");
    diff_command.add_option("--limit", d.regions.limit, "At most so many regions")
        ->check(CLI::Range(1, 10000))
        ->needs(semantic);

    const auto formats = {Format::kJson, Format::kName};
    auto [rollback_command, r] = line.add<RollbackArguments>(
        "rollback", "Bring a kept generation's resources back, as a new generation", formats, &rollback);
    rollback_command.add_option("generation", r.generation, "Its number; `drywall history` lists them")
        ->required()
        ->check(CLI::Validator(
            [](const std::string& text) {
                const bool number = text.find_first_not_of("0123456789") == std::string::npos && text != "0";
                return number ? std::string() : '\'' + text + "' is no generation; `drywall history` lists them";
            },
            "GENERATION"));
    add_change_options(rollback_command, r.change);

    auto [backup_command, b] =
        line.add<BackupArguments>("backup", "Write everything that is kept into one file", {}, &backup);
    backup_command.add_option("file", b.file, "The file")->required();

    auto [restore_command, s] = line.add<RestoreArguments>(
        "restore", "Make the resources of a backup all there are, as one change", formats, &restore);
    restore_command.add_option("file", s.file, "A file that `drywall backup` wrote")->required();
    add_change_options(restore_command, s.change);
}

}  // namespace drywall::cli
