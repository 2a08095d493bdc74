// The API on a real Unix socket: who may use it, who asked, and how much of it one client can take.
#include "drywall/control/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <httplib.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "raw_connection.h"
#include "served.h"
#include "story.h"

namespace drywall::control {
namespace {

using nlohmann::json;
using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using test::RawConnection;
using test::Served;
using test::Site;
using test::TemporaryDirectory;
using test::with;
using testing::HasSubstr;

mode_t mode_of(const std::filesystem::path& path) {
    struct stat there {};
    return ::stat(path.c_str(), &there) == 0 ? there.st_mode & 07777U : 0;
}

TEST(Server, TheSocketIsForOwnerAndGroupInADirectoryOfItsOwn) {
    const Served served;
    EXPECT_EQ(mode_of(served.socket()), 0660U);
    EXPECT_EQ(mode_of(std::filesystem::path(served.socket()).parent_path()), 0750U);
}

TEST(Server, AnswersOverTheSocketAndKeepsTheConnection) {
    const Served served;
    httplib::Client http = served.client();
    http.set_keep_alive(true);
    for (int i = 0; i < 20; ++i) {
        const auto answer = http.Get("/v1/status");
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, 200);
        EXPECT_EQ(json::parse(answer->body)["generation"], 1);
    }
}

TEST(Server, ErrorsCarryFileLineAndColumn) {
    const Served served;
    const std::string body =
        json{{"files", {{{"name", "site.yaml"}, {"text", with(kWebToDb, "Allow", "Alow")}}}}}.dump();
    const auto answer = served.client().Post("/v1/resources", body, "application/json");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 400);
    const json complaint = json::parse(answer->body)["complaints"][0];
    EXPECT_EQ(complaint["file"], "site.yaml");
    EXPECT_EQ(complaint["line"], 9);
    EXPECT_GT(complaint["column"], 0);
}

TEST(Server, TakesWhatCurlCallsAForm) {
    const Served served;
    const std::string big = kStagedClosed + ("#" + std::string(20'000, 'x')) + '\n';
    const auto answer = served.client().Post("/v1/resources", big, "application/x-www-form-urlencoded");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200) << answer->body;
}

TEST(Server, WhoAskedIsLoggedAndCantBeForged) {
    const Served served;
    std::ostringstream text;
    const auto before = spdlog::default_logger();
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text)));
    const httplib::Headers forged{{"REMOTE_ADDR", "1 2 3"}, {"X-Forwarded-For", "1 2 3"}};
    const auto answer = served.client().Post("/v1/resources", forged, kStagedClosed, "application/yaml");
    spdlog::set_default_logger(before);
    ASSERT_TRUE(answer);
    EXPECT_THAT(text.str(), HasSubstr("apply by uid " + std::to_string(::getuid()) + " gid " +
                                      std::to_string(::getgid()) + " pid " + std::to_string(::getpid())));
}

TEST(Server, ABodyBeyondTheLimitIsRefusedWithTheFigures) {
    const Served served({.max_body_bytes = 1000});
    const auto fits = served.client().Post("/v1/resources", kStagedClosed, "application/yaml");
    ASSERT_TRUE(fits);
    EXPECT_EQ(fits->status, 200) << fits->body;
    const auto answer = served.client().Post("/v1/resources", std::string(1001, '#'), "application/yaml");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 413);
    EXPECT_THAT(answer->body, HasSubstr("1001"));
}

TEST(Server, SixtyFourMebibytesAreTheDefaultLimit) {
    const Served served;
    const auto most = served.client().Post("/v1/resources", std::string(std::size_t{64} << 20, '#'), "text/plain");
    ASSERT_TRUE(most);
    EXPECT_EQ(most->status, 400);  // read, and found to hold no resource
    const auto more =
        served.client().Post("/v1/resources", std::string((std::size_t{64} << 20) + 1, '#'), "text/plain");
    ASSERT_TRUE(more);
    EXPECT_EQ(more->status, 413);
}

