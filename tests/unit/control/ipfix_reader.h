// Reads IPFIX messages as a collector does: by the templates that it was sent, and by nothing that the exporter knows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace drywall::control::test {

struct IpfixRecord {
    std::uint16_t template_id = 0;
    // By enterprise number (0: IANA) and element.
    std::map<std::pair<std::uint32_t, std::uint16_t>, std::string> fields;

    [[nodiscard]] bool has(std::uint16_t element, std::uint32_t enterprise = 0) const {
        return fields.contains({enterprise, element});
    }
    [[nodiscard]] std::string text(std::uint16_t element, std::uint32_t enterprise = 0) const {
        return fields.at({enterprise, element});
    }
    [[nodiscard]] std::uint64_t number(std::uint16_t element, std::uint32_t enterprise = 0) const {
        std::uint64_t value = 0;
        for (const char byte : text(element, enterprise)) value = value << 8 | static_cast<std::uint8_t>(byte);
        return value;
    }
};

class IpfixReader {
public:
    struct Header {
        std::uint16_t version = 0;
        std::uint32_t export_time = 0;
        std::uint32_t sequence = 0;
        std::uint32_t domain = 0;
    };

    // Throws on what no collector would take.
    void read(std::span<const std::uint8_t> message) {
        rest_ = message;
        Header header;
        header.version = static_cast<std::uint16_t>(number(2));
        if (number(2) != message.size()) throw std::runtime_error("the message's length is wrong");
        header.export_time = static_cast<std::uint32_t>(number(4));
        header.sequence = static_cast<std::uint32_t>(number(4));
        header.domain = static_cast<std::uint32_t>(number(4));
        headers.push_back(header);
        while (!rest_.empty()) read_set();
    }

    std::vector<Header> headers;
    std::vector<IpfixRecord> records;  // data and options, in order
    std::map<std::uint16_t, std::size_t> templates_seen;

private:
    struct Field {
        std::uint32_t enterprise = 0;
        std::uint16_t element = 0;
        std::uint16_t length = 0;
    };

    std::span<const std::uint8_t> take(std::size_t bytes) {
        if (bytes > rest_.size()) throw std::runtime_error("the message ends too early");
        const auto out = rest_.first(bytes);
        rest_ = rest_.subspan(bytes);
        return out;
    }
    std::uint64_t number(std::size_t bytes) {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
        return value;
    }

    void read_set() {
        const auto set = static_cast<std::uint16_t>(number(2));
        const auto length = static_cast<std::size_t>(number(2));
        if (length < 4 || length - 4 > rest_.size()) throw std::runtime_error("a set's length is wrong");
        const std::size_t left = rest_.size() - (length - 4);
        while (rest_.size() > left) {
            if (set == 2 || set == 3)
                read_template(set == 3);
            else
                read_record(set);
        }
        if (rest_.size() != left) throw std::runtime_error("a record reaches past its set");
    }

    void read_template(bool options) {
        const auto id = static_cast<std::uint16_t>(number(2));
        const auto count = number(2);
        if (options && number(2) == 0) throw std::runtime_error("an options template without a scope");
        std::vector<Field> fields;
        for (std::uint64_t i = 0; i < count; ++i) {
            Field field;
            const auto element = static_cast<std::uint16_t>(number(2));
            field.element = element & 0x7fffU;
            field.length = static_cast<std::uint16_t>(number(2));
            if ((element & 0x8000U) != 0) field.enterprise = static_cast<std::uint32_t>(number(4));
            fields.push_back(field);
        }
        templates_[id] = std::move(fields);
        ++templates_seen[id];
    }

    void read_record(std::uint16_t set) {
        const auto known = templates_.find(set);
        if (known == templates_.end()) throw std::runtime_error("a record before its template");
        IpfixRecord record{.template_id = set, .fields = {}};
        for (const Field& field : known->second) {
            const std::size_t length = field.length == 65535 ? static_cast<std::size_t>(number(1)) : field.length;
            const auto bytes = take(length);
            record.fields[{field.enterprise, field.element}] = std::string(bytes.begin(), bytes.end());
        }
        records.push_back(std::move(record));
    }

    std::span<const std::uint8_t> rest_;
    std::map<std::uint16_t, std::vector<Field>> templates_;
};

}  // namespace drywall::control::test
