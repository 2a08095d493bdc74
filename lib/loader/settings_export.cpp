// What leaves the appliance by itself: metrics for Prometheus, flows for an IPFIX collector.
#include "settings_readers.h"

namespace drywall::loader {
namespace {

std::optional<net::SocketAddress> read_socket_address(const Node& node, const std::string& path,
                                                      std::string_view example, Complaints& complaints) {
    const auto text = read_text(node, path, complaints);
    if (!text) return std::nullopt;
    const auto address = net::SocketAddress::parse(*text);
    if (!address)
        complaints.add(node.line, node.column, path + " can't be " + shown(*text),
                       "write an address and a port: " + std::string(example));
    return address;
}

void read_metrics(Fields& top, Settings& settings) {
    auto metrics = section(top, "metrics");
    if (!metrics) return;
    if (const Node* node = metrics->take("listen"))
        settings.metrics_listen = read_socket_address(*node, "metrics.listen", "127.0.0.1:9417", top.complaints());
    if (settings.metrics_listen && !settings.metrics_listen->is_loopback()) {
        const Node* node = metrics->node().find("listen");
        top.complaints().add(node->line, node->column,
                             "metrics.listen " + settings.metrics_listen->text() + " is not on the loopback interface",
                             "metrics name policies, and whoever asks is answered: listen on 127.0.0.1 or [::1]");
    }
    assign_integer(*metrics, "rules", 0, 100'000, settings.metrics_rules);
    metrics->finish();
}

void assign_duration(Fields& fields, std::string_view name, std::chrono::milliseconds least,
                     std::chrono::milliseconds most, std::chrono::milliseconds& target) {
    const Node* node = fields.take(name);
    if (node == nullptr) return;
    target = read_duration(*node, fields.path_to(name), least, most, fields.complaints()).value_or(target);
}

void read_ipfix(Fields& top, Settings& settings) {
    using namespace std::chrono_literals;
    auto ipfix = section(top, "ipfix");
    if (!ipfix) return;
    IpfixExport out;
    if (const Node* node = ipfix->require("collector"))
        out.collector =
            read_socket_address(*node, "ipfix.collector", "192.0.2.7:4739 (names are not looked up)", top.complaints())
                .value_or(out.collector);
    assign_duration(*ipfix, "interval", 1s, 1h, out.interval);
    assign_duration(*ipfix, "template-interval", 1s, 1h, out.template_interval);
    assign_integer(*ipfix, "observation-domain", 0, 0xffff'ffff, out.observation_domain);
    assign_integer(*ipfix, "observation-point", 0, 0x7fff'ffff'ffff'ffff, out.observation_point);
    assign_integer(*ipfix, "enterprise-number", 1, 0xffff'fffe, out.enterprise_number);
    assign_integer(*ipfix, "message-bytes", 512, 65'507, out.message_bytes);
    ipfix->finish();
    settings.ipfix = out;
}

}  // namespace

void read_export(Fields& top, Settings& settings) {
    read_metrics(top, settings);
    read_ipfix(top, settings);
}

}  // namespace drywall::loader
