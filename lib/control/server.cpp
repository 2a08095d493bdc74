#include "drywall/control/server.h"
#include "drywall/explain/parameters.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <httplib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api.h"
#include "connection.h"
#include "connection_threads.h"
#include "drywall/base/logging.h"
#include "tcp_socket.h"
#include "unix_socket.h"

namespace drywall::control {

namespace {

using namespace std::chrono_literals;

ApiRequest api_request(const httplib::Request& request, std::string body, Access access) {
    ApiRequest out;
    out.access = access;
    out.method = request.method;
    out.path = request.path;
    for (const auto& [name, value] : request.params) {
        // A parameter that is repeated is a list; where one value is expected, that is a mistake.
        const auto [known, fresh] = out.query.try_emplace(name, value);
        if (!fresh) known->second += ',' + value;
    }
    out.body = std::move(body);
    out.if_generation = request.get_header_value("If-Generation");
    out.accept = request.method == "GET" ? request.get_header_value("Accept") : "";
    out.peer = peer_by_key(request.remote_addr);
    out.connected = connected_by_key(request.remote_addr);
    return out;
}

// A header's value may hold nothing else.
std::string header_value(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') c = ' ';
    return text;
}

// A body without an end. Whoever does not read it is waited for by the thread of its own connection, up to the write
// timeout, and by nobody else.
void stream(httplib::Response& out, ApiResponse response) {
    out.set_chunked_content_provider(
        response.content_type, [next = std::move(response.next)](std::size_t /*offset*/, httplib::DataSink& sink) {
            std::string piece;
            const bool more = next(piece);
            if (!piece.empty() && !sink.write(piece.data(), piece.size())) return false;
            if (!more) sink.done();
            return true;
        });
}

void fill(httplib::Response& out, ApiResponse response) {
    out.status = response.status;
    if (!response.allow.empty()) out.set_header("Allow", response.allow);
    if (!response.notice.empty()) out.set_header("Drywall-Notice", header_value(std::move(response.notice)));
    if (response.next) return stream(out, std::move(response));
    out.body = std::move(response.body);
    out.set_header("Content-Type", response.content_type);
}

bool is_question(const httplib::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

// Bodies come with a length, plain, and not too long: the library would read any other kind without a limit.
std::optional<ApiResponse> unwanted_body(const httplib::Request& request, std::size_t most) {
    if (request.has_header("Transfer-Encoding"))
        return error_response(411, "length-required", "send the body with a Content-Length, not in chunks");
    if (request.has_header("Content-Encoding"))
        return error_response(415, "unsupported", "send the body as it is, not compressed");
    if (request.is_multipart_form_data())
        return error_response(415, "unsupported", R"(send YAML, or {"files": [...]} as JSON, not a form)");
    if (!request.has_header("Content-Length")) return std::nullopt;
    const std::optional<std::uint64_t> length = explain::parse_number(request.get_header_value("Content-Length"));
    if (!length || request.get_header_value_count("Content-Length") != 1)
        return error_response(400, "invalid", "Content-Length is not a number");
    if (*length > most)
        return error_response(413, "too-large",
                              "the body has " + std::to_string(*length) + " bytes; the most are " +
                                  std::to_string(most) + ": apply in several requests");
    return std::nullopt;
}

std::size_t content_length(const httplib::Request& request) {
    return explain::parse_number(request.get_header_value("Content-Length")).value_or(0);
}

// RFC 9112, section 6.3: a request that says nothing about its body has none. The library would read to the end of the
// connection instead, and `curl -X POST` would wait for ever.
void no_length_is_no_body(httplib::Request& request) {
    if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding"))
        request.headers.emplace("Content-Length", "0");
}

// The library reads bodies of these methods only; another's body would look like the next request.
bool takes_body(const httplib::Request& request) {
    return request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS";
}

// Descriptors of live connections, so that stop() can end them: no more is read at once, and who has not taken its
// answer after a moment does not get it.
class LiveConnections {
public:
    bool add(int fd) {
        const std::scoped_lock lock(mutex_);
        if (!closing_) fds_.insert(fd);
        return !closing_;
    }
    void remove(int fd) {
        const std::scoped_lock lock(mutex_);
        fds_.erase(fd);
        gone_.notify_all();
    }
    void close_all(std::chrono::milliseconds grace) {
        std::unique_lock lock(mutex_);
        closing_ = true;
        for (const int fd : fds_) (void)::shutdown(fd, SHUT_RD);
        gone_.wait_for(lock, grace, [this] { return fds_.empty(); });
        for (const int fd : fds_) (void)::shutdown(fd, SHUT_RDWR);
    }

private:
    std::mutex mutex_;
    std::condition_variable gone_;
    bool closing_ = false;
    std::set<int> fds_;
};

// The library's server over a socket that it did not make, and connections that it does not read by itself.
class HttpServer final : public httplib::Server {
public:
    HttpServer(const ServerSettings& settings, Api& api, Access access)
        : settings_(settings), api_(api), access_(access) {
        new_task_queue = [this] { return new ConnectionThreads(settings_.max_connections); };
        const auto send_timeout = std::chrono::ceil<std::chrono::seconds>(settings.request_timeout);
        set_write_timeout(send_timeout.count());
        set_payload_max_length(settings.max_body_bytes);
        set_routes();
        set_failures();
    }

    void adopt(Descriptor listener) { svr_sock_ = listener.release(); }
    void end_connections() { live_.close_all(settings_.stop_grace); }

private:
    void set_routes() {
        const std::string everything = R"([\s\S]*)";
        const auto plain = [this](const httplib::Request& request, httplib::Response& response) {
            fill(response, api_.handle(api_request(request, request.body, access_)));
        };
        Get(everything, plain);
        Delete(everything, plain);
        Put(everything, plain);
        Patch(everything, plain);
        Options(everything, plain);
        // Read by hand: the library would refuse more than 8 KiB of what curl calls a form (--data-binary).
        Post(everything,
             [this](const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& read) {
                 std::string body;
                 const bool whole = read([&](const char* bytes, std::size_t size) {
                     body.append(bytes, size);
                     return body.size() <= settings_.max_body_bytes;
                 });
                 if (!whole) return fill(response, error_response(400, "invalid", "the body ended too early"));
                 fill(response, api_.handle(api_request(request, std::move(body), access_)));
             });
    }

    // What is refused by its header, before any of its body is read.
    [[nodiscard]] std::optional<ApiResponse> refusal_of(const httplib::Request& request) const {
        if (access_ == Access::kView && !is_question(request))
            return error_response(403, "read-only",
                                  request.method + " " + request.path + ": this socket answers questions (GET) and " +
                                      "changes nothing; use the control socket, " + settings_.socket_path);
        if (access_ == Access::kMetrics && !(is_question(request) && request.path == "/metrics"))
            return error_response(403, "read-only",
                                  request.method + " " + request.path +
                                      ": here is GET /metrics and nothing else; the API is on the control socket, " +
                                      settings_.socket_path);
        return unwanted_body(request, settings_.max_body_bytes);
    }

    void set_failures() {
        set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
            std::optional<ApiResponse> refusal = refusal_of(request);
            if (!refusal) return HandlerResponse::Unhandled;
            fill(response, *std::move(refusal));
            return HandlerResponse::Handled;
        });
        set_expect_100_continue_handler([this](const httplib::Request& request, httplib::Response& response) {
            std::optional<ApiResponse> refusal = refusal_of(request);
            if (!refusal) return 100;
            fill(response, *std::move(refusal));
            return response.status;
        });
        // What the library itself refuses has no body yet.
        set_error_handler(HandlerWithResponse([](const httplib::Request& /*request*/, httplib::Response& response) {
            if (response.body.empty())
                fill(response,
                     error_response(response.status, "invalid", "this is no request that the API understands"));
            return HandlerResponse::Handled;
        }));
        set_exception_handler([](const httplib::Request& request, httplib::Response& response,
                                 std::exception_ptr thrown) {
            std::string what = "unknown";
            try {
                std::rethrow_exception(std::move(thrown));
            } catch (const std::bad_alloc&) {
                // A change may have been made: it is the answer that there is no memory for.
                return fill(response, error_response(Error::of(ErrorKind::kUnavailable, "not enough memory to answer",
                                                               "`drywall status` says what is in force")));
            } catch (const std::exception& error) {
                what = error.what();
            } catch (...) {
            }
            spdlog::error("control API: {} {} failed inside: {}", request.method, request.path, what);
            fill(response, error_response(Error::of(ErrorKind::kInternal, "the request failed inside drywalld: " + what,
                                                    "please report it with the log")));
        });
    }

