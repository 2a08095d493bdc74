#include "device.h"

#include <regex>

namespace drywall::io {

namespace {

// "3b:00.0" or "0000:3b:00.0"
std::optional<std::string> pci_address(const std::string& text) {
    static const std::regex shape("(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7])");
    std::smatch parts;
    if (!std::regex_match(text, parts, shape)) return std::nullopt;
    std::string address = (parts[1].matched ? parts[1].str() : "0000") + ":" + parts[2].str();
    for (char& c : address) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return address;
}

}  // namespace

Device parse_device(std::string_view text) {
    const std::size_t comma = text.find(',');
    Device device;
    device.name = text.substr(0, comma);
    if (comma != std::string_view::npos) device.arguments = text.substr(comma + 1);
    if (auto address = pci_address(device.name)) {
        device.pci = true;
        device.name = *std::move(address);
        return device;
    }
    device.driver = device.name.substr(0, device.name.find_last_not_of("0123456789") + 1);
    return device;
}

std::optional<std::string> Device::argument(std::string_view key) const {
    std::string_view rest = arguments;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find(','));
        rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : rest.size());
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos && pair.substr(0, equals) == key)
            return std::string(pair.substr(equals + 1));
    }
    return std::nullopt;
}

std::optional<std::string> Device::kernel_interface() const {
    if (driver != "net_af_packet" && driver != "net_af_xdp") return std::nullopt;
    return argument("iface");
}

}  // namespace drywall::io
