#include "dns_words.h"

#include <map>

#include "packets.h"

namespace drywall::test {
namespace {

class Writer {
public:
    explicit Writer(bool compressed) : compressed_(compressed) {}

    void number(std::uint64_t value, int bytes) {
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
            out.push_back(static_cast<std::uint8_t>(value >> shift));
    }

    void name(std::string text) {
        while (!text.empty()) {
            if (compressed_ && written_.contains(text)) return number(0xc000U | written_[text], 2);
            if (out.size() < 0x4000) written_.emplace(text, out.size());
            const std::string label = text.substr(0, text.find('.'));
            out.push_back(static_cast<std::uint8_t>(label.size()));
            out.insert(out.end(), label.begin(), label.end());
            text.erase(0, label.size() + 1);
        }
        out.push_back(0);
    }

    std::vector<std::uint8_t> out;

private:
    bool compressed_;
    std::map<std::string, std::size_t> written_;
};

}  // namespace

DnsWords DnsWords::type(std::uint16_t type) const {
    DnsWords next = *this;
    next.type_ = type;
    return next;
}

DnsWords DnsWords::answer(std::uint8_t response_code) const {
    DnsWords next = *this;
    next.flags_ = static_cast<std::uint16_t>(next.flags_ | 0x8080U | response_code);
    return next;
}

DnsWords DnsWords::truncated() const {
    DnsWords next = *this;
    next.flags_ |= 0x0200U;
    return next;
}

DnsWords DnsWords::compressed() const {
    DnsWords next = *this;
    next.compressed_ = true;
    return next;
}

DnsWords DnsWords::additional() const {
    DnsWords next = *this;
    next.in_additional_ = true;
    return next;
}

DnsWords DnsWords::a(std::string owner, std::string_view text, std::uint32_t ttl) const {
    const auto bytes = address(text).bytes;
    return record(std::move(owner), 1, {bytes.begin(), bytes.begin() + 4}, ttl);
}

DnsWords DnsWords::aaaa(std::string owner, std::string_view text, std::uint32_t ttl) const {
    const auto bytes = address(text).bytes;
    return record(std::move(owner), 28, {bytes.begin(), bytes.end()}, ttl);
}

DnsWords DnsWords::cname(std::string owner, std::string target, std::uint32_t ttl) const {
    DnsWords next = record(std::move(owner), 5, {}, ttl);
    next.records_.back().target = std::move(target);
    return next;
}

DnsWords DnsWords::record(std::string owner, std::uint16_t type, std::vector<std::uint8_t> data, std::uint32_t ttl,
                          std::uint16_t record_class) const {
    DnsWords next = *this;
    next.records_.push_back({.owner = std::move(owner),
                             .type = type,
                             .record_class = record_class,
                             .ttl = ttl,
                             .data = std::move(data),
                             .target = {},
                             .additional = in_additional_});
    return next;
}

std::vector<std::uint8_t> DnsWords::bytes() const {
    std::uint64_t answers = 0;
    for (const Record& record : records_) answers += record.additional ? 0 : 1;
    Writer to(compressed_);
    for (const std::uint64_t field : {std::uint64_t{id_}, std::uint64_t{flags_}, std::uint64_t{1}, answers,
                                      std::uint64_t{0}, records_.size() - answers})
        to.number(field, 2);
    to.name(name_);
    to.number(type_, 2);
    to.number(1, 2);
    for (const Record& record : records_) {
        to.name(record.owner);
        to.number(record.type, 2);
        to.number(record.record_class, 2);
        to.number(record.ttl, 4);
        const std::size_t length_at = to.out.size();
        to.number(0, 2);
        if (record.target.empty())
            to.out.insert(to.out.end(), record.data.begin(), record.data.end());
        else
            to.name(record.target);
        const std::size_t length = to.out.size() - length_at - 2;
        to.out[length_at] = static_cast<std::uint8_t>(length >> 8U);
        to.out[length_at + 1] = static_cast<std::uint8_t>(length);
    }
    return to.out;
}

}  // namespace drywall::test
