// Dropped packets on the command line: `drops`, `watch drops` and `capture --dropped`.
#include "command_line.h"
#include "commands_drops.h"
#include "drywall/observe/drop.h"
#include "filter_options.h"

namespace drywall::cli {

namespace {

constexpr std::uint64_t kMostPackets = 1'000'000'000;
// A capture ends by itself, whether packets die or not.
constexpr std::uint64_t kUsualCapture = 10'000;
constexpr const char* kUsualCaptureTime = "60s";

struct WatchOptions : WatchArguments {
    std::string what;
    FilterOptions filter;
};

struct CaptureOptions : CaptureArguments {
    FilterOptions filter;
};

Exit watch_of(const Invocation& invocation, const WatchOptions& options) { return watch_drops(invocation, options); }
Exit capture_of(const Invocation& invocation, const CaptureOptions& options) { return capture(invocation, options); }

template <typename Options>
void add_ends_and_filter(CLI::App& command, Options& options, const std::string& count_help,
                         const std::string& timeout_help) {
    command.add_option("--count", options.count, count_help)->check(CLI::Range(std::uint64_t{1}, kMostPackets));
    command.add_option("--timeout", options.timeout, timeout_help);
    add_filter(command, options.filter, observe::DropFilter::flags());
    command.callback([&command, &options] {
        read_filter(command, options.filter);
        options.terms = options.filter.terms;
        options.mistake = options.filter.mistake;
    });
}

}  // namespace

void add_drops(CommandLine& line) {
    auto [drops_command, d] = line.add<DropsArguments>(
        "drops", "Show how many packets died of what, and what to check next", {Format::kJson}, &drops);
    drops_command.add_option("--explain", d.explain, "What this reason means, and what to check next");

    auto watch = line.add<WatchOptions>("watch", "Show packets as they die, and who decided it",
                                        {Format::kJson, Format::kJsonLines}, &watch_of);
    watch.command.add_option("what", watch.arguments.what, "drops")->required()->check(CLI::IsMember({"drops"}));
    add_ends_and_filter(watch.command, watch.arguments, "End after so many packets",
                        "End after this time: 30s, 5m, 1h");

    auto capture = line.add<CaptureOptions>("capture", "Write packets that die into a pcapng file", {}, &capture_of);
    CaptureOptions& c = capture.arguments;
    c.count = kUsualCapture;
    c.timeout = kUsualCaptureTime;
    capture.command.add_flag("--dropped", c.dropped, "Of dropped packets, the only ones that are captured");
    capture.command.add_option("-w,--write", c.file, "The file (-: standard output)")->required();
    capture.command.add_option("--snaplen", c.snaplen, "At most so many bytes of each packet")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    add_ends_and_filter(capture.command, c, "End after so many packets (10000)",
                        "End after this time: 30s, 5m, 1h (60s)");
}

}  // namespace drywall::cli
