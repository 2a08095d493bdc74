// DnsMessage: one message of DNS, read where it lies, as far as names and addresses go: the question, and which
// addresses an answer gives to the name that was asked for.
//
// Own code and not a library's: c-ares and ldns build trees on the heap, and a packet must not allocate
// (docs/adr/0023).
//
// Threads: values, on the packet path; noexcept, nothing is allocated.
// Source:  RFC 1035, 2181 (times to live, classes), 3596 (AAAA).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "drywall/base/fixed_vector.h"
#include "drywall/net/address.h"

namespace drywall::inspect {

// A domain name in the form in which names are compared: lower case, without the dot at the end. The root is empty.
// Bytes that would make two names look like one (a dot within a label, what can't be seen) are not in it.
class DnsName {
public:
    static constexpr std::size_t kMost = 253;

    DnsName() noexcept = default;

    // Nothing for a text that is no such name.
    [[nodiscard]] static std::optional<DnsName> of(std::string_view text) noexcept;

    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }
    bool operator==(const DnsName& other) const noexcept { return text() == other.text(); }

    void clear() noexcept { size_ = 0; }
    // False, and nothing of use is left, when there is no room or a byte has no place in a name.
    [[nodiscard]] bool append_label(std::span<const std::uint8_t> label) noexcept;

private:
    std::array<char, kMost> text_;  // the first size_ of them
    std::uint8_t size_ = 0;
};

namespace dns_type {
inline constexpr std::uint16_t kA = 1;
inline constexpr std::uint16_t kCname = 5;
inline constexpr std::uint16_t kAaaa = 28;
inline constexpr std::uint16_t kAny = 255;
}  // namespace dns_type

struct DnsQuestion {
    DnsName name;
    std::uint16_t type = 0;
};

// A standard query for one name of the Internet's class, or the response to one.
struct DnsMessage {
    std::uint16_t id = 0;
    bool response = false;
    std::uint8_t response_code = 0;  // 0: no error
    DnsQuestion question;
    std::span<const std::uint8_t> bytes;  // the whole message; must outlive this
    std::size_t answers_at = 0;           // where its answers begin
    std::uint16_t answers = 0;            // how many it says there are

    // Nothing for what is no such message (another opcode, class, or number of questions), and for what can't be read.
    [[nodiscard]] static std::optional<DnsMessage> read(std::span<const std::uint8_t> bytes) noexcept;
};

// So much of one message is read: its cost on the packet path has a bound. Resolvers follow about a dozen aliases.
inline constexpr std::size_t kMaxDnsRecords = 128;
inline constexpr std::size_t kMaxDnsAliases = 12;

struct DnsAddress {
    net::Address address;
    std::uint32_t ttl = 0;  // seconds
};

// What a response says about the name that was asked for, and nothing else: aliases are followed from the question on,
// in whatever order their records come, and addresses count if they are those of the last name. The authority and
// additional sections, in which a server could speak of anybody, are not looked at.
struct DnsAnswer {
    FixedVector<DnsName, kMaxDnsAliases + 1> names;         // the question's, what it is an alias of, ...
    std::array<std::uint32_t, kMaxDnsAliases> alias_ttl{};  // [i]: that names[i] is an alias of names[i + 1]
    FixedVector<DnsAddress, kMaxDnsRecords> addresses;      // of the type that was asked for
    bool incomplete = false;                                // there is more than is read of one message

    // Seconds for which the name may be taken for the address: nothing on the way may have ended.
    [[nodiscard]] std::uint32_t ttl_of(std::size_t name, const DnsAddress& address) const noexcept;
};

// False when the answers can't be read: then nothing that they say may be believed. An error (no such name) is an
// answer without addresses. REQUIRES: message.response
[[nodiscard]] bool read_answer(const DnsMessage& message, DnsAnswer& answer) noexcept;

}  // namespace drywall::inspect
