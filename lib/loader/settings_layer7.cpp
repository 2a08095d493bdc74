// What is read inside of connections, and what becomes of conditions that can't be evaluated.
#include <algorithm>
#include <array>

#include "settings_readers.h"

namespace drywall::loader {
namespace {

constexpr std::array<Choice<Verdict>, 2> kUnevaluated{Choice<Verdict>{"deny", Verdict::kDeny},
                                                      {"allow", Verdict::kAllow}};
constexpr std::array<Choice<OnDeny>, 2> kOnDenies{Choice<OnDeny>{"reset", OnDeny::kReset}, {"drop", OnDeny::kDrop}};
constexpr std::array<Choice<DomainEvidence>, 3> kEvidences{Choice<DomainEvidence>{"address", DomainEvidence::kAddress},
                                                           {"address-and-sni", DomainEvidence::kAddressAndSni},
                                                           {"address-or-sni", DomainEvidence::kAddressOrSni}};

constexpr std::chrono::hours kLongestTtl{24 * 7};

void assign_unevaluated(Fields& fields, std::string_view name, Verdict& target) {
    target = fields.choice<Verdict>(name, kUnevaluated).value_or(target);
}

void read_http(Fields& layer7, Layer7Http& http) {
    auto fields = section(layer7, "http");
    if (!fields) return;
    assign_unevaluated(*fields, "http2", http.http2);
    assign_unevaluated(*fields, "not-http", http.not_http);
    assign_unevaluated(*fields, "malformed", http.malformed);
    assign_unevaluated(*fields, "upgraded", http.upgraded);
    assign_unevaluated(*fields, "unseen", http.unseen);
    assign_unevaluated(*fields, "over-limit", http.over_limit);
    assign_integer(*fields, "max-head-bytes", 1024, 65536, http.max_head_bytes);
    http.on_deny = fields->choice<OnDeny>("on-deny", kOnDenies).value_or(http.on_deny);
    fields->finish();
}

void read_tls(Fields& layer7, Layer7Tls& tls) {
    auto fields = section(layer7, "tls");
    if (!fields) return;
    assign_unevaluated(*fields, "missing-sni", tls.missing_sni);
    assign_unevaluated(*fields, "ech", tls.ech);
    fields->finish();
}

void read_domains(Fields& layer7, Layer7Domains& domains) {
    auto fields = section(layer7, "domains");
    if (!fields) return;
    domains.evidence = fields->choice<DomainEvidence>("evidence", kEvidences).value_or(domains.evidence);
    fields->finish();
}

void read_dns_servers(Fields& dns, Layer7Dns& settings) {
    settings.servers = read_networks(dns, "servers", true);
    const bool anybody = std::any_of(settings.servers.begin(), settings.servers.end(),
                                     [](const net::Prefix& prefix) { return prefix.length == 0; });
    if (!anybody) return;
    const Node& node = *dns.node().find("servers");
    dns.complaints().add(node.line, node.column, dns.path_to("servers") + " would believe every machine",
                         "whoever answers a question of DNS says which addresses a name has: name the resolvers");
}

void read_dns(Fields& layer7, Layer7Dns& dns) {
    auto fields = section(layer7, "dns");
    if (!fields) return;
    read_dns_servers(*fields, dns);
    assign_integer(*fields, "names", 1024, 16'777'216, dns.names);
    assign_integer(*fields, "questions-per-worker", 64, 1'048'576, dns.questions_per_worker);
    assign_duration(*fields, "min-ttl", std::chrono::seconds(0), kLongestTtl, dns.min_ttl);
    assign_duration(*fields, "max-ttl", std::chrono::seconds(1), kLongestTtl, dns.max_ttl);
    assign_duration(*fields, "extra-ttl", std::chrono::seconds(0), kLongestTtl, dns.extra_ttl);
    if (dns.min_ttl > dns.max_ttl)
        fields->complaints().add(fields->node().line, fields->node().column,
                                 fields->path_to("min-ttl") + " is longer than " + fields->path_to("max-ttl"));
    fields->finish();
}

// How many heads must have room in what is held of a connection: the one that is read, others that are not acknowledged
// yet, and what is lost to blocks that are not full.
constexpr std::uint32_t kHeadsPerConnection = 4;

void read_memory(Fields& layer7, const Layer7Http& http, Layer7Memory& memory) {
    if (auto fields = section(layer7, "memory")) {
        assign_integer(*fields, "connections-per-worker", 64, 16'777'216, memory.connections_per_worker);
        assign_integer(*fields, "buffers-mb-per-worker", 1, 65536, memory.buffers_mb_per_worker);
        assign_integer(*fields, "bytes-per-connection", 4096, 1'048'576, memory.bytes_per_connection);
        fields->finish();
    }
    if (memory.bytes_per_connection < kHeadsPerConnection * http.max_head_bytes)
        layer7.complaints().add(
            layer7.node().line, layer7.node().column,
            layer7.path_to("memory") + ".bytes-per-connection is less than four times " + layer7.path_to("http") +
                ".max-head-bytes",
            "a head that waits for its last byte must fit beside others that are not acknowledged yet");
}

}  // namespace

void read_layer7(Fields& top, Settings& settings) {
    auto layer7 = section(top, "layer7");
    if (!layer7) return;
    read_http(*layer7, settings.layer7.http);
    read_tls(*layer7, settings.layer7.tls);
    read_domains(*layer7, settings.layer7.domains);
    read_dns(*layer7, settings.layer7.dns);
    read_memory(*layer7, settings.layer7.http, settings.layer7.memory);
    layer7->finish();
}

}  // namespace drywall::loader
