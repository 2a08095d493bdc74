#include "drywall/inspect/dns_message.h"

#include <algorithm>

namespace drywall::inspect {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kRecordFields = 10;  // type, class, time to live, length of the data
constexpr std::uint16_t kInternet = 1;
constexpr std::uint8_t kResponse = 0x80;
constexpr std::uint8_t kOpcode = 0x78;
constexpr std::uint8_t kResponseCode = 0x0f;
constexpr std::uint8_t kPointer = 0xc0;
constexpr std::size_t kMostPointers = 128;  // a name has at most 127 labels; more pointers than that lead nowhere
constexpr std::uint32_t kMostTtl = 0x7fffffff;

using Bytes = std::span<const std::uint8_t>;

std::uint16_t number16(Bytes bytes, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

std::uint32_t number32(Bytes bytes, std::size_t at) noexcept {
    return std::uint32_t{number16(bytes, at)} << 16U | number16(bytes, at + 2);
}

// Visible characters but the dot, which stands between labels.
bool may_stand_in_name(std::uint8_t byte) noexcept { return byte > 0x20 && byte < 0x7f && byte != '.'; }

char folded(std::uint8_t byte) noexcept {
    return static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
}

// Reads the name at `at`, and leads `at` behind it. Pointers lead strictly back, so that there is no loop.
bool read_name(Bytes bytes, std::size_t& at, DnsName& name) noexcept {
    name.clear();
    std::size_t from = at;
    std::size_t earliest = at;
    std::size_t pointers = 0;
    while (from < bytes.size()) {
        const std::uint8_t length = bytes[from];
        if ((length & kPointer) == kPointer) {
            if (from + 2 > bytes.size() || ++pointers > kMostPointers) return false;
            const std::size_t target = number16(bytes, from) & 0x3fffU;
            if (target >= earliest || target < kHeader) return false;
            if (pointers == 1) at = from + 2;
            from = earliest = target;
            continue;
        }
        if ((length & kPointer) != 0) return false;  // label types that were never used (RFC 6891, section 5)
        if (length == 0) {
            if (pointers == 0) at = from + 1;
            return true;
        }
        if (from + 1 + length > bytes.size() || !name.append_label(bytes.subspan(from + 1, length))) return false;
        from += 1 + std::size_t{length};
    }
    return false;
}

struct Record {
    DnsName owner;
    std::uint16_t type = 0;
    bool internet = false;
    std::uint32_t ttl = 0;
    std::size_t data_at = 0;
    std::size_t data_size = 0;
};

// Reads the record at `at`, and leads `at` behind it.
bool read_record(Bytes bytes, std::size_t& at, Record& record) noexcept {
    if (!read_name(bytes, at, record.owner) || bytes.size() - at < kRecordFields) return false;
    record.type = number16(bytes, at);
    record.internet = number16(bytes, at + 2) == kInternet;
    const std::uint32_t ttl = number32(bytes, at + 4);
    record.ttl = ttl > kMostTtl ? 0 : ttl;  // RFC 2181, section 8
    record.data_size = number16(bytes, at + 8);
    record.data_at = at + kRecordFields;
    if (bytes.size() - record.data_at < record.data_size) return false;
    at = record.data_at + record.data_size;
    return true;
}

std::size_t size_of_address(std::uint16_t type) noexcept {
    if (type == dns_type::kA) return 4;
    return type == dns_type::kAaaa ? 16 : 0;
}

enum class Next : std::uint8_t { kGoOn, kStop, kFail };

// One pass over the records of a message. False: a record can't be read, or visit() failed.
template <typename Visit>
bool for_each_record(const DnsMessage& message, Visit visit) noexcept {
    const std::size_t count = std::min<std::size_t>(message.answers, kMaxDnsRecords);
    std::size_t at = message.answers_at;
    Record record;
    for (std::size_t i = 0; i < count; ++i) {
        if (!read_record(message.bytes, at, record)) return false;
        const Next next = visit(record);
        if (next == Next::kFail) return false;
        if (next == Next::kStop) break;
    }
    return true;
}

// Follows the first alias of the last name; `further` says whether there is one. False: it can't be read.
bool follow_alias(const DnsMessage& message, DnsAnswer& answer, bool& further) noexcept {
    further = false;
    return for_each_record(message, [&](const Record& record) noexcept {
        const std::size_t last = answer.names.size() - 1;
        if (record.type != dns_type::kCname || !record.internet || record.owner != answer.names[last])
            return Next::kGoOn;
        answer.incomplete = true;  // a loop, or a longer way than is followed, unless it turns out otherwise
        if (answer.names.full()) return Next::kStop;
        std::size_t at = record.data_at;
        DnsName target;
        if (!read_name(message.bytes, at, target) || at != record.data_at + record.data_size) return Next::kFail;
        if (std::find(answer.names.begin(), answer.names.end(), target) != answer.names.end()) return Next::kStop;
        (void)answer.names.push_back(target);
        answer.alias_ttl[last] = record.ttl;
        answer.incomplete = message.answers > kMaxDnsRecords;
        further = true;
        return Next::kStop;
    });
}

bool take_addresses(const DnsMessage& message, DnsAnswer& answer) noexcept {
    const DnsName& name = answer.names[answer.names.size() - 1];
    const std::uint16_t asked = message.question.type;
    return for_each_record(message, [&](const Record& record) noexcept {
        const std::size_t size = size_of_address(record.type);
        const bool wanted = size != 0 && (record.type == asked || asked == dns_type::kAny);
        if (!wanted || !record.internet || record.owner != name) return Next::kGoOn;
        if (record.data_size != size) return Next::kFail;
        DnsAddress found{.address = {.family = size == 4 ? net::Family::kIPv4 : net::Family::kIPv6, .bytes = {}},
                         .ttl = record.ttl};
        const Bytes data = message.bytes.subspan(record.data_at, size);
        std::copy(data.begin(), data.end(), found.address.bytes.begin());
        (void)answer.addresses.push_back(found);  // there is room for one from every record
        return Next::kGoOn;
    });
}

}  // namespace

std::optional<DnsName> DnsName::of(std::string_view text) noexcept {
    if (text.ends_with('.')) text.remove_suffix(1);
    DnsName name;
    while (!text.empty()) {
        const std::string_view label = text.substr(0, text.find('.'));
        if (!name.append_label({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()}))
            return std::nullopt;
        text.remove_prefix(std::min(text.size(), label.size() + 1));
    }
    return name;
}

bool DnsName::append_label(std::span<const std::uint8_t> label) noexcept {
    const std::size_t dot = size_ == 0 ? 0 : 1;
    if (label.empty() || label.size() > 63 || size_ + dot + label.size() > kMost) return false;
    if (!std::all_of(label.begin(), label.end(), may_stand_in_name)) return false;
    if (dot != 0) text_[size_] = '.';
    std::transform(label.begin(), label.end(), text_.begin() + static_cast<std::ptrdiff_t>(size_ + dot), folded);
    size_ = static_cast<std::uint8_t>(size_ + dot + label.size());
    return true;
}

std::optional<DnsMessage> DnsMessage::read(std::span<const std::uint8_t> bytes) noexcept {
    if (bytes.size() < kHeader) return std::nullopt;
    const bool one_question = number16(bytes, 4) == 1;
    if (!one_question || (bytes[2] & kOpcode) != 0) return std::nullopt;
    DnsMessage message;
    message.id = number16(bytes, 0);
    message.response = (bytes[2] & kResponse) != 0;
    message.response_code = bytes[3] & kResponseCode;
    message.answers = number16(bytes, 6);
    message.bytes = bytes;
    std::size_t at = kHeader;
    if (!read_name(bytes, at, message.question.name) || bytes.size() - at < 4) return std::nullopt;
    message.question.type = number16(bytes, at);
    if (number16(bytes, at + 2) != kInternet) return std::nullopt;
    message.answers_at = at + 4;
    return message;
}

std::uint32_t DnsAnswer::ttl_of(std::size_t name, const DnsAddress& address) const noexcept {
    std::uint32_t ttl = address.ttl;
    for (std::size_t i = name; i + 1 < names.size(); ++i) ttl = std::min(ttl, alias_ttl[i]);
    return ttl;
}

bool read_answer(const DnsMessage& message, DnsAnswer& answer) noexcept {
    answer.names.clear();
    answer.addresses.clear();
    answer.incomplete = message.answers > kMaxDnsRecords;
    (void)answer.names.push_back(message.question.name);
    if (message.response_code != 0) return true;
    for (bool further = true; further;)
        if (!follow_alias(message, answer, further)) return false;
    return take_addresses(message, answer);
}

}  // namespace drywall::inspect
