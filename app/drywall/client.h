// Client: asks drywalld over its control socket. An answer, or the Error that drywalld (or the way to it) had.
//
// Threads: one. The HTTP library ends in client.cpp.
#pragma once

#include <functional>
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

// One of a stream of events that drywalld sends.
struct Event {
    std::string name;
    Json data;
};

class Client {
public:
    explicit Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}

    [[nodiscard]] Result<Json> get(const std::string& path) const;
    [[nodiscard]] Result<std::string> get_text(const std::string& path) const;
    [[nodiscard]] Result<Json> post(const std::string& path, const std::string& body) const;
    [[nodiscard]] Result<Json> remove(const std::string& path) const;
    // Calls `each` for every event until drywalld ends them, or `go_on` says no: it is asked at each event, and at each
    // sign of life (there is one at least every second).
    [[nodiscard]] Status follow(const std::string& path, const std::function<void(const Event&)>& each,
                                const std::function<bool()>& go_on) const;

private:
    [[nodiscard]] Result<std::string> ask(const std::string& method, const std::string& path,
                                          const std::string& body) const;
    std::string socket_path_;
};

}  // namespace drywall::cli
