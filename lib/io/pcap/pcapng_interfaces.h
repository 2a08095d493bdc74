// PcapngInterfaces: on which interface each packet of a pcapng file was captured. libpcap reads the packets but does
// not say; this walks over the same blocks beside it.
//
// Threads: one per object.
// Source:  draft-ietf-opsawg-pcapng, sections 3 and 4.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace drywall::io {

struct FileCloser {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

class PcapngInterfaces {
public:
    // Nothing if the file is no pcapng.
    [[nodiscard]] static std::optional<PcapngInterfaces> of(File file);

    // The interface of the next packet. Nothing when there is no more, or where the file makes no sense.
    [[nodiscard]] std::optional<std::uint32_t> next();

    // Of the section that was read last.
    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

private:
    explicit PcapngInterfaces(File file) noexcept : file_(std::move(file)) {}
    [[nodiscard]] bool read_block();  // into type_ and body_
    [[nodiscard]] std::uint32_t number32(std::size_t at) const noexcept;
    [[nodiscard]] std::uint16_t number16(std::size_t at) const noexcept;
    void describe_interface();

    File file_;
    bool big_endian_ = false;
    std::uint32_t type_ = 0;
    std::vector<std::uint8_t> body_;
    std::vector<std::string> names_;
};

}  // namespace drywall::io