    bool process_and_close_socket(socket_t fd) override {
        Descriptor descriptor(fd);
        bool served = false;
        try {
            if (ConnectionThreads::refused()) return refuse(descriptor);
            if (!live_.add(fd)) return false;
            served = serve(std::move(descriptor));
        } catch (const std::exception& error) {  // a thread must not take the appliance with it
            spdlog::error("control API: a connection ended inside: {}", error.what());
        }
        return served;
    }

    static bool refuse(const Descriptor& descriptor) {
        static const std::string body = error_response(503, "busy", "too many connections; try again in a moment").body;
        static const std::string text =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
            "Connection: close\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
        return ::send(descriptor.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
    }

    bool serve(Descriptor descriptor) {
        const int fd = descriptor.get();
        Connection connection(std::move(descriptor), settings_);
        // Out of the list before the descriptor is closed and its number used again.
        const auto forget = [this](const int* number) { live_.remove(*number); };
        const std::unique_ptr<const int, decltype(forget)> listed(&fd, forget);
        bool ok = false;
        for (std::size_t left = settings_.max_requests_per_connection; left > 0; --left) {
            if (!connection.wait_for_request()) return ok;
            bool last = false;
            bool body_unread = false;
            bool understood = false;  // what comes after a request that was not is none either
            ok = process_request(connection, left == 1, last, [&](httplib::Request& request) {
                understood = true;
                no_length_is_no_body(request);
                body_unread = refusal_of(request).has_value() || (!takes_body(request) && content_length(request) > 0);
                if (!body_unread) return connection.expect_body(content_length(request));
                request.headers.erase("Connection");
                request.headers.emplace("Connection", "close");
            });
            if (body_unread || !understood) connection.linger();
            if (!ok || last || body_unread || !understood) return ok;
        }
        return ok;
    }

    const ServerSettings& settings_;
    Api& api_;
    Access access_;
    LiveConnections live_;
};

// While it lives, threads that are started leave signals to those who expect them.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

// One socket: its place in the file system, and the thread that accepts there.
class Door {
public:
    Door(const ServerSettings& settings, Api& api, Access access) : http_(settings, api, access) {}
    ~Door() { close(); }
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;

