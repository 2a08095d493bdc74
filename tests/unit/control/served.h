// The API served on a real socket in a directory of its own.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <httplib.h>

#include "drywall/control/server.h"
#include "drywall/observe/flow_log.h"
#include "story.h"

namespace drywall::control::test {

// A directory that goes when the test does.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "drywall-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        path_ = pattern;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

class Served {
public:
    explicit Served(ServerSettings settings = {}) {
        settings.socket_path = socket();
        settings.view_socket_path = view_socket();
        auto started = Server::start(settings, *site, flows);
        if (!started) {
            ADD_FAILURE() << started.error().text();
            std::abort();
        }
        server = *std::move(started);
    }
    [[nodiscard]] std::string socket() const { return (directory.path() / "run" / "api.sock").string(); }
    [[nodiscard]] httplib::Client client() const { return client_of(socket()); }

    // The same API on a view socket too.
    [[nodiscard]] std::string view_socket() const { return (directory.path() / "run" / "ro.sock").string(); }
    [[nodiscard]] httplib::Client view_client() const { return client_of(view_socket()); }

    static httplib::Client client_of(const std::string& path) {
        httplib::Client http(path, 80);
        http.set_address_family(AF_UNIX);
        return http;
    }

    TemporaryDirectory directory;
    Site site{{kEndpoints, kWebToDb}};
    observe::FlowLog flows;
    std::unique_ptr<Server> server;
};

}  // namespace drywall::control::test
