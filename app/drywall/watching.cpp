#include "watching.h"

#include <array>
#include <csignal>

#include "arguments.h"
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

// What one look came to.
struct Seen {
    std::uint64_t events = 0;
    std::uint64_t missed = 0;
    std::string why;  // it ended; empty: it was interrupted, or the connection broke
};

void say_what_was_seen(const Invocation& invocation, const Watched& watched, const Seen& seen) {
    if (invocation.quiet) return;
    invocation.err << seen.events << ' ' << watched.event << (seen.events == 1 ? "" : "s");
    if (seen.missed > 0) invocation.err << ", and " << seen.missed << " were missed (" << watched.missed << ')';
    if (seen.why == "timeout") invocation.err << "; the time is over";
    if (seen.why == "stopping" || seen.why == "stopped") invocation.err << "; drywalld stopped";
    invocation.err << '\n';
}

}  // namespace

Query watch_query(const WatchArguments& arguments) {
    Query query = filter_query(arguments.terms);
    if (arguments.count > 0) query["count"] = std::to_string(arguments.count);
    if (!arguments.timeout.empty()) query["timeout"] = arguments.timeout;
    return query;
}

Exit watch(const Invocation& invocation, const Watched& watched, const Query& query,
           const std::function<bool(const Json&)>& begin, const std::function<bool(const Json&)>& each) {
    const Interrupt interrupt;
    Seen seen;
    bool go_on = true;
    const auto take = [&](const Event& event) {
        if (!go_on) return;
        if (event.name == "begin") go_on = begin(event.data);
        if (event.name == watched.event) {
            ++seen.events;
            go_on = each(event.data);
        }
        if (event.name == "missed") seen.missed = number_at(event.data, "/missed");
        if (event.name == "end") {
            seen.why = text_at(event.data, "/why");
            seen.missed = number_at(event.data, "/missed");
        }
    };
    const Status followed = Client(invocation.socket).follow(with_query(watched.path, query), take, [&] {
        return go_on && !Interrupt::seen();
    });
    if (!followed && seen.why.empty()) {
        if (seen.events > 0) say_what_was_seen(invocation, watched, seen);
        return report(invocation, followed.error());
    }
    if (go_on)
        say_what_was_seen(invocation, watched, seen);  // or whoever read us has gone, or the file can't be written
    return Exit::kOk;
}

Exit misread(const Invocation& invocation, const Error& error) {
    (void)report(invocation, error);
    return Exit::kUsage;
}

}  // namespace drywall::cli
