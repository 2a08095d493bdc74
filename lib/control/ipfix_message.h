// IPFIX messages: records packed into sets, and sets into messages that fit a datagram.
//
// Threads: its owner's.
// Source:  RFC 7011, section 3 (headers, sets, templates, variable length), section 3.1 (sequence numbers).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "drywall/net/address.h"

namespace drywall::control {

inline constexpr std::uint16_t kTemplateSet = 2;
inline constexpr std::uint16_t kOptionsTemplateSet = 3;
inline constexpr std::uint16_t kFirstDataSet = 256;
inline constexpr std::uint16_t kVariableLength = 65535;

// Bytes in network order.
class IpfixBytes {
public:
    void u8(std::uint64_t value) { number(value, 1); }
    void u16(std::uint64_t value) { number(value, 2); }
    void u32(std::uint64_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }
    void milliseconds(std::chrono::system_clock::time_point time);
    void address(const net::Address& address);
    // Of variable length; what is longer than kLongestText is cut.
    void text(std::string_view text);
    void set_u16(std::size_t at, std::uint64_t value);

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return bytes_; }
    void append(std::span<const std::uint8_t> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    void clear() noexcept { bytes_.clear(); }

    // One byte says their length (RFC 7011, section 7).
    static constexpr std::size_t kLongestText = 254;

private:
    void number(std::uint64_t value, std::size_t bytes);
    std::vector<std::uint8_t> bytes_;
};

// What becomes of a message. The second number is that of the records in it that the sender called flows.
class IpfixSink {
public:
    virtual ~IpfixSink() = default;
    virtual void send(std::span<const std::uint8_t> message, std::size_t flows) = 0;
};

class IpfixPacker {
public:
    IpfixPacker(std::uint32_t observation_domain, std::size_t message_bytes, IpfixSink& sink)
        : domain_(observation_domain), most_(message_bytes), sink_(sink) {}

    // Appends a record (or a template, for sets 2 and 3), opening sets and messages as it needs them. A record that is
    // longer than a message goes into one of its own.
    void add(std::uint16_t set, const IpfixBytes& record, std::chrono::system_clock::time_point now, bool flow = false);
    // Hands over what was begun.
    void flush();

private:
    void open(std::chrono::system_clock::time_point now);
    void close_set();

    std::uint32_t domain_;
    std::size_t most_;
    IpfixSink& sink_;
    std::uint32_t sequence_ = 0;  // data records of the messages before this one, sent or lost
    IpfixBytes message_;          // empty: none is begun
    std::uint16_t set_ = 0;
    std::size_t set_at_ = 0;
    std::uint32_t data_records_ = 0;  // in this message
    std::size_t flows_ = 0;
};

}  // namespace drywall::control
