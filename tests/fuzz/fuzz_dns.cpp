// Any bytes as a message of DNS: what is read of it is what the slow twin reads, a name is what a name may be, and what
// nobody asked for is not learned.
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <tuple>

#include "drywall/inspect/dns_watch.h"
#include "drywall/net/domain_name.h"
#include "input.h"
#include "naive_dns.h"

namespace {

using namespace drywall;
using fuzz::require;
using inspect::DnsMessage;

using Known = std::set<std::tuple<std::string, net::Address, std::uint32_t>>;

void check_name(std::string_view name) {
    require(name.size() <= net::kMaxDomainName, "a name has at most 253 characters");
    require(net::folded_domain(name) == name, "a name is folded");
    require(inspect::DnsName::of(name)->text() == name, "a name is what its text says");
}

std::optional<Known> known_of(const DnsMessage& message) {
    inspect::DnsAnswer answer;
    if (!inspect::read_answer(message, answer)) return std::nullopt;
    Known known;
    for (const inspect::DnsName& name : answer.names) check_name(name.text());
    for (const inspect::DnsAddress& found : answer.addresses)
        for (std::size_t i = 0; i < answer.names.size(); ++i)
            known.emplace(answer.names[i].text(), found.address, answer.ttl_of(i, found));
    return known;
}

// An answer that is believed was asked for: by a query that differs in nothing but being one.
void check_watch(std::span<const std::uint8_t> bytes, const std::optional<Known>& known) {
    inspect::NameCache cache({.entries = 64});
    inspect::DnsWatch watch({.servers = {}, .questions = 8}, cache, 0);
    constexpr inspect::DnsFlow kFlow{1};
    constexpr Instant kNow{std::chrono::seconds(1)};
    watch.from_server(kFlow, bytes, kNow);
    require(cache.known(kNow).empty(), "what nobody asked for is not learned");
    std::vector<std::uint8_t> query(bytes.begin(), bytes.end());
    query[2] &= 0x7fU;
    watch.from_client(kFlow, query, kNow);
    watch.from_server(kFlow, bytes, kNow);
    require(watch.counts().answers == (known ? 1U : 0U), "what was asked for and can be read is believed");
    require(known && !known->empty() ? !cache.known(kNow).empty() : cache.known(kNow).empty(), "and only that learned");
    for (const inspect::KnownName& name : cache.known(kNow)) {
        bool said = false;
        for (const auto& [text, address, ttl] : *known) said = said || (text == name.name && address == name.address);
        require(said, "what is learned was said");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::uint8_t> bytes(data, size);
    const auto message = DnsMessage::read(bytes);
    const auto twin = test::read_dns(bytes, inspect::kMaxDnsRecords, inspect::kMaxDnsAliases);
    require(message.has_value() == twin.has_value(), "both read it or none");
    if (!message) return 0;
    check_name(message->question.name.text());
    require(message->question.name.text() == twin->name && message->question.type == twin->type &&
                message->id == twin->id && message->response == twin->response,
            "both read the same question");
    if (!message->response) return 0;
    const auto known = known_of(*message);
    require(known == twin->known, "both read the same answer");
    check_watch(bytes, known);
    return 0;
}
