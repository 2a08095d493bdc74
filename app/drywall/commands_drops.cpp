// `drywall drops`, `drywall watch drops` and `drywall capture --dropped`.
#include "commands_drops.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "drywall/io/pcapng_writer.h"
#include "drywall/observe/drop.h"
#include "fields.h"

namespace drywall::cli {

namespace {

const Watched kDropped{"/v1/drops/watch", "drop", "they came faster than they can be copied"};

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
    return watch(invocation, kDropped, watch_query(arguments), begin, [&](const Json& drop) {
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
    Query query = watch_query(arguments);
    query["snaplen"] = std::to_string(arguments.snaplen);
    const Exit looked = watch(invocation, kDropped, query, begin, [&](const Json& drop) {
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
