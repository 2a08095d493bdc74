#include "drywall/inspect/dns_watch.h"

namespace drywall::inspect {

DnsWatchCounts& DnsWatchCounts::operator+=(const DnsWatchCounts& other) noexcept {
    questions += other.questions;
    questions_lost += other.questions_lost;
    answers += other.answers;
    unasked += other.unasked;
    unreadable += other.unreadable;
    incomplete += other.incomplete;
    return *this;
}

DnsWatch::DnsWatch(const DnsWatchSettings& settings, NameCache& names, std::size_t worker)
    : servers_(settings.servers), questions_(settings.questions, settings.hash_seed), names_(names), worker_(worker) {}

void DnsWatch::from_client(DnsFlow flow, std::span<const std::uint8_t> message, Instant now) noexcept {
    const auto query = DnsMessage::read(message);
    if (!query || query->response) return unreadable_.add(1);
    asked_.add(1);
    if (!questions_.ask(flow, *query, now)) lost_.add(1);
}

void DnsWatch::from_server(DnsFlow flow, std::span<const std::uint8_t> message, Instant now) noexcept {
    const auto response = DnsMessage::read(message);
    if (!response || !response->response) return unreadable_.add(1);
    if (!questions_.answers(flow, *response, now)) return unasked_.add(1);
    learn(*response, now);
}

void DnsWatch::from_server_over_tcp(std::span<const std::uint8_t> message, Instant now) noexcept {
    const auto response = DnsMessage::read(message);
    if (!response || !response->response) return unreadable_.add(1);
    learn(*response, now);
}

void DnsWatch::learn(const DnsMessage& response, Instant now) noexcept {
    if (!read_answer(response, answer_)) return unreadable_.add(1);
    believed_.add(1);
    if (answer_.incomplete) incomplete_.add(1);
    for (const DnsAddress& found : answer_.addresses)
        for (std::size_t i = 0; i < answer_.names.size(); ++i)
            names_.learn(worker_, found.address, answer_.names[i], answer_.ttl_of(i, found), now);
}

DnsWatchCounts DnsWatch::counts() const noexcept {
    return {.questions = asked_.read(),
            .questions_lost = lost_.read(),
            .answers = believed_.read(),
            .unasked = unasked_.read(),
            .unreadable = unreadable_.read(),
            .incomplete = incomplete_.read()};
}

}  // namespace drywall::inspect