TEST(Server, BodiesWithoutALengthOrPackedAreRefused) {
    const Served served;
    for (const char* header :
         {"Transfer-Encoding: chunked", "Content-Length: 3\r\nContent-Encoding: gzip", "Content-Length: many",
          "Content-Length: 3\r\nContent-Type: multipart/form-data; boundary=x"}) {
        const RawConnection raw(served.socket());
        raw.send(std::string("POST /v1/resources HTTP/1.1\r\nHost: d\r\n") + header + "\r\n\r\n");
        raw.finish();
        const std::string answer = raw.receive_all();
        EXPECT_THAT(answer, testing::MatchesRegex("HTTP/1.1 4(11|15|00) .*")) << header;
        EXPECT_THAT(answer, HasSubstr("Connection: close"));
    }
}

TEST(Server, ARequestWithoutALengthHasNoBodyAndIsAnsweredAtOnce) {
    const Served served;
    for (const char* request : {"POST /v1/promote", "POST /v1/resources", "PUT /v1/status", "PATCH /v1/status"}) {
        const RawConnection raw(served.socket());
        raw.send(std::string(request) + " HTTP/1.1\r\nHost: d\r\n\r\nGET /_ping HTTP/1.1\r\nConnection: close\r\n\r\n");
        const std::string answers = raw.receive_all();  // the writing side stays open, as curl's does
        EXPECT_THAT(answers, testing::StartsWith("HTTP/1.1 4")) << request;
        EXPECT_THAT(answers, testing::EndsWith("OK\n")) << request;
    }
}

TEST(Server, AnEndlessHeaderEndsTheConnection) {
    const Served served({.max_header_bytes = 2000});
    const RawConnection raw(served.socket());
    raw.send("GET /_ping HTTP/1.1\r\n");
    for (int i = 0; i < 30; ++i) raw.send("X-Padding: " + std::string(100, 'x') + "\r\n");
    EXPECT_THAT(raw.receive_all(), testing::Not(HasSubstr("OK")));
}

TEST(Server, ARequestThatTakesTooLongEnds) {
    const Served served({.request_timeout = std::chrono::milliseconds(50)});
    const RawConnection raw(served.socket());
    raw.send("GET /_ping HT");
    (void)raw.receive_all();  // returns because the server closes
}

TEST(Server, ASlowClientKeepsNobodyWaiting) {
    const Served served;
    std::vector<std::unique_ptr<RawConnection>> slow;
    for (int i = 0; i < 16; ++i) {
        slow.push_back(std::make_unique<RawConnection>(served.socket()));
        slow.back()->send("POST /v1/resources HTTP/1.1\r\nHost: d\r\nContent-Le");
    }
    const auto answer = served.client().Get("/_ping");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "OK\n");
}

TEST(Server, OneConnectionTooManyIsToldSo) {
    const Served served({.max_connections = 2});
    const RawConnection first(served.socket());
    const RawConnection second(served.socket());
    const RawConnection third(served.socket());
    EXPECT_THAT(third.receive_all(), HasSubstr("503"));
}

TEST(Server, WhatTheLibraryRefusesIsJsonToo) {
    const Served served;
    const RawConnection raw(served.socket());
    raw.send("NONSENSE\r\n\r\n");
    const std::string answer = raw.receive_all();
    EXPECT_THAT(answer, HasSubstr("400"));
    EXPECT_THAT(answer, HasSubstr(R"("code":"invalid")"));
}

