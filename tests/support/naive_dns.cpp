#include "naive_dns.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace drywall::test {
namespace {

// Thrown and caught in this file: what can't be read.
struct Unreadable : std::runtime_error {
    Unreadable() : std::runtime_error("unreadable") {}
};

struct Record {
    std::string owner;
    unsigned type = 0;
    unsigned record_class = 0;
    std::uint32_t ttl = 0;
    std::size_t data_at = 0;
    std::size_t data_size = 0;
};

class Reader {
public:
    explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    unsigned byte(std::size_t at) const {
        if (at >= bytes_.size()) throw Unreadable();
        return bytes_[at];
    }
    unsigned number(std::size_t at) const { return byte(at) * 256 + byte(at + 1); }

    // The labels from `at` on, each followed by a dot; `end` is where the name ends in the place where it stands.
    std::string name(std::size_t at, std::size_t& end, int pointers = 0) const {
        std::string text;
        const std::size_t start = at;
        while (byte(at) != 0) {
            if (byte(at) >= 0xc0) {
                const std::size_t target = number(at) - 0xc000U;
                if (target >= start || target < 12 || pointers == 128) throw Unreadable();
                std::size_t ignored = 0;
                end = at + 2;
                return text + name(target, ignored, pointers + 1);
            }
            if (byte(at) >= 0x40) throw Unreadable();
            for (unsigned i = 1; i <= byte(at); ++i) text += letter(byte(at + i));
            text += '.';
            at += 1 + byte(at);
        }
        end = at + 1;
        return text;
    }

    // In lower case and without the last dot.
    std::string whole_name(std::size_t at, std::size_t& end) const {
        std::string text = name(at, end);
        if (!text.empty()) text.pop_back();
        if (text.size() > 253) throw Unreadable();
        return text;
    }

    Record record(std::size_t& at) const {
        Record record;
        record.owner = whole_name(at, at);
        record.type = number(at);
        record.record_class = number(at + 2);
        record.ttl = number(at + 4) >= 0x8000 ? 0 : number(at + 4) * 65536 + number(at + 6);
        record.data_size = number(at + 8);
        record.data_at = at + 10;
        at = record.data_at + record.data_size;
        if (at > bytes_.size()) throw Unreadable();
        return record;
    }

    net::Address address(const Record& record) const {
        net::Address out;
        out.family = record.type == 1 ? net::Family::kIPv4 : net::Family::kIPv6;
        if (record.data_size != (record.type == 1 ? 4U : 16U)) throw Unreadable();
        for (std::size_t i = 0; i < record.data_size; ++i)
            out.bytes[i] = static_cast<std::uint8_t>(byte(record.data_at + i));
        return out;
    }

private:
    static char letter(unsigned byte) {
        if (byte <= ' ' || byte >= 0x7f || byte == '.') throw Unreadable();
        return static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    }

    std::span<const std::uint8_t> bytes_;
};

std::set<std::tuple<std::string, net::Address, std::uint32_t>> known_by(const Reader& reader, const NaiveDns& message,
                                                                        const std::vector<Record>& records,
                                                                        std::size_t most_aliases) {
    std::vector<std::pair<std::string, std::uint32_t>> way{{message.name, 0x7fffffff}};  // with what bounds it so far
    while (way.size() <= most_aliases) {
        const auto alias = std::find_if(records.begin(), records.end(), [&](const Record& record) {
            return record.type == 5 && record.record_class == 1 && record.owner == way.back().first;
        });
        if (alias == records.end()) break;
        std::size_t end = 0;
        const std::string target = reader.whole_name(alias->data_at, end);
        if (end != alias->data_at + alias->data_size) throw Unreadable();
        if (std::any_of(way.begin(), way.end(), [&](const auto& step) { return step.first == target; })) break;
        for (auto& [name, ttl] : way) ttl = std::min(ttl, alias->ttl);
        way.emplace_back(target, 0x7fffffff);
    }
    std::set<std::tuple<std::string, net::Address, std::uint32_t>> known;
    for (const Record& record : records) {
        const bool address = record.type == 1 || record.type == 28;
        const bool asked = record.type == message.type || message.type == 255;
        if (!address || !asked || record.record_class != 1 || record.owner != way.back().first) continue;
        for (const auto& [name, ttl] : way) known.emplace(name, reader.address(record), std::min(ttl, record.ttl));
    }
    return known;
}

}  // namespace

std::optional<NaiveDns> read_dns(std::span<const std::uint8_t> bytes, std::size_t most_records,
                                 std::size_t most_aliases) {
    const Reader reader(bytes);
    NaiveDns out;
    std::size_t at = 12;
    try {
        out.id = static_cast<std::uint16_t>(reader.number(0));
        out.response = reader.byte(2) >= 0x80;
        if ((reader.byte(2) / 8) % 16 != 0 || reader.number(4) != 1 || reader.number(10) > 0xffff) return std::nullopt;
        out.name = reader.whole_name(at, at);
        out.type = static_cast<std::uint16_t>(reader.number(at));
        if (reader.number(at + 2) != 1) return std::nullopt;
        at += 4;
    } catch (const Unreadable&) {
        return std::nullopt;
    }
    try {
        std::vector<Record> records;
        const bool error = reader.byte(3) % 16 != 0;
        for (std::size_t i = 0; !error && i < std::min<std::size_t>(reader.number(6), most_records); ++i)
            records.push_back(reader.record(at));
        out.known = known_by(reader, out, records, most_aliases);
    } catch (const Unreadable&) {
        out.known.reset();
    }
    return out;
}

}  // namespace drywall::test
