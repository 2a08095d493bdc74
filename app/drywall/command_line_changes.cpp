// Commands that change what is in force.
#include "command_line.h"

namespace drywall::cli {

void add_change_options(CLI::App& command, ChangeArguments& change) {
    command.add_option("--if-generation", change.if_generation, "Do it only if this generation is in force");
    command.add_option("--comment", change.comment, "Why; kept with the generation");
    command.add_option("--existing", change.existing, "Open connections: recheck, keep or reset")
        ->check(CLI::IsMember({"recheck", "keep", "reset"}));
    add_guard_options(command, change.guard);
}

void add_changes(CommandLine& line) {
    const auto formats = {Format::kJson, Format::kName};
    auto [apply_command, a] =
        line.add<ApplyArguments>("apply", "Create or replace resources: all of them, or none", formats, &apply);
    apply_command.add_option("-f,--filename", a.files, "File, directory, or - for standard input")->required();
    add_change_options(apply_command, a.change);

    auto [delete_command, d] =
        line.add<ObjectArguments>("delete", "Delete resources: all of them, or none", formats, &remove);
    delete_command.add_option("kind", d.kind, "Kind or short name, or KIND/NAME");
    delete_command.add_option("name", d.name, "Name, or NAMESPACE/NAME");
    delete_command.add_option("-n,--namespace", d.ns, "Namespace");
    delete_command.add_option("-f,--filename", d.files, "Delete what these files describe");
    add_change_options(delete_command, d.change);

    auto [promote_command, p] = line.add<PromoteArguments>("promote", "Enforce a staged policy", formats, &promote);
    promote_command.add_option("name", p.name, "Name of the staged policy, KIND/NAME or KIND/NAMESPACE/NAME")
        ->required();
    promote_command.add_option("--kind", p.kind, "Its kind, where the name is not enough (sgnp, snp, sknp)");
    promote_command.add_option("-n,--namespace", p.ns, "Its namespace, where the name is not enough");
    add_change_options(promote_command, p.change);
}

}  // namespace drywall::cli
