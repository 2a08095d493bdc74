// Commands about what would happen.
#include "command_line.h"
#include "commands_whatif.h"

namespace drywall::cli {

void add_whatif(CommandLine& line) {
    const std::string config = "The appliance's configuration; every key has a default";
    auto [replay_command, r] =
        line.add<ReplayArguments>("replay", "Put recorded packets or flows through policies in files",
                                  {Format::kJson, Format::kJsonLines}, &replay);
    replay_command.add_option("-f,--filename", r.files, "The policies: file, directory, or - for standard input")
        ->required();
    replay_command.add_option("--config", r.config, config);
    auto* captures = replay_command.add_option("--pcap", r.captures, "Recorded packets: pcap or pcapng, several files");
    replay_command.add_option("--in", r.ports, "The port where they entered, for each file; or INTERFACE=PORT")
        ->needs(captures);
    replay_command
        .add_option("--flows", r.flows, "Recorded flows: a file, or since when drywalld's are asked for (24h)")
        ->excludes(captures);
    replay_command.add_option("--write", r.write_to, "Write the packets that pass to this pcap file")->needs(captures);
    replay_command.add_flag("--until-damage", r.until_damage, "Take a damaged capture up to its last whole packet")
        ->needs(captures);
    replay_command.add_flag("--all", r.all, "List every flow, not only those that differ");
    replay_command.add_option("--fail-on", r.fail_on, "What makes the exit code 1")
        ->check(CLI::IsMember({"newly-denied", "newly-allowed", "difference", "denied", "nothing"}))
        ->capture_default_str();

    auto [recommend_command, c] = line.add<RecommendArguments>(
        "recommend", "Write staged policies for what no rule decides", {Format::kYaml, Format::kJson}, &recommend);
    recommend_command.add_option("--for", c.scope, "An endpoint, LABEL=VALUE or a namespace (default: everyone)");
    recommend_command.add_option("--since", c.since, "Only what was seen since then (2026-11-22T12:00:00Z; 24h)");
    recommend_command.add_flag("--denied", c.denied, "Cover also what is denied by default now");
    recommend_command.add_option("-f,--filename", c.files, "Ask about these files and --flows, without a daemon");
    recommend_command.add_option("--config", c.config, config);
    recommend_command.add_option("--flows", c.flows, "With -f: a file of flow records");
}

}  // namespace drywall::cli
