// CommandLine: which commands there are. Each group of commands declares itself in a file of its own, with its options,
// the formats that it can write, and the function that carries it out.
//
// Threads: one.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "invocation.h"

namespace drywall::cli {

class CommandLine {
public:
    explicit CommandLine(CLI::App& app) : app_(app) {}

    // A command whose options become a `Arguments`: `run(invocation, arguments)` carries it out. `formats`: what it can
    // write beside a table (what is wide for one command is a table for the others).
    template <typename Arguments>
    struct Declared {
        CLI::App& command;
        Arguments& arguments;  // lives as long as the CommandLine
    };
    template <typename Arguments>
    Declared<Arguments> add(const std::string& name, const std::string& says, std::initializer_list<Format> formats,
                            Exit (*run)(const Invocation&, const Arguments&)) {
        auto arguments = std::make_shared<Arguments>();
        CLI::App& command = add(name, says, formats,
                                [arguments, run](const Invocation& invocation) { return run(invocation, *arguments); });
        return {command, *arguments};
    }
    CLI::App& add(const std::string& name, const std::string& says, std::initializer_list<Format> formats,
                  std::function<Exit(const Invocation&)> run);

    // The command that stood on the command line, or null.
    struct Command {
        std::string name;
        std::set<Format> formats;
        std::function<Exit(const Invocation&)> run;
    };
    [[nodiscard]] const Command* chosen() const;

private:
    CLI::App& app_;
    std::map<const CLI::App*, Command> commands_;
};

// For questions that drywalld answers, unless they are about files.
CLI::Option* add_files(CLI::App& command, std::vector<std::string>& files, std::string& config);

// What every change can be told.
void add_change_options(CLI::App& command, ChangeArguments& change);

// What every change can be told about its way back.
void add_guard_options(CLI::App& command, GuardArguments& guard);

void add_changes(CommandLine& line);
void add_guard(CommandLine& line);
void add_objects_and_numbers(CommandLine& line);
void add_questions(CommandLine& line);
void add_drops(CommandLine& line);
void add_flows(CommandLine& line);
void add_layer7(CommandLine& line);
void add_watch(CommandLine& line);
void add_offline(CommandLine& line);
void add_store(CommandLine& line);
void add_whatif(CommandLine& line);
void add_staging(CommandLine& line);
void add_impact(CommandLine& line);

}  // namespace drywall::cli
