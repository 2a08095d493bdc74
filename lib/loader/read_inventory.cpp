// Pods, namespaces, service accounts, nodes, services and endpoint slices, as dumps of a cluster have them: with
// hundreds of fields that say nothing about packets. Those are passed over, whatever they hold; the few that matter are
// read as strictly as everywhere. As servers write null for "nothing", it is that here.
#include <array>

#include "kubernetes_parts.h"
#include "kubernetes_readers.h"

namespace drywall::loader {
namespace {

using policy::NamedPort;

constexpr std::array kBooleans{Choice<bool>{"true", true}, Choice<bool>{"false", false}};

// pod.status.phase: whether it is over.
constexpr std::array kPhases{Choice<bool>{"Pending", false}, Choice<bool>{"Running", false},
                             Choice<bool>{"Unknown", false}, Choice<bool>{"Succeeded", true},
                             Choice<bool>{"Failed", true}};

constexpr std::array kAddressTypes{Choice<int>{"IPv4", 4}, Choice<int>{"IPv6", 6}, Choice<int>{"FQDN", 0}};

// A part of a dump: a field is there or not, and nobody asks for the rest.
class Dump {
public:
    Dump(const Node& node, std::string path, Complaints& complaints)
        : node_(node), path_(std::move(path)), complaints_(complaints) {
        if (node.is_mapping() || node.is_null()) return;
        complaints.add(node.line, node.column, path_ + " must be a mapping, not " + described(node));
    }

    [[nodiscard]] const Node* find(std::string_view name) const {
        const Node* value = node_.find(name);
        return value != nullptr && !value->is_null() ? value : nullptr;
    }

    [[nodiscard]] std::string path_to(std::string_view name) const {
        return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
    }

    [[nodiscard]] Dump part(std::string_view name) const {
        static const Node nothing;
        const Node* value = find(name);
        return {value != nullptr ? *value : nothing, path_to(name), complaints_};
    }

    [[nodiscard]] std::string text(std::string_view name) const {
        const Node* value = find(name);
        return value ? read_text(*value, path_to(name), complaints_).value_or("") : "";
    }

    template <typename T>
    [[nodiscard]] std::optional<T> choice(std::string_view name, std::span<const Choice<T>> choices) const {
        const Node* value = find(name);
        return value ? read_choice<T>(*value, path_to(name), choices, complaints_) : std::nullopt;
    }

    [[nodiscard]] bool flag(std::string_view name) const {
        const Node* value = find(name);
        return value != nullptr && read_boolean(*value, path_to(name), complaints_).value_or(false);
    }

    [[nodiscard]] std::span<const Node> list(std::string_view name) const {
        const Node* value = find(name);
        if (value == nullptr) return {};
        if (!value->is_sequence()) {
            complaints_.add(value->line, value->column, path_to(name) + " must be a list, not " + described(*value));
        }
        return value->items;
    }

    // The items of a list of mappings.
    template <typename Reader>
    void each(std::string_view name, Reader read) const {
        std::size_t index = 0;
        for (const Node& item : list(name)) {
            read(Dump(item, path_to(name) + "[" + std::to_string(index++) + "]", complaints_));
        }
    }

    [[nodiscard]] std::optional<net::Address> address(const Node& node, std::string_view name) const {
        const auto text = read_text(node, path_to(name), complaints_);
        if (!text || text->empty()) return std::nullopt;
        if (const auto address = net::Address::parse(*text)) return address;
        complaints_.add(node.line, node.column, path_to(name) + ": " + shown(*text) + " is not an address",
                        "write it as 10.0.0.1 or 2001:db8::1, without a length");
        return std::nullopt;
    }

    [[nodiscard]] std::optional<net::Address> address(std::string_view name) const {
        const Node* value = find(name);
        return value ? address(*value, name) : std::nullopt;
    }

    // A port's number; `absent` where there is none.
    [[nodiscard]] std::uint16_t port(std::string_view name, std::uint16_t absent = 0) const {
        const Node* value = find(name);
        return value ? read_port_number(*value, path_to(name), complaints_).value_or(absent) : absent;
    }

    [[nodiscard]] std::uint8_t protocol() const {
        return choice<std::uint8_t>("protocol", kKubernetesProtocols).value_or(kKubernetesProtocols.front().second);
    }

