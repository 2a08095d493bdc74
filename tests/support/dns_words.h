// Messages of DNS by words: dns_query(7, "www.example.com").answer().cname("www.example.com", "a.example.com", 60)
//                           .a("a.example.com", "192.0.2.1", 30).bytes()
//
// Every word returns a new message. Names are written as they are said (case too); with compressed() they point back to
// what was written before, as servers do it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drywall::test {

class DnsWords {
public:
    // Of a question for an A record, unless type() says otherwise.
    DnsWords(std::uint16_t id, std::string name) : id_(id), name_(std::move(name)) {}

    [[nodiscard]] DnsWords type(std::uint16_t type) const;
    [[nodiscard]] DnsWords answer(std::uint8_t response_code = 0) const;
    [[nodiscard]] DnsWords truncated() const;
    [[nodiscard]] DnsWords compressed() const;
    [[nodiscard]] DnsWords a(std::string owner, std::string_view address, std::uint32_t ttl) const;
    [[nodiscard]] DnsWords aaaa(std::string owner, std::string_view address, std::uint32_t ttl) const;
    [[nodiscard]] DnsWords cname(std::string owner, std::string target, std::uint32_t ttl) const;
    // Anything else; the class is the Internet's, unless said.
    [[nodiscard]] DnsWords record(std::string owner, std::uint16_t type, std::vector<std::uint8_t> data,
                                  std::uint32_t ttl, std::uint16_t record_class = 1) const;
    // From here on, records stand in the additional section.
    [[nodiscard]] DnsWords additional() const;

    [[nodiscard]] std::vector<std::uint8_t> bytes() const;

private:
    struct Record {
        std::string owner;
        std::uint16_t type = 1;
        std::uint16_t record_class = 1;
        std::uint32_t ttl = 0;
        std::vector<std::uint8_t> data;
        std::string target;  // of an alias, instead of data
        bool additional = false;
    };

    std::uint16_t id_;
    std::string name_;
    std::uint16_t type_ = 1;
    std::uint16_t flags_ = 0x0100;  // recursion desired
    bool compressed_ = false;
    bool in_additional_ = false;
    std::vector<Record> records_;
};

[[nodiscard]] inline DnsWords dns_query(std::uint16_t id, std::string name) { return {id, std::move(name)}; }

}  // namespace drywall::test
