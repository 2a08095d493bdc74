#include "kernel_interface.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace drywall::io {

namespace {

// Any socket will do to ask about interfaces.
class QuestionSocket {
public:
    QuestionSocket() noexcept : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
    ~QuestionSocket() {
        if (fd_ >= 0) ::close(fd_);
    }
    QuestionSocket(const QuestionSocket&) = delete;
    QuestionSocket& operator=(const QuestionSocket&) = delete;

    bool ask(unsigned long question, ifreq& request) const noexcept {
        return fd_ >= 0 && ::ioctl(fd_, question, &request) == 0;
    }

private:
    int fd_;
};

ifreq request_for(const std::string& interface) noexcept {
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
    return request;
}

// `question` is one of ethtool's structs, and takes the answer. 0, or an errno.
int ask_ethtool(const std::string& interface, void* question) noexcept {
    const QuestionSocket socket;
    ifreq request = request_for(interface);
    request.ifr_data = static_cast<char*>(question);
    return socket.ask(SIOCETHTOOL, request) ? 0 : errno;
}

// ethtool's structs end in an array whose length the caller chooses.
template <typename Header, typename Item>
class WithItems {
public:
    explicit WithItems(std::size_t count)
        : bytes_(sizeof(Header) + count * sizeof(Item)), store_((bytes_ + sizeof(std::uint64_t) - 1) / 8) {}
    [[nodiscard]] Header& header() noexcept { return *reinterpret_cast<Header*>(store_.data()); }
    [[nodiscard]] Item* items() noexcept {
        return reinterpret_cast<Item*>(reinterpret_cast<char*>(store_.data()) + sizeof(Header));
    }
    [[nodiscard]] void* data() noexcept { return store_.data(); }

private:
    std::size_t bytes_;
    std::vector<std::uint64_t> store_;
};

struct FeatureName {
    char text[ETH_GSTRING_LEN];
};

// In the order of their bits; those without a name are of no use to anybody.
std::vector<std::string> feature_names(const std::string& interface) {
    WithItems<ethtool_sset_info, std::uint32_t> sizes(1);
    sizes.header().cmd = ETHTOOL_GSSET_INFO;
    sizes.header().sset_mask = std::uint64_t{1} << ETH_SS_FEATURES;
    if (ask_ethtool(interface, sizes.data()) != 0) return {};
    const std::uint32_t count = *sizes.items();
    WithItems<ethtool_gstrings, FeatureName> list(count);
    list.header().cmd = ETHTOOL_GSTRINGS;
    list.header().string_set = ETH_SS_FEATURES;
    list.header().len = count;
    if (ask_ethtool(interface, list.data()) != 0) return {};
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < count; ++i) {
        const char* text = list.items()[i].text;
        names.emplace_back(text, ::strnlen(text, ETH_GSTRING_LEN));
    }
    return names;
}

constexpr std::size_t kBlockBits = 32;

std::uint32_t blocks_for(std::size_t features) {
    return static_cast<std::uint32_t>((features + kBlockBits - 1) / kBlockBits);
}

}  // namespace

std::vector<std::string> kernel_interfaces() {
    std::vector<std::string> names;
    const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> list(if_nameindex(), if_freenameindex);
    if (!list) return names;
    for (const struct if_nameindex* entry = list.get(); entry->if_name != nullptr; ++entry)
        names.emplace_back(entry->if_name);
    return names;
}

bool kernel_link_up(const std::string& interface) noexcept {
    ifreq request = request_for(interface);
    if (!QuestionSocket().ask(SIOCGIFFLAGS, request)) return false;
    return (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

std::uint16_t kernel_mtu(const std::string& interface) noexcept {
    ifreq request = request_for(interface);
    if (!QuestionSocket().ask(SIOCGIFMTU, request)) return 0;
    constexpr int kMost = std::numeric_limits<std::uint16_t>::max();  // the loopback's is one more
    return static_cast<std::uint16_t>(std::clamp(request.ifr_mtu, 0, kMost));
}

bool set_kernel_link(const std::string& interface, bool up) noexcept {
    const QuestionSocket socket;
    ifreq request = request_for(interface);
    if (!socket.ask(SIOCGIFFLAGS, request)) return false;
    const auto before = request.ifr_flags;
    request.ifr_flags = static_cast<short>(up ? before | IFF_UP : before & ~IFF_UP);
    return request.ifr_flags == before || socket.ask(SIOCSIFFLAGS, request);
}

std::vector<KernelFeature> kernel_features(const std::string& interface) {
    const std::vector<std::string> names = feature_names(interface);
    const std::uint32_t blocks = blocks_for(names.size());
    WithItems<ethtool_gfeatures, ethtool_get_features_block> answer(blocks);
    answer.header().cmd = ETHTOOL_GFEATURES;
    answer.header().size = blocks;
    if (names.empty() || ask_ethtool(interface, answer.data()) != 0) return {};
    std::vector<KernelFeature> features;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const ethtool_get_features_block& block = answer.items()[i / kBlockBits];
        const std::uint32_t bit = std::uint32_t{1} << (i % kBlockBits);
        if (!names[i].empty()) features.push_back({names[i], (block.active & bit) != 0});
    }
    return features;
}

int set_kernel_features(const std::string& interface, const std::vector<std::string>& names, bool on) {
    const std::vector<std::string> known = feature_names(interface);
    const std::uint32_t blocks = blocks_for(known.size());
    WithItems<ethtool_sfeatures, ethtool_set_features_block> wish(blocks);
    wish.header().cmd = ETHTOOL_SFEATURES;
    wish.header().size = blocks;
    for (const std::string& name : names) {
        const auto found = std::find(known.begin(), known.end(), name);
        if (found == known.end()) return EOPNOTSUPP;
        const auto place = static_cast<std::size_t>(found - known.begin());
        const std::uint32_t bit = std::uint32_t{1} << (place % kBlockBits);
        ethtool_set_features_block& block = wish.items()[place / kBlockBits];
        block.valid |= bit;
        if (on) block.requested |= bit;
    }
    return ask_ethtool(interface, wish.data());
}

std::string kernel_driver(const std::string& interface) noexcept {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    if (ask_ethtool(interface, &info) != 0) return {};
    return {info.driver, ::strnlen(info.driver, sizeof info.driver)};
}

}  // namespace drywall::io
