#include "filter_options.h"

#include <cstddef>
#include <utility>

namespace drywall::cli {

void add_filter(CLI::App& command, FilterOptions& options, std::span<const observe::FlowFlag> flags) {
    for (const observe::FlowFlag& flag : flags) {
        const std::string name = "--" + std::string(flag.name);
        if (flag.name == "differing") {
            command.add_flag(name, options.differing, std::string(flag.help));
            continue;
        }
        command.add_option(name, options.values[std::string(flag.name)], std::string(flag.help))
            ->allow_extra_args(false)
            ->type_name(std::string(flag.value));
    }
    command.add_flag("--not", options.negations, "Turn round the filter that follows");
}

void read_filter(const CLI::App& command, FilterOptions& options) {
    std::map<const CLI::Option*, std::size_t> read;
    bool negated = false;
    for (const CLI::Option* option : command.parse_order()) {
        const std::string flag = option->get_name().substr(2);
        if (flag == "not") {
            if (negated) options.mistake = "--not stands in front of another --not";
            negated = true;
            continue;
        }
        const auto values = options.values.find(flag);
        if (values == options.values.end() && flag != "differing") {
            if (negated) options.mistake = "--not turns round a filter, and --" + flag + " is none";
            continue;
        }
        const std::string value = flag == "differing" ? "true" : values->second[read[option]++];
        options.terms.push_back({flag, value, std::exchange(negated, false)});
    }
    if (negated) options.mistake = "--not has no filter behind it";
}

}  // namespace drywall::cli
