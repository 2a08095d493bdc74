// `drywall drops`, `drywall watch drops` and `drywall capture --dropped`.
#include "commands_drops.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <optional>
#include <utility>

#include "arguments.h"
#include "drywall/io/pcapng_writer.h"
#include "drywall/observe/drop.h"
#include "fields.h"

namespace drywall::cli {

namespace {

// While it lives, Ctrl-C ends what is watched instead of the command, which then still says what it saw.
class Interrupt {
public:
    Interrupt() {
        was_seen = 0;
        struct sigaction action {};
        action.sa_handler = [](int) { was_seen = 1; };
        for (std::size_t i = 0; i < kSignals.size(); ++i) (void)::sigaction(kSignals[i], &action, &before_[i]);
    }
    ~Interrupt() {
        for (std::size_t i = 0; i < kSignals.size(); ++i) (void)::sigaction(kSignals[i], &before_[i], nullptr);
    }
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;
    [[nodiscard]] static bool seen() { return was_seen != 0; }

private:
    static constexpr std::array kSignals{SIGINT, SIGTERM};
    static inline volatile std::sig_atomic_t was_seen = 0;
    std::array<struct sigaction, kSignals.size()> before_{};
};

Exit misread(const Invocation& invocation, const Error& error) {
    (void)report(invocation, error);
    return Exit::kUsage;
}

// What one look at dropped packets came to.
struct Seen {
    std::uint64_t drops = 0;
    std::uint64_t missed = 0;
    std::string why;  // it ended; empty: it was interrupted, or the connection broke
};

void say_what_was_seen(const Invocation& invocation, const Seen& seen) {
    if (invocation.quiet) return;
    invocation.err << seen.drops << (seen.drops == 1 ? " drop" : " drops");
    if (seen.missed > 0)
        invocation.err << ", and " << seen.missed << " were missed (they came faster than they can be copied)";
    if (seen.why == "timeout") invocation.err << "; the time is over";
    if (seen.why == "stopping" || seen.why == "stopped") invocation.err << "; drywalld stopped";
    invocation.err << '\n';
}

// Gives `each` every drop that is meant until the end; false from it ends it at once. `begin` gets the ports first.
Exit look(const Invocation& invocation, const WatchArguments& arguments, std::uint32_t snaplen,
          const std::function<bool(const Json&)>& begin, const std::function<bool(const Json&)>& each) {
    Query query = filter_query(arguments.terms);
    if (arguments.count > 0) query["count"] = std::to_string(arguments.count);
    if (!arguments.timeout.empty()) query["timeout"] = arguments.timeout;
    if (snaplen > 0) query["snaplen"] = std::to_string(snaplen);

    const Interrupt interrupt;
    Seen seen;
    bool go_on = true;
    const auto take = [&](const Event& event) {
        if (!go_on) return;
        if (event.name == "begin") go_on = begin(event.data);
        if (event.name == "drop") {
            ++seen.drops;
            go_on = each(event.data);
        }
        if (event.name == "missed") seen.missed = number_at(event.data, "/missed");
        if (event.name == "end") {
            seen.why = text_at(event.data, "/why");
            seen.missed = number_at(event.data, "/missed");
        }
    };
    const Status followed = Client(invocation.socket).follow(with_query("/v1/drops/watch", query), take, [&] {
        return go_on && !Interrupt::seen();
    });
    if (!followed && seen.why.empty()) {
        if (seen.drops > 0) say_what_was_seen(invocation, seen);
        return report(invocation, followed.error());
    }
    if (go_on) say_what_was_seen(invocation, seen);  // or whoever read us has gone, or the file can't be written
    return Exit::kOk;
}

// What drywalld would refuse is refused before it is asked, and in the words of flags.
std::optional<Error> mistake_in(const WatchArguments& arguments) {
    if (!arguments.mistake.empty()) return Error::of(ErrorKind::kInvalid, arguments.mistake);
    const auto filter = observe::DropFilter::of(arguments.terms);
    if (!filter) return filter.error();
    return std::nullopt;
}

Exit explain_reason(const Invocation& invocation, const std::string& name) {
    const std::array<observe::FlowTerm, 1> term{{{"reason", name, false}}};
    if (const auto known = observe::DropFilter::of(term); !known) return misread(invocation, known.error());
    for (const DropReasonText& text : kDropReasons) {
        if (text.name != name) continue;
        const std::string next(observe::advice(text.reason));
        if (invocation.format == Format::kJson)
            invocation.out << Json{{"reason", text.name}, {"meaning", text.meaning}, {"next", next}}.dump(2) << '\n';
        else
            invocation.out << text.name << ": " << text.meaning << '\n' << "What to check next: " << next << '\n';
    }
    return Exit::kOk;
}

}  // namespace

Exit drops(const Invocation& invocation, const DropsArguments& arguments) {
    if (!arguments.explain.empty()) return explain_reason(invocation, arguments.explain);
    const Result<Json> answer = Client(invocation.socket).get("/v1/drops");
    if (!answer) return report(invocation, answer.error());
    if (invocation.format == Format::kJson)
        invocation.out << answer->dump(2) << '\n';
    else
        invocation.out << render_drops(*answer, {invocation.color, invocation.format == Format::kWide});
    return Exit::kOk;
}

Exit watch_drops(const Invocation& invocation, const WatchArguments& arguments) {
    if (const auto mistake = mistake_in(arguments)) return misread(invocation, *mistake);
    const bool lines = invocation.format == Format::kJson || invocation.format == Format::kJsonLines;
    const Style style{invocation.color, invocation.format == Format::kWide};
    const auto begin = [&](const Json& /*ports*/) {
        if (!lines) invocation.out << render_drop_header(style);
        invocation.out.flush();
        return static_cast<bool>(invocation.out);
    };
    return look(invocation, arguments, 0, begin, [&](const Json& drop) {
        invocation.out << (lines ? drop.dump() + '\n' : render_drop(drop, style));
        invocation.out.flush();
        return static_cast<bool>(invocation.out);  // or whoever read us has gone
    });
}

Exit capture(const Invocation& invocation, const CaptureArguments& arguments) {
    if (!arguments.dropped)
        return misread(invocation, Error::of(ErrorKind::kInvalid, "what is to be captured?",
                                             "write --dropped: the packets that die"));
    if (const auto mistake = mistake_in(arguments)) return misread(invocation, *mistake);
    std::optional<io::PcapngWriter> file;
    std::vector<std::string> ports;
    std::optional<Error> trouble;
    const auto begin = [&](const Json& event) {
        ports = texts_at(event, "/ports");
        auto created = io::PcapngWriter::create(arguments.file, ports, arguments.snaplen);
        if (!created)
            trouble = created.error();
        else
            file = *std::move(created);
        return file.has_value();
    };
    const Exit looked = look(invocation, arguments, arguments.snaplen, begin, [&](const Json& drop) {
        const std::vector<std::uint8_t> bytes = bytes_at(drop, "/frame");
        const auto port = std::find(ports.begin(), ports.end(), text_at(drop, "/ingress_port"));
        const io::CapturedPacket packet{.time = Nanos(static_cast<std::int64_t>(number_at(drop, "/time_ns"))),
                                        .bytes = bytes,
                                        .length = static_cast<std::uint32_t>(number_at(drop, "/length")),
                                        .interface = static_cast<std::uint32_t>(port - ports.begin())};
        if (port == ports.end()) return true;  // drywalld names every port first
        if (Status written = file->write(packet, drop_comment(drop)); !written) trouble = std::move(written).error();
        return !trouble.has_value();
    });
    return trouble ? report(invocation, *trouble) : looked;
}

}  // namespace drywall::cli