    [[nodiscard]] const Node& node() const noexcept { return node_; }
    [[nodiscard]] Complaints& complaints() const noexcept { return complaints_; }

private:
    const Node& node_;
    std::string path_;
    Complaints& complaints_;
};

// The whole document, with every field of it accepted.
Dump open(Fields& top) {
    for (const Entry& entry : top.node().entries) top.ignore(entry.key);
    return {top.node(), "", top.complaints()};
}

void read_container(const Dump& container, std::vector<NamedPort>& ports) {
    container.each("ports", [&](const Dump& entry) {
        const Node* name = entry.find("name");
        if (name == nullptr || (name->is_scalar() && name->scalar.empty())) return;
        NamedPort port;
        port.name = read_port_name(*name, entry.path_to("name"), entry.complaints()).value_or("");
        port.protocol = entry.protocol();
        port.port = entry.port("containerPort");
        if (entry.find("containerPort") == nullptr) {
            entry.complaints().add(entry.node().line, entry.node().column,
                                   entry.path_to("containerPort") + " is missing");
        }
        ports.push_back(std::move(port));
    });
}

// Both lists of addresses say the same in a dump; a pod written by hand may have either.
std::vector<net::Address> read_pod_addresses(const Dump& status) {
    std::vector<net::Address> addresses;
    status.each("podIPs", [&](const Dump& entry) {
        if (const auto address = entry.address("ip")) addresses.push_back(*address);
    });
    const auto first = status.address("podIP");
    if (addresses.empty() && first) addresses.push_back(*first);
    return addresses;
}

}  // namespace

policy::Namespace read_namespace(Fields& top) {
    static_cast<void>(open(top));
    return {};
}

policy::ServiceAccount read_service_account(Fields& top) {
    static_cast<void>(open(top));
    return {};
}

policy::Pod read_pod(Fields& top) {
    const Dump pod = open(top);
    const Dump spec = pod.part("spec");
    const Dump status = pod.part("status");
    policy::Pod out;
    out.node = spec.text("nodeName");
    out.service_account = spec.text("serviceAccountName");
    if (out.service_account.empty()) out.service_account = spec.text("serviceAccount");  // its name of old
    if (out.service_account.empty()) out.service_account = "default";
    out.host_network = spec.flag("hostNetwork");
    out.finished = status.choice<bool>("phase", kPhases).value_or(false);
    out.addresses = read_pod_addresses(status);
    spec.each("containers", [&](const Dump& container) { read_container(container, out.ports); });
    spec.each("initContainers", [&](const Dump& container) {
        if (container.text("restartPolicy") == "Always") read_container(container, out.ports);  // a sidecar
    });
    return out;
}

policy::Node read_node(Fields& top) {
    policy::Node out;
    open(top).part("status").each("addresses", [&](const Dump& entry) {
        const std::string type = entry.text("type");
        if (type != "InternalIP" && type != "ExternalIP") return;
        if (const auto address = entry.address("address")) out.addresses.push_back(*address);
    });
    return out;
}

policy::Service read_service(Fields& top) {
    policy::Service out;
    const Dump spec = open(top).part("spec");
    const Dump selector = spec.part("selector");
    for (const Entry& entry : selector.node().entries) {
        out.selector[entry.key] = selector.text(entry.key);
    }
    for (const Node& item : spec.list("clusterIPs")) {
        const auto text = read_text(item, spec.path_to("clusterIPs"), spec.complaints());
        if (text) out.cluster_ips.push_back(*text);
    }
    const std::string first = spec.text("clusterIP");
    if (out.cluster_ips.empty() && !first.empty()) out.cluster_ips.push_back(first);
    spec.each("ports", [&](const Dump& entry) {
        policy::Service::Port port;
        port.name = entry.text("name");
        port.protocol = entry.protocol();
        port.port = entry.port("port");
        if (const Node* target = entry.find("targetPort")) {
            if (target->is_scalar()) port.target = target->scalar;
        }
        out.ports.push_back(std::move(port));
    });
    return out;
}

policy::EndpointSlice read_endpoint_slice(Fields& top) {
    policy::EndpointSlice out;
    const Dump slice = open(top);
    const auto family = slice.choice<int>("addressType", kAddressTypes);
    if (slice.find("addressType") == nullptr) {
        slice.complaints().add(slice.node().line, slice.node().column, "addressType is missing",
                               "write one of IPv4, IPv6, FQDN");
    }
    out.address_type = slice.text("addressType");
    slice.each("endpoints", [&](const Dump& endpoint) {
        const Dump conditions = endpoint.part("conditions");
        const bool unready = conditions.choice<bool>("ready", kBooleans) == false;
        for (const Node& item : endpoint.list("addresses")) {
            if (!family || *family == 0) continue;  // a name is no address
            const auto address = endpoint.address(item, "addresses");
            if (!address) continue;
            if (static_cast<int>(address->family) != *family) {
                slice.complaints().add(item.line, item.column,
                                       shown(item.scalar) + " is not of the slice's addressType " + out.address_type);
            }
            if (!unready) out.addresses.push_back(*address);
        }
    });
    slice.each("ports", [&](const Dump& entry) {
        out.ports.push_back({entry.text("name"), entry.protocol(), entry.port("port")});
    });
    return out;
}

}  // namespace drywall::loader
