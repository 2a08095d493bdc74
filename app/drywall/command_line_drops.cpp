// Dropped packets on the command line: `drops` and `capture --dropped`.
#include "command_line.h"
#include "command_line_watch.h"
#include "commands_drops.h"
#include "drywall/observe/drop.h"

namespace drywall::cli {

namespace {

// A capture ends by itself, whether packets die or not.
constexpr std::uint64_t kUsualCapture = 10'000;
constexpr const char* kUsualCaptureTime = "60s";

struct CaptureOptions : CaptureArguments {
    FilterOptions filter;
};

Exit capture_of(const Invocation& invocation, const CaptureOptions& options) { return capture(invocation, options); }

}  // namespace

void add_drops(CommandLine& line) {
    auto [drops_command, d] = line.add<DropsArguments>(
        "drops", "Show how many packets died of what, and what to check next", {Format::kJson}, &drops);
    drops_command.add_option("--explain", d.explain, "What this reason means, and what to check next");

    auto capture = line.add<CaptureOptions>("capture", "Write packets that die into a pcapng file", {}, &capture_of);
    CaptureOptions& c = capture.arguments;
    c.count = kUsualCapture;
    c.timeout = kUsualCaptureTime;
    capture.command.add_flag("--dropped", c.dropped, "Of dropped packets, the only ones that are captured");
    capture.command.add_option("-w,--write", c.file, "The file (-: standard output)")->required();
    capture.command.add_option("--snaplen", c.snaplen, "At most so many bytes of each packet")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    add_ends(capture.command, c, "End after so many packets (10000)", "End after this time: 30s, 5m, 1h (60s)");
    add_filter(capture.command, c.filter, observe::DropFilter::flags());
    CLI::App& command = capture.command;
    command.callback([&command, &c] { take_filter(command, c.filter, c); });
}

}  // namespace drywall::cli
