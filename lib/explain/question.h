// Question: one line of `drywall eval`, read strictly and without building a document.
//
// Threads: pure functions.
// Never:   throws; the JSON library's exceptions end in question.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drywall::explain {

inline constexpr std::size_t kMaxQuestionBytes = std::size_t{64} << 10;

struct Question {
    std::string id = "null";  // JSON text: a string or a number as it came
    std::string source;
    std::string destination;
    std::uint8_t protocol = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::optional<std::uint8_t> icmp_type;
    std::optional<std::uint8_t> icmp_code;
    std::string in_port;   // empty: not asked for
    std::string out_port;  //
    std::string http;      // "GET /path"; empty: no request is shown
    std::string sni;
    std::string domain;  // names, with commas between
    std::string wrong;   // why it is no question; `id` is then what could be read of it
};

[[nodiscard]] Question read_question(std::string_view line);

}  // namespace drywall::explain
