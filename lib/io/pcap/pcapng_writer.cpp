#include "drywall/io/pcapng_writer.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <limits>

namespace drywall::io {

namespace {

// Block types and options, by their names in the source.
constexpr std::uint32_t kSectionHeaderBlock = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescriptionBlock = 1;
constexpr std::uint32_t kEnhancedPacketBlock = 6;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint16_t kMajorVersion = 1;
constexpr std::uint16_t kMinorVersion = 0;
constexpr std::uint16_t kLinkTypeEthernet = 1;
constexpr std::uint16_t kOptEndOfOptions = 0;
constexpr std::uint16_t kOptComment = 1;
constexpr std::uint16_t kShbUserApplication = 4;
constexpr std::uint16_t kIfName = 2;
constexpr std::uint16_t kIfTimeResolution = 9;
constexpr std::string_view kNanoseconds = "\x09";  // ten to the minus ninth
constexpr std::uint32_t kUnknownLength = 0xffffffff;

}  // namespace

Result<PcapngWriter> PcapngWriter::create(const std::string& file, std::span<const std::string> interfaces,
                                          std::uint32_t snapshot_length) {
    const bool standard = file == "-";
    std::FILE* stream = standard ? stdout : std::fopen(file.c_str(), "wb");
    if (stream == nullptr)
        return Error::invalid(Place{file}, std::string("can't be written: ") + std::strerror(errno),
                              "name a file in a directory that is there and yours");
    PcapngWriter writer(stream, standard ? "standard output" : file);
    if (Status begun = writer.begin_section(interfaces, snapshot_length); !begun) return begun.error();
    return writer;
}

Status PcapngWriter::begin_section(std::span<const std::string> interfaces, std::uint32_t snapshot_length) {
    begin(kSectionHeaderBlock);
    add32(kByteOrder);
    add16(kMajorVersion);
    add16(kMinorVersion);
    add32(kUnknownLength);  // of the section, 64 bits: not known yet
    add32(kUnknownLength);
    add_option(kShbUserApplication, "drywall");
    end_options();
    if (Status written = end(); !written) return written;
    for (const std::string& name : interfaces) {
        begin(kInterfaceDescriptionBlock);
        add16(kLinkTypeEthernet);
        add16(0);  // reserved
        add32(snapshot_length);
        add_option(kIfName, name);
        add_option(kIfTimeResolution, kNanoseconds);
        end_options();
        if (Status written = end(); !written) return written;
    }
    return Done{};
}

Status PcapngWriter::write(const CapturedPacket& packet, std::string_view comment) {
    const auto time = static_cast<std::uint64_t>(packet.time.count());
    begin(kEnhancedPacketBlock);
    add32(packet.interface);
    add32(static_cast<std::uint32_t>(time >> 32U));
    add32(static_cast<std::uint32_t>(time));
    add32(static_cast<std::uint32_t>(packet.bytes.size()));
    add32(packet.length);
    add_padded(packet.bytes);
    if (!comment.empty()) {
        add_option(kOptComment, comment);
        end_options();
    }
    return end();
}

void PcapngWriter::begin(std::uint32_t type) {
    block_.clear();
    add32(type);
    add32(0);  // its length, which end() knows
}

// The byte order is free, and told by kByteOrder: least significant byte first, whatever the machine.
void PcapngWriter::add16(std::uint16_t value) {
    block_.push_back(static_cast<std::uint8_t>(value));
    block_.push_back(static_cast<std::uint8_t>(value >> 8U));
}

void PcapngWriter::add32(std::uint32_t value) {
    add16(static_cast<std::uint16_t>(value));
    add16(static_cast<std::uint16_t>(value >> 16U));
}

void PcapngWriter::add_padded(std::span<const std::uint8_t> bytes) {
    block_.insert(block_.end(), bytes.begin(), bytes.end());
    block_.resize((block_.size() + 3) / 4 * 4);
}

void PcapngWriter::add_option(std::uint16_t code, std::string_view text) {
    text = text.substr(0, std::numeric_limits<std::uint16_t>::max());
    add16(code);
    add16(static_cast<std::uint16_t>(text.size()));
    add_padded({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void PcapngWriter::end_options() {
    add16(kOptEndOfOptions);
    add16(0);
}

Status PcapngWriter::end() {
    const auto length = static_cast<std::uint32_t>(block_.size() + 4);
    add32(length);
    std::copy_n(block_.end() - 4, 4, block_.begin() + 4);
    const bool written = std::fwrite(block_.data(), 1, block_.size(), file_.get()) == block_.size();
    if (written && std::fflush(file_.get()) == 0) return Done{};
    return Error{ErrorKind::kUnavailable,
                 {{Place{name_}, std::string("can't be written: ") + std::strerror(errno),
                   file_.get() == stdout ? "has its reader gone?" : "is the disk full?"}}};
}

}  // namespace drywall::io
