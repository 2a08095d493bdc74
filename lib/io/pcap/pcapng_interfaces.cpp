#include "pcapng_interfaces.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace drywall::io {

namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;  // reads the same in both byte orders
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kOldPacket = 2;  // obsolete
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint32_t kLargestBlock = 16U << 20U;  // libpcap's own limit
constexpr std::size_t kFrame = 12;                   // type, and the length twice
constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::size_t kInterfaceOptions = 8;  // behind link type, reserved bytes and snapshot length

std::uint32_t number_of(const std::uint8_t* bytes, bool big_endian) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8U | bytes[big_endian ? i : 3 - i];
    return value;
}

}  // namespace

std::optional<PcapngInterfaces> PcapngInterfaces::of(File file) {
    PcapngInterfaces interfaces(std::move(file));
    if (!interfaces.read_block() || interfaces.type_ != kSectionHeader) return std::nullopt;
    std::rewind(interfaces.file_.get());
    return interfaces;
}

std::optional<std::uint32_t> PcapngInterfaces::next() {
    while (read_block()) {
        switch (type_) {
            case kSectionHeader: names_.clear(); break;
            case kInterfaceDescription: describe_interface(); break;
            case kSimplePacket: return 0;
            case kOldPacket:
                if (body_.size() < 2) return std::nullopt;
                return number16(0);
            case kEnhancedPacket:
                if (body_.size() < 4) return std::nullopt;
                return number32(0);
            default: break;
        }
    }
    return std::nullopt;
}

// Of packets only the number of their interface is read: it stands first.
bool PcapngInterfaces::read_block() {
    std::array<std::uint8_t, kFrame> start{};
    if (std::fread(start.data(), 1, start.size(), file_.get()) != start.size()) return false;
    type_ = number_of(start.data(), big_endian_);
    if (type_ == kSectionHeader) {  // its length can be read only once its byte order is known
        big_endian_ = number_of(start.data() + 8, true) == kByteOrderMagic;
        if (!big_endian_ && number_of(start.data() + 8, false) != kByteOrderMagic) return false;
    }
    const std::uint32_t length = number_of(start.data() + 4, big_endian_);
    if (length < kFrame || length > kLargestBlock) return false;
    // The four bytes behind type and length are the body's first, or, of an empty one, the length again.
    body_.assign(start.begin() + 8, length > kFrame ? start.end() : start.begin() + 8);
    const std::size_t rest = length - kFrame;
    if (type_ != kInterfaceDescription) return std::fseek(file_.get(), static_cast<long>(rest), SEEK_CUR) == 0;
    body_.resize(body_.size() + rest);
    if (std::fread(body_.data() + (body_.size() - rest), 1, rest, file_.get()) != rest) return false;
    body_.resize(length - kFrame);
    return true;
}

std::uint32_t PcapngInterfaces::number32(std::size_t at) const noexcept {
    return number_of(body_.data() + at, big_endian_);
}

std::uint16_t PcapngInterfaces::number16(std::size_t at) const noexcept {
    const unsigned first = body_[at];
    const unsigned second = body_[at + 1];
    return static_cast<std::uint16_t>(big_endian_ ? first << 8U | second : second << 8U | first);
}

void PcapngInterfaces::describe_interface() {
    std::string& name = names_.emplace_back();
    for (std::size_t at = kInterfaceOptions; at + 4 <= body_.size();) {
        const std::uint16_t code = number16(at);
        const std::size_t length = number16(at + 2);
        at += 4;
        if (code == kEndOfOptions || length > body_.size() - at) return;
        if (code == kInterfaceName) name.assign(reinterpret_cast<const char*>(body_.data()) + at, length);
        at += (length + 3) / 4 * 4;
    }
}

}  // namespace drywall::io
