#include "command_line.h"

#include <utility>

namespace drywall::cli {

CLI::App& CommandLine::add(const std::string& name, const std::string& says, std::initializer_list<Format> formats,
                           std::function<Exit(const Invocation&)> run) {
    CLI::App* command = app_.add_subcommand(name, says);
    commands_[command] = {name, formats, std::move(run)};
    return *command;
}

const CommandLine::Command* CommandLine::chosen() const {
    for (const CLI::App* one : app_.get_subcommands())
        if (const auto command = commands_.find(one); command != commands_.end()) return &command->second;
    return nullptr;
}

CLI::Option* add_files(CLI::App& command, std::vector<std::string>& files, std::string& config) {
    auto* option = command.add_option("-f,--filename", files, "Ask about these files, without a daemon");
    command.add_option("--config", config, "With -f: the appliance's configuration")->needs(option);
    return option;
}

}  // namespace drywall::cli
