#include "display.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "table.h"

namespace drywall::gen {

using cli::Color;
using cli::Field;
using cli::Table;
using generate::Json;

namespace {

constexpr std::size_t kMostLines = 20;  // streams that are shown one by one
constexpr auto kRight = Table::Align::kRight;

template <typename... Values>
std::string formatted(const char* format, Values... values) {
    std::array<char, 160> text{};
    (void)std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

std::string count(const Json& json, const char* name) { return std::to_string(json.at(name).get<std::uint64_t>()); }

Field doubtful(const Json& json, const char* name) {
    return {count(json, name), json.at(name).get<std::uint64_t>() > 0 ? Color::kDoubtful : Color::kFaint};
}

std::string packets(const Json& json, const char* name) { return count(json.at(name), "packets"); }

std::string microseconds(const Json& latency, const char* name) {
    return formatted("%.1f", latency.at(name).get<double>() * 1e-3);
}

// What the missing packets of a stream are called depends on what it expects.
Field missing(const Json& stream) {
    const std::string expect = stream.at("expect");
    const auto number = stream.at("missing").get<std::uint64_t>();
    const std::string text = std::to_string(number) + (expect == "deny" ? " denied" : expect == "allow" ? " lost" : "");
    if (expect == "deny") return {text, Color::kGood};
    return {text, number == 0 ? Color::kPlain : expect == "allow" ? Color::kBad : Color::kDoubtful};
}

Field received(const Json& stream) {
    const bool leak = stream.at("expect") == "deny" && stream.at("received").at("packets").get<std::uint64_t>() > 0;
    return {packets(stream, "received") + (leak ? " leaked" : ""), leak ? Color::kBad : Color::kPlain};
}

std::string streams_table(const Json& streams, bool color) {
    Table table({{"STREAM"},
                 {"FROM"},
                 {"TO"},
                 {"EXPECT"},
                 {"SENT", kRight},
                 {"RECEIVED", kRight},
                 {"MISSING", kRight},
                 {"DUP", kRight},
                 {"REORDERED", kRight},
                 {"LATE", kRight},
                 {"ELSEWHERE", kRight}});
    for (const Json& stream : streams) {
        std::vector<Field> row{{stream.at("name")},
                               {stream.at("from")},
                               {stream.at("to")},
                               {stream.at("expect")},
                               {packets(stream, "sent")}};
        if (stream.at("tracked").get<bool>())
            for (Field& field : std::vector<Field>{received(stream), missing(stream), doubtful(stream, "duplicates"),
                                                   doubtful(stream, "reordered"), doubtful(stream, "beyond_window"),
                                                   doubtful(stream, "elsewhere")})
                row.push_back(std::move(field));
        else
            row.push_back({"not tracked", Color::kFaint});
        table.add(std::move(row));
    }
    return table.text(color);
}

std::string latency_table(const Json& streams, bool color) {
    Table table({{"LATENCY, us"},
                 {"LEAST", kRight},
                 {"MEAN", kRight},
                 {"P50", kRight},
                 {"P90", kRight},
                 {"P99", kRight},
                 {"P99.9", kRight},
                 {"GREATEST", kRight}});
    for (const Json& stream : streams) {
        if (!stream.contains("latency") || stream.at("latency").at("count") == 0) continue;
        std::vector<Field> row{{stream.at("name")}};
        for (const char* name : {"least_ns", "mean_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "greatest_ns"})
            row.push_back({microseconds(stream.at("latency"), name)});
        table.add(std::move(row));
    }
    return table.empty() ? "" : "\n" + table.text(color);
}

std::string connections_table(const Json& list, bool color) {
    Table table({{"CONNECTIONS"},
                 {"EXPECT"},
                 {"OPENED", kRight},
                 {"ESTABLISHED", kRight},
                 {"PER SECOND", kRight},
                 {"COMPLETED", kRight},
                 {"REFUSED", kRight},
                 {"TIMED OUT", kRight},
                 {"RESET", kRight},
                 {"FAILED", kRight},
                 {"OPEN", kRight},
                 {"AT MOST", kRight},
                 {"SENT AGAIN", kRight}});
    Table latency({{"LATENCY, us"},
                   {"CONNECT P50", kRight},
                   {"P99", kRight},
                   {"GREATEST", kRight},
                   {"EXCHANGE P50", kRight},
                   {"P99", kRight},
                   {"GREATEST", kRight}});
    for (const Json& one : list) {
        table.add({{one.at("name")},
                   {one.at("expect")},
                   {count(one, "opened")},
                   {count(one, "established")},
                   {short_number(one.at("established_per_second"))},
                   {count(one, "completed")},
                   doubtful(one, "refused"),
                   doubtful(one, "timed_out"),
                   doubtful(one, "reset"),
                   doubtful(one, "failed"),
                   {count(one, "open_at_end")},
                   {count(one, "open_at_most")},
                   {std::to_string(one.at("syn_retransmissions").get<std::uint64_t>() +
                                   one.at("retransmissions").get<std::uint64_t>())}});
        std::vector<Field> row{{one.at("name")}};
        for (const char* which : {"connect_latency", "exchange_latency"})
            for (const char* name : {"p50_ns", "p99_ns", "greatest_ns"})
                row.push_back({microseconds(one.at(which), name)});
        latency.add(std::move(row));
    }
    return table.text(color) + "\n" + latency.text(color);
}

std::string ports_table(const Json& ports, bool color) {
    Table table({{"PORT"},
                 {"SENT", kRight},
                 {"RECEIVED", kRight},
                 {"FOREIGN", kRight},
                 {"STALE", kRight},
                 {"MISSED BY THE DEVICE", kRight}});
    for (const Json& port : ports)
        table.add({{port.at("name")},
                   {packets(port, "sent")},
                   {packets(port, "received")},
                   doubtful(port, "foreign"),
                   doubtful(port, "stale"),
                   doubtful(port.at("device"), "missed")});
    return "\n" + table.text(color);
}

std::string rates(const Json& report) {
    const Json& rate = report.at("sent_rate");
    std::string out = "asked for " + report.at("request").at("rate").get<std::string>() + ", offered " +
                      count(report, "offered") + " packets in " +
                      formatted("%.3f s", report.at("seconds").get<double>()) + ": sent " + packets(report, "sent") +
                      " (" + short_number(rate.at("pps")) + "pps, " + short_number(rate.at("l2_bps")) +
                      "bit/s with FCS, " + short_number(rate.at("l1_bps")) + "bit/s on the wire)";
    if (const auto skipped = report.at("skipped").get<std::uint64_t>(); skipped > 0)
        out += ", gave up " + std::to_string(skipped) + " that were late";
    std::uint64_t refused = 0;
    for (const Json& stream : report.at("streams")) refused += stream.at("refused").get<std::uint64_t>();
    if (refused > 0) out += "; a device refused " + std::to_string(refused) + " times";
    return out + (report.at("stopped").get<bool>() ? "; stopped before its time" : "") + "\n\n";
}

std::string appliance(const Json& report) {
    if (!report.contains("appliance")) return {};
    const Json& appliance = report.at("appliance");
    std::string out = "\nappliance: received " + packets(appliance, "received") + ", transmitted " +
                      packets(appliance, "transmitted");
    for (const auto& [reason, number] : appliance.at("drops").items())
        out += ", " + reason + " " + std::to_string(number.get<std::uint64_t>());
    out += "\nmissing " + count(appliance, "missing") + " = dropped by name";
    for (const auto& [reason, number] : appliance.at("drops").items())
        out += " " + std::to_string(number.get<std::uint64_t>()) + " " + reason + " +";
    return out + " missed by devices " +
           std::to_string(appliance.at("missed_by_devices").get<std::uint64_t>() +
                          appliance.at("missed_by_generator").get<std::uint64_t>()) +
           " + unexplained " + std::to_string(appliance.at("unexplained").get<std::int64_t>()) + "\n";
}

std::string verdict(const Json& outcome, bool color) {
    std::string out;
    if (const auto lost = outcome.at("lost").get<std::uint64_t>(); lost > 0)
        out += cli::painted("LOST: " + std::to_string(lost) + " packets that were to be allowed did not arrive\n",
                            Color::kBad, color);
    if (const auto leaked = outcome.at("leaked").get<std::uint64_t>(); leaked > 0)
        out += cli::painted("LEAKED: " + std::to_string(leaked) + " packets arrived that were to be denied\n",
                            Color::kBad, color);
    if (const auto lost = outcome.at("connections_lost").get<std::uint64_t>(); lost > 0)
        out += cli::painted("LOST: " + std::to_string(lost) + " connections that were to be allowed broke\n",
                            Color::kBad, color);
    if (const auto leaked = outcome.at("connections_leaked").get<std::uint64_t>(); leaked > 0)
        out +=
            cli::painted("LEAKED: " + std::to_string(leaked) + " connections that were to be denied were established\n",
                         Color::kBad, color);
    return out.empty() ? out : "\n" + out;
}

void add(const generate::TrialView::Stream& one, generate::TrialView::Stream& sum) {
    sum.sent += one.sent;
    sum.sent_bytes += one.sent_bytes;
    sum.received += one.received;
    sum.received_bytes += one.received_bytes;
}

std::string live_line(const std::string& name, const generate::TrialView::Stream& now,
                      const generate::TrialView::Stream& before, double seconds) {
    const auto rate = [seconds](std::uint64_t later, std::uint64_t earlier) {
        return short_number(static_cast<double>(later - earlier) / seconds) + "pps";
    };
    return name + "  sent " + rate(now.sent, before.sent) + " (" +
           short_number(static_cast<double>(now.sent_bytes - before.sent_bytes) * 8 / seconds) + "bit/s)  received " +
           rate(now.received, before.received) + "  in all " + std::to_string(now.sent) + " / " +
           std::to_string(now.received);
}

}  // namespace

std::string short_number(double value) {
    constexpr std::array<std::pair<double, const char*>, 4> kUnits{{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
    for (const auto& [size, unit] : kUnits)
        if (value >= size) return formatted("%.4g ", value / size) + unit;
    return formatted("%.4g ", value);
}

void LiveDisplay::look(const generate::TrialView& view) {
    if (view.seconds - last_.seconds < 1.0 && view.seconds >= last_.seconds) return;
    show(view);
    last_ = view;
}

void LiveDisplay::show(const generate::TrialView& view) {
    last_.streams.resize(view.streams.size());
    const double seconds = std::max(view.seconds - last_.seconds, 1e-9);
    if (terminal_ && lines_ > 0) out_ << "\033[" << lines_ << "A\033[J";
    lines_ = 0;
    const std::string time = formatted("%6.0f s  ", view.seconds) + (view.sending ? "" : "(waiting)  ");
    generate::TrialView::Stream all;
    generate::TrialView::Stream all_before;
    for (std::size_t i = 0; i < view.streams.size(); ++i) {
        add(view.streams[i], all);
        add(last_.streams[i], all_before);
        if (i >= kMostLines) continue;
        out_ << time << live_line(profile_.streams[i].name, view.streams[i], last_.streams[i], seconds) << '\n';
        ++lines_;
    }
    last_.connections.resize(view.connections.size());
    for (std::size_t i = 0; i < view.connections.size(); ++i) {
        const auto& now = view.connections[i];
        out_ << time << profile_.connections[i].ends.name << "  established "
             << short_number(static_cast<double>(now.established - last_.connections[i].established) / seconds)
             << "cps  in all opened " << now.opened << ", established " << now.established << ", completed "
             << now.completed << '\n';
        ++lines_;
    }
    if (view.streams.size() > 1) {
        out_ << time << live_line("all", all, all_before, seconds) << '\n';
        ++lines_;
    }
    out_.flush();
}

std::string tables_of(const Json& report, bool color) {
    std::string out;
    if (const Json& streams = report.at("streams"); !streams.empty())
        out = rates(report) + streams_table(streams, color) + latency_table(streams, color);
    if (const Json& connections = report.at("connections"); !connections.empty())
        out += (out.empty() ? "" : "\n") + connections_table(connections, color);
    return out + ports_table(report.at("ports"), color) + appliance(report) + verdict(report.at("outcome"), color);
}

}  // namespace drywall::gen
