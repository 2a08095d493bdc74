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
        auto started = Server::start(settings, *site, flows);
        if (!started) {
            ADD_FAILURE() << started.error().text();
            std::abort();
        }
        server = *std::move(started);
    }
    [[nodiscard]] std::string socket() const { return (directory.path() / "run" / "api.sock").string(); }
    [[nodiscard]] httplib::Client client() const {
        httplib::Client http(socket(), 80);
        http.set_address_family(AF_UNIX);
        return http;
    }

    TemporaryDirectory directory;
    Site site{{kEndpoints, kWebToDb}};
    observe::FlowLog flows;
    std::unique_ptr<Server> server;
};

}  // namespace drywall::control::test