    Status open(const std::string& path, const std::string& group) {
        Result<Descriptor> listener = listen_at(path, group);
        if (!listener) return std::move(listener).error();
        path_ = path;
        (void)::lstat(path_.c_str(), &made_);
        accept_on(*std::move(listener), path);
        return Done{};
    }

    Status open(const net::SocketAddress& place) {
        Result<Descriptor> listener = listen_on_loopback(place);
        if (!listener) return std::move(listener).error();
        accept_on(*std::move(listener), place.text());
        return Done{};
    }

    void close() {
        if (!thread_.joinable()) return;
        remove_socket();
        http_.stop();
        http_.end_connections();
        thread_.join();
    }

private:
    void accept_on(Descriptor listener, std::string place) {
        http_.adopt(std::move(listener));
        const SignalsBlocked blocked;
        thread_ = std::thread([this, place = std::move(place)] {
            if (!http_.listen_after_bind()) spdlog::error("control API: no longer accepting connections on {}", place);
        });
        // The library can only be stopped once it runs; its thread needs a moment to get there.
        while (!http_.is_running()) std::this_thread::sleep_for(1ms);
    }

    // Only what we made: a successor may have put its own socket there.
    void remove_socket() const {
        struct stat there {};
        if (path_.empty()) return;
        if (::lstat(path_.c_str(), &there) != 0) return;
        if (there.st_dev == made_.st_dev && there.st_ino == made_.st_ino) (void)::unlink(path_.c_str());
    }

    HttpServer http_;
    std::string path_;  // in the file system; empty: it is no such socket
    struct stat made_ {};
    std::thread thread_;
};

class UnixServer final : public Server {
public:
    UnixServer(ServerSettings settings, Controller& controller, const observe::FlowLog& flows)
        : settings_(std::move(settings)),
          api_(controller, flows, settings_.metrics, settings_.ipfix, settings_.health),
          control_(settings_, api_, Access::kControl),
          view_(settings_, api_, Access::kView),
          metrics_(settings_, api_, Access::kMetrics) {
        api_.set_check_limits(settings_.check);
    }
    ~UnixServer() override { stop_now(); }

    Status listen() {
        if (Status opened = control_.open(settings_.socket_path, settings_.group); !opened) return opened;
        if (!settings_.view_socket_path.empty())
            if (Status opened = view_.open(settings_.view_socket_path, settings_.view_group); !opened) return opened;
        return settings_.metrics_listen ? metrics_.open(*settings_.metrics_listen) : Status(Done{});
    }

    void stop() override { stop_now(); }

private:
    void stop_now() {
        api_.stop_waiting();
        metrics_.close();
        view_.close();
        control_.close();
    }

    ServerSettings settings_;
    Api api_;
    Door control_;
    Door view_;
    Door metrics_;
};

}  // namespace

Status Server::can_start(const ServerSettings& settings) {
    if (Status usable = check_place(settings.socket_path, settings.group); !usable) return usable;
    if (!settings.view_socket_path.empty())
        if (Status usable = check_place(settings.view_socket_path, settings.view_group); !usable) return usable;
    if (!settings.metrics_listen) return Done{};
    const Result<Descriptor> probe = listen_on_loopback(*settings.metrics_listen);
    return probe ? Status(Done{}) : Status(probe.error());
}

Result<std::unique_ptr<Server>> Server::start(ServerSettings settings, Controller& controller,
                                              const observe::FlowLog& flows) {
    auto server = std::make_unique<UnixServer>(std::move(settings), controller, flows);
    if (const Status listening = server->listen(); !listening) return listening.error();
    return std::unique_ptr<Server>(std::move(server));
}

}  // namespace drywall::control
