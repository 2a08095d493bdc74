#include "question.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "answer.h"
#include "drywall/explain/protocols.h"

namespace drywall::explain {

namespace {

enum class Key {
    kId,
    kSource,
    kDestination,
    kProtocol,
    kSourcePort,
    kDestinationPort,
    kIcmpType,
    kIcmpCode,
    kIn,
    kOut,
    kHttp,
    kSni,
    kDomain
};

constexpr auto kKeys = std::to_array<std::pair<std::string_view, Key>>({
    {"id", Key::kId},
    {"src", Key::kSource},
    {"dst", Key::kDestination},
    {"protocol", Key::kProtocol},
    {"srcPort", Key::kSourcePort},
    {"dstPort", Key::kDestinationPort},
    {"icmpType", Key::kIcmpType},
    {"icmpCode", Key::kIcmpCode},
    {"inPort", Key::kIn},
    {"outPort", Key::kOut},
    {"http", Key::kHttp},
    {"sni", Key::kSni},
    {"domain", Key::kDomain},
});

constexpr std::string_view kOnlyKeys =
    "a query has id, src, dst, protocol, srcPort, dstPort, icmpType, icmpCode, inPort, outPort, http, sni, "
    "domain";

std::string shown(std::string_view text) {
    constexpr std::size_t kLongest = 60;
    return "'" + std::string(text.substr(0, kLongest)) + (text.size() > kLongest ? "...'" : "'");
}

// What the JSON library calls while it reads. Every handler goes on after a mistake, so that the id is found wherever
// it stands.
class Reader {
public:
    explicit Reader(Question& question) : question_(question) {}

    bool null() { return other("null"); }
    bool boolean(bool /*value*/) { return other("a boolean"); }
    bool binary(nlohmann::json::binary_t& /*value*/) { return other("binary data"); }

    // Of integers, only "-0" comes here without being negative.
    bool number_integer(std::int64_t value) {
        if (is_value(Key::kId)) return take_id(value == 0 ? "-0" : std::to_string(value));
        return take_number(value);
    }
    bool number_unsigned(std::uint64_t value) {
        if (is_value(Key::kId)) return take_id(std::to_string(value));
        constexpr std::uint64_t kTooMuch = 1U << 20U;
        return take_number(static_cast<std::int64_t>(std::min(value, kTooMuch)));
    }
    bool number_float(double /*value*/, const std::string& written) {
        if (is_value(Key::kId)) return take_id(written);
        return other("a number with a fraction");
    }

    bool string(std::string& value) {
        if (!is_value()) return other("a string");
        switch (*key_) {
            case Key::kId: question_.id.clear(), append_json(question_.id, value); return true;
            case Key::kSource: question_.source = std::move(value); return true;
            case Key::kDestination: question_.destination = std::move(value); return true;
            case Key::kIn: question_.in_port = std::move(value); return true;
            case Key::kOut: question_.out_port = std::move(value); return true;
            case Key::kHttp: question_.http = std::move(value); return true;
            case Key::kSni: question_.sni = std::move(value); return true;
            case Key::kDomain: question_.domain = std::move(value); return true;
            case Key::kProtocol: return take_protocol(protocol_number(value), shown(value));
            default: return other("a string");
        }
    }

    bool start_object(std::size_t /*size*/) {
        if (depth_ > 0) other("an object");
        ++depth_;
        if (depth_ == 1) object_ = true;
        return true;
    }
    bool start_array(std::size_t /*size*/) {
        other("a list");
        ++depth_;
        return true;
    }
    bool end_object() { return --depth_, true; }
    bool end_array() { return --depth_, true; }

    bool key(std::string& text) {
        if (depth_ != 1) return true;
        key_.reset();
        for (const auto& [name, known] : kKeys)
            if (name == text) key_ = known;
        if (!key_) {
            complain("unknown key " + shown(text) + "; " + std::string(kOnlyKeys));
            return true;
        }
        const unsigned bit = 1U << static_cast<unsigned>(*key_);
        if ((seen_ & bit) != 0) {
            complain(shown(text) + " stands there twice");
            key_.reset();
        }
        seen_ |= bit;
        return true;
    }

    bool parse_error(std::size_t position, const std::string& /*token*/, const nlohmann::json::exception& /*why*/) {
        question_.id = "null";
        question_.wrong = "not JSON, at byte " + std::to_string(position) + ": write one object on one line";
        return false;
    }

    void finish() {
        if (!object_) complain("a query is a JSON object; " + std::string(kOnlyKeys));
        if (question_.source.empty()) complain("src is missing: an address, NAMESPACE/POD or a HostEndpoint");
        if (question_.destination.empty()) complain("dst is missing: an address, NAMESPACE/POD or a HostEndpoint");
        if (question_.protocol == 0) complain("protocol is missing: a name or a number from 1 to 255");
    }

private:
    [[nodiscard]] bool is_value() const { return depth_ == 1 && key_; }
    [[nodiscard]] bool is_value(Key key) const { return is_value() && *key_ == key; }

    void complain(std::string what) {
        if (question_.wrong.empty()) question_.wrong = std::move(what);
    }

    // A value that its key can't have. Null is the same as leaving the key out, where that is possible.
    bool other(std::string_view what) {
        if (!is_value() || what == "null") return true;
        complain(std::string(kKeys[static_cast<std::size_t>(*key_)].first) + " must be " + wanted(*key_) + ", not " +
                 std::string(what));
        return true;
    }

    static std::string wanted(Key key) {
        switch (key) {
            case Key::kId: return "a string or a number";
            case Key::kProtocol: return "a name or a number from 1 to 255";
            case Key::kSourcePort:
            case Key::kDestinationPort: return "a number from 0 to 65535";
            case Key::kIcmpType:
            case Key::kIcmpCode: return "a number from 0 to 255";
            default: return "a string";
        }
    }

    bool take_id(std::string text) {
        question_.id = std::move(text);
        return true;
    }

    bool take_protocol(std::optional<std::uint8_t> number, const std::string& written) {
        if (!number) return other(written);
        question_.protocol = *number;
        return true;
    }

    bool take_number(std::int64_t value) {
        if (!is_value()) return true;
        const auto within = [&](std::int64_t most) { return value >= 0 && value <= most; };
        const auto number = static_cast<std::uint16_t>(value);
        const auto octet = static_cast<std::uint8_t>(value);
        switch (*key_) {
            case Key::kProtocol:
                return take_protocol(value > 0 && within(255) ? std::optional(octet) : std::nullopt,
                                     std::to_string(value));
            case Key::kSourcePort: return within(65535) ? question_.source_port = number, true : too_large();
            case Key::kDestinationPort: return within(65535) ? question_.destination_port = number, true : too_large();
            case Key::kIcmpType: return within(255) ? question_.icmp_type = octet, true : too_large();
            case Key::kIcmpCode: return within(255) ? question_.icmp_code = octet, true : too_large();
            default: return other("a number");
        }
    }
    bool too_large() { return other("one outside that range"); }

    Question& question_;
    std::optional<Key> key_;
    unsigned seen_ = 0;
    int depth_ = 0;
    bool object_ = false;
};

}  // namespace

Question read_question(std::string_view line) {
    Question question;
    if (line.size() > kMaxQuestionBytes) {
        question.wrong = "longer than " + std::to_string(kMaxQuestionBytes) + " bytes";
        return question;
    }
    Reader reader(question);
    if (nlohmann::json::sax_parse(line, &reader)) reader.finish();
    return question;
}

}  // namespace drywall::explain
