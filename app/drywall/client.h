// Client: asks drywalld over its control socket. An answer, or the Error that drywalld (or the way to it) had.
//
// Threads: one. The HTTP library ends in client.cpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "drywall/base/result.h"
#include "drywall/loader/resources.h"

namespace drywall::cli {

using Json = nlohmann::ordered_json;
using Query = std::map<std::string, std::string>;

// What drywalld wanted this user to know besides its answers ("generation 43 was taken back ..."), since the last call.
[[nodiscard]] std::vector<std::string> take_notices();

// "a b/c" as one segment of a path: "a%20b%2Fc"
[[nodiscard]] std::string encoded(const std::string& text);
[[nodiscard]] std::string with_query(std::string path, const Query& query);

// Complaints or warnings as the API lists them.
[[nodiscard]] std::vector<Complaint> complaints_of(const Json& list);

// The Error that an answer with this status and body stands for.
[[nodiscard]] Error error_of(int status, const std::string& body);

// Files as the API takes them. kInvalid when one is not UTF-8.
[[nodiscard]] Result<std::string> bundle_of(const std::vector<loader::Source>& sources);

class Client {
public:
    explicit Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}

    [[nodiscard]] Result<Json> get(const std::string& path) const;
    [[nodiscard]] Result<std::string> get_text(const std::string& path) const;
    [[nodiscard]] Result<Json> post(const std::string& path, const std::string& body) const;
    [[nodiscard]] Result<Json> remove(const std::string& path) const;

private:
    [[nodiscard]] Result<std::string> ask(const std::string& method, const std::string& path,
                                          const std::string& body) const;
    std::string socket_path_;
};

}  // namespace drywall::cli
