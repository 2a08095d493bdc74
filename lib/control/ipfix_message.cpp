#include "ipfix_message.h"

#include <algorithm>

namespace drywall::control {

namespace {

constexpr std::uint16_t kVersion = 10;
constexpr std::size_t kMessageHeader = 16;
constexpr std::size_t kSetHeader = 4;
constexpr std::size_t kLengthAt = 2;  // in a message, and in a set

}  // namespace

void IpfixBytes::number(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = bytes; i-- > 0;) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void IpfixBytes::milliseconds(std::chrono::system_clock::time_point time) {
    u64(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count()));
}

void IpfixBytes::address(const net::Address& address) {
    append({address.bytes.data(), address.bits() / std::size_t{8}});
}

void IpfixBytes::text(std::string_view text) {
    text = text.substr(0, kLongestText);
    u8(text.size());
    append({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void IpfixBytes::set_u16(std::size_t at, std::uint64_t value) {
    bytes_[at] = static_cast<std::uint8_t>(value >> 8);
    bytes_[at + 1] = static_cast<std::uint8_t>(value);
}

void IpfixPacker::add(std::uint16_t set, const IpfixBytes& record, std::chrono::system_clock::time_point now,
                      bool flow) {
    const std::size_t needed = record.size() + (set == set_ ? 0 : kSetHeader);
    if (message_.size() > 0 && message_.size() + needed > most_) flush();
    if (message_.size() == 0) open(now);
    if (set != set_) {
        close_set();
        set_ = set;
        set_at_ = message_.size();
        message_.u16(set);
        message_.u16(0);
    }
    message_.append(record.bytes());
    if (set >= kFirstDataSet) ++data_records_;
    if (flow) ++flows_;
}

void IpfixPacker::open(std::chrono::system_clock::time_point now) {
    message_.u16(kVersion);
    message_.u16(0);
    message_.u32(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count()));
    message_.u32(sequence_);
    message_.u32(domain_);
}

void IpfixPacker::close_set() {
    if (set_ != 0) message_.set_u16(set_at_ + kLengthAt, message_.size() - set_at_);
    set_ = 0;
}

void IpfixPacker::flush() {
    if (message_.size() <= kMessageHeader) return;
    close_set();
    message_.set_u16(kLengthAt, message_.size());
    sink_.send(message_.bytes(), flows_);
    sequence_ += data_records_;
    data_records_ = 0;
    flows_ = 0;
    message_.clear();
}

}  // namespace drywall::control