TEST(Server, ConcurrentAppliesLoseNothing) {
    const Served served;
    constexpr int kThreads = 4;
    constexpr int kEach = 5;
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::vector<std::uint64_t> generations;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            httplib::Client http = served.client();
            for (int i = 0; i < kEach; ++i) {
                const std::string name = "p" + std::to_string(t * kEach + i);
                const auto answer = http.Post("/v1/resources", with(kStagedClosed, "closed", name), "application/yaml");
                ASSERT_TRUE(answer);
                ASSERT_EQ(answer->status, 200) << answer->body;
                const std::scoped_lock lock(mutex);
                generations.push_back(json::parse(answer->body)["generation"]);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::sort(generations.begin(), generations.end());
    EXPECT_EQ(std::adjacent_find(generations.begin(), generations.end()), generations.end());
    const json staged = json::parse(served.client().Get("/v1/resources/sgnp")->body);
    EXPECT_EQ(staged["items"].size(), static_cast<std::size_t>(kThreads * kEach));
}

TEST(Server, ReplacesAStaleSocketButNothingElse) {
    const TemporaryDirectory directory;
    Site site;
    const observe::FlowLog flows;
    const std::string path = (directory.path() / "api.sock").string();
    {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
        ::close(fd);  // its owner died
    }
    auto first = Server::start({.socket_path = path}, *site, flows);
    ASSERT_TRUE(first) << first.error().text();
    const auto second = Server::start({.socket_path = path}, *site, flows);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kRefused);

    const std::string file = (directory.path() / "file").string();
    std::ofstream(file) << "precious";
    EXPECT_FALSE(Server::start({.socket_path = file}, *site, flows));
    EXPECT_TRUE(std::filesystem::exists(file));
    const std::string link = (directory.path() / "link").string();
    std::filesystem::create_symlink(directory.path() / "nowhere", link);
    EXPECT_FALSE(Server::start({.socket_path = link}, *site, flows));
}

TEST(Server, UnknownGroupsAndLongPathsAreExplained) {
    const TemporaryDirectory directory;
    Site site;
    const observe::FlowLog flows;
    const auto group =
        Server::start({.socket_path = (directory.path() / "s").string(), .group = "no-such-group"}, *site, flows);
    ASSERT_FALSE(group);
    EXPECT_THAT(group.error().text(), HasSubstr("no-such-group"));
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "s"));
    EXPECT_FALSE(Server::start({.socket_path = (directory.path() / std::string(200, 'x')).string()}, *site, flows));
}

TEST(Server, SaysBeforehandWhatItWouldRefuseAndTouchesNothing) {
    const TemporaryDirectory directory;
    Site site;
    const observe::FlowLog flows;
    const auto complaint = [](const ServerSettings& settings) {
        const Status status = Server::can_start(settings);
        return status ? std::string() : status.error().text();
    };
    const std::string path = (directory.path() / "run" / "api.sock").string();
    EXPECT_EQ(complaint({.socket_path = path}), "");
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_THAT(complaint({.socket_path = path, .group = "no-such-group"}), HasSubstr("no-such-group"));
    const auto server = Server::start({.socket_path = path}, *site, flows);
    ASSERT_TRUE(server) << server.error().text();
    EXPECT_THAT(complaint({.socket_path = path}), HasSubstr("is in use"));
    const std::string file = (directory.path() / "file").string();
    std::ofstream(file) << "precious";
    EXPECT_THAT(complaint({.socket_path = file}), HasSubstr("no socket"));
    EXPECT_TRUE(std::filesystem::exists(file));
    const auto everywhere = net::SocketAddress::parse("0.0.0.0:9100");
    ASSERT_TRUE(everywhere);
    EXPECT_THAT(complaint({.socket_path = path + "2", .metrics_listen = *everywhere}),
                HasSubstr("other machines could read them"));
}

TEST(Server, StoppingEndsIdleAndWaitingClientsAndRemovesTheSocket) {
    Served served;
    const RawConnection idle(served.socket());
    idle.send("GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n");
    const RawConnection waiting(served.socket());
    waiting.send("GET /v1/flows?wait=30000 HTTP/1.1\r\nHost: d\r\n\r\n");
    served.server->stop();
    served.server->stop();
    EXPECT_FALSE(std::filesystem::exists(served.socket()));
    EXPECT_FALSE(served.client().Get("/_ping"));
}

TEST(Server, StoppingDoesNotWaitForAClientThatDoesNotRead) {
    Served served({.request_timeout = std::chrono::hours(1), .stop_grace = std::chrono::milliseconds(10)});
    const RawConnection deaf(served.socket());
    std::string much;
    for (int i = 0; i < 100; ++i) much += "GET /v1/openapi.json HTTP/1.1\r\nHost: d\r\n\r\n";
    deaf.send(much);
    const httplib::Result answer = served.client().Get("/_ping");
    ASSERT_TRUE(answer);
    served.server->stop();  // within this test's time limit, not after an hour
    EXPECT_FALSE(std::filesystem::exists(served.socket()));
}

}  // namespace
}  // namespace drywall::control
