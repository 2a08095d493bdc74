#include "client.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "event_stream.h"

namespace drywall::cli {

namespace {

// They outlive the Client that got them: main() says them once the command has said what it has to say.
std::vector<std::string>& notices() {
    static std::vector<std::string> all;
    return all;
}

constexpr time_t kAnswerSeconds = 300;  // a large policy set takes its time to compile
constexpr time_t kSilenceSeconds = 30;  // of a stream that is alive, and says so

Error unreachable(const std::string& path, const std::string& why, const std::string& hint) {
    return Error::of(ErrorKind::kUnavailable, "can't reach drywalld at " + path + ": " + why, hint);
}

std::string hint_for(int error) {
    if (error == ENOENT || error == ECONNREFUSED)
        return "is it running (`systemctl status drywalld`), and is this its socket (--socket, DRYWALL_SOCKET)?";
    if (error == EACCES || error == EPERM) return "run as root, or join the group that owns the socket";
    return {};
}

// The HTTP library can't say why a connection failed; the kernel can.
Status reachable(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path))
        return unreachable(path, "a socket's path has 1 to 107 characters", "give another with --socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return unreachable(path, std::strerror(errno), {});
    const int failed = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
    ::close(fd);
    if (failed != 0) return unreachable(path, std::strerror(failed), hint_for(failed));
    return Done{};
}

ErrorKind kind_of(int status, const std::string& code) {
    for (const ErrorKind kind : {ErrorKind::kInvalid, ErrorKind::kNotFound, ErrorKind::kConflict, ErrorKind::kRefused,
                                 ErrorKind::kUnavailable, ErrorKind::kInternal})
        if (name(kind) == code) return kind;
    if (status >= 500) return ErrorKind::kUnavailable;
    return status == 413 ? ErrorKind::kRefused : ErrorKind::kInvalid;
}

template <typename T>
T field(const Json& object, const char* name, T otherwise) {
    const auto found = object.find(name);
    if (found == object.end()) return otherwise;
    if constexpr (std::is_same_v<T, std::string>)
        return found->is_string() ? found->get<std::string>() : otherwise;
    else
        return found->is_number_integer() ? found->get<T>() : otherwise;
}

Result<Json> parsed(Result<std::string> text) {
    if (!text) return text.error();
    Json json = Json::parse(*text, nullptr, false);
    if (json.is_discarded())
        return Error::of(ErrorKind::kUnavailable, "drywalld's answer is no JSON", "are the versions the same?");
    return json;
}

}  // namespace

std::vector<std::string> take_notices() { return std::exchange(notices(), {}); }

std::string encoded(const std::string& text) {
    static constexpr std::string_view kPlain = "-._~";
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool letter = (byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z';
        if (letter || (byte >= '0' && byte <= '9') || kPlain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
        }
    }
    return out;
}

std::string with_query(std::string path, const Query& query) {
    char separator = '?';
    for (const auto& [name, value] : query) {
        path += separator + encoded(name) + '=' + encoded(value);
        separator = '&';
    }
    return path;
}

std::vector<Complaint> complaints_of(const Json& list) {
    std::vector<Complaint> complaints;
    if (!list.is_array()) return complaints;
    for (const Json& one : list) {
        if (!one.is_object()) continue;
        complaints.push_back({{field<std::string>(one, "file", {}), field(one, "line", 0), field(one, "column", 0)},
                              field<std::string>(one, "message", {}),
                              field<std::string>(one, "hint", {}),
                              {field<std::string>(one, "kind", {}), field<std::string>(one, "namespace", {}),
                               field<std::string>(one, "name", {})}});
    }
    return complaints;
}

Error error_of(int status, const std::string& body) {
    const Json json = Json::parse(body, nullptr, false);
    if (!json.is_object())
        return Error::of(kind_of(status, {}), "drywalld answered with status " + std::to_string(status));
    Error error{kind_of(status, field<std::string>(json, "code", {})), {}};
    if (const auto complaints = json.find("complaints"); complaints != json.end())
        error.complaints = complaints_of(*complaints);
    if (error.complaints.empty())
        error.complaints.push_back({{}, field<std::string>(json, "message", "drywalld refused without a reason"), {}});
    return error;
}

Result<std::string> bundle_of(const std::vector<loader::Source>& sources) {
    Json files = Json::array();
    for (const loader::Source& source : sources) files.push_back({{"name", source.name}, {"text", source.text}});
    const Json bundle = {{"files", std::move(files)}};
    try {
        return bundle.dump();
    } catch (const Json::type_error&) {  // which of them it is, a second look says
        for (const loader::Source& source : sources) {
            try {
                (void)Json(source.text).dump();
            } catch (const Json::type_error&) {
                return Error::invalid({source.name, 0, 0}, "not UTF-8 text", "save the file as UTF-8 text");
            }
        }
        return Error::of(ErrorKind::kInvalid, "a file's name is not UTF-8", "rename it");
    }
}

Result<std::string> Client::ask(const std::string& method, const std::string& path, const std::string& body) const {
    if (const Status there = reachable(socket_path_); !there) return there.error();
    httplib::Client http(socket_path_, 80);
    http.set_address_family(AF_UNIX);
    http.set_read_timeout(kAnswerSeconds);
    http.set_write_timeout(kAnswerSeconds);
    http.set_default_headers({{"Host", "drywall"}});
    httplib::Result result = method == "POST"     ? http.Post(path, body, "application/json")
                             : method == "DELETE" ? http.Delete(path)
                                                  : http.Get(path);
    if (!result)
        return unreachable(socket_path_, "the connection broke: " + httplib::to_string(result.error()),
                           "drywalld's log may say why");
    if (result->has_header("Drywall-Notice")) notices().push_back(result->get_header_value("Drywall-Notice"));
    if (result->status != 200) return error_of(result->status, result->body);
    return std::move(result->body);
}

Status Client::follow(const std::string& path, const std::function<void(const Event&)>& each,
                      const std::function<bool()>& go_on) const {
    if (const Status there = reachable(socket_path_); !there) return there.error();
    httplib::Client http(socket_path_, 80);
    http.set_address_family(AF_UNIX);
    http.set_read_timeout(kSilenceSeconds);
    int status = 0;
    std::string refusal;
    EventStream events;
    const httplib::Result result = http.Get(
        path, httplib::Headers{{"Host", "drywall"}, {"Accept", "text/event-stream"}},
        [&](const httplib::Response& response) {
            status = response.status;
            return true;
        },
        [&](const char* bytes, std::size_t size) {
            if (status == 200)
                events.take({bytes, size}, each);
            else
                refusal.append(bytes, size);
            return go_on();
        });
    if (status != 0 && status != 200) return error_of(status, refusal);
    if (result || result.error() == httplib::Error::Canceled) return Done{};
    return unreachable(socket_path_, "the connection broke: " + httplib::to_string(result.error()),
                       "drywalld's log may say why");
}

Result<Json> Client::get(const std::string& path) const { return parsed(ask("GET", path, {})); }
Result<std::string> Client::get_text(const std::string& path) const { return ask("GET", path, {}); }
Result<Json> Client::post(const std::string& path, const std::string& body) const {
    return parsed(ask("POST", path, body));
}
Result<Json> Client::remove(const std::string& path) const { return parsed(ask("DELETE", path, {})); }

}  // namespace drywall::cli
