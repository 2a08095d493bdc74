// The socket for those who only look: it answers every question and routes nothing that changes anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include <sys/stat.h>
#include <nlohmann/json.hpp>

#include "raw_connection.h"
#include "served.h"
#include "story.h"

namespace drywall::control {
namespace {

using nlohmann::json;
using test::kStagedClosed;
using test::RawConnection;
using test::Served;
using testing::HasSubstr;

TEST(ViewSocket, AnswersQuestionsAsTheControlSocketDoes) {
    const Served served;
    for (const char* path : {"/_ping", "/v1/version", "/v1/resources", "/v1/stats", "/v1/flows", "/v1/matrix"}) {
        const auto here = served.view_client().Get(path);
        const auto there = served.client().Get(path);
        ASSERT_TRUE(here && there) << path;
        EXPECT_EQ(here->status, there->status) << path;
        EXPECT_EQ(here->body, there->body) << path;
    }
    const auto head = served.view_client().Head("/v1/status");
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 200);
}

TEST(ViewSocket, IsForItsOwnerAndGroupOnly) {
    const Served served;
    struct stat there {};
    ASSERT_EQ(::stat(served.view_socket().c_str(), &there), 0);
    EXPECT_EQ(there.st_mode & 07777U, 0660U);
}

TEST(ViewSocket, RefusesEveryChangeAndSaysWhereToGo) {
    const Served served;
    const auto answer = served.view_client().Post("/v1/resources", kStagedClosed, "application/yaml");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 403);
    const json body = json::parse(answer->body);
    EXPECT_EQ(body["code"], "read-only");
    EXPECT_THAT(body["message"].get<std::string>(), HasSubstr(served.socket()));
    EXPECT_EQ(json::parse(served.client().Get("/v1/status")->body)["generation"], 1);
}

// Whatever is routed one day: it is the method that is refused, not the paths of today.
TEST(ViewSocket, RefusesEveryMethodButGetAndHead) {
    const Served served;
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
        for (const char* path : {"/v1/resources", "/v1/resources/gnp/web-to-db", "/v1/promote", "/v1/anything"}) {
            const RawConnection raw(served.view_socket());
            raw.send(std::string(method) + " " + path + " HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\n{}\n");
            EXPECT_THAT(raw.receive_all(), testing::StartsWith("HTTP/1.1 403")) << method << ' ' << path;
        }
    }
    EXPECT_TRUE(json::parse(served.client().Get("/v1/resources/gnp/web-to-db")->body).contains("spec"));
}

// A second request behind a refused one must not be smuggled in as its body, nor its body be taken for a request.
TEST(ViewSocket, ARefusedRequestEndsTheConnectionUnread) {
    const Served served;
    const RawConnection raw(served.view_socket());
    raw.send("POST /v1/resources HTTP/1.1\r\nHost: d\r\nContent-Length: 9999\r\n\r\nGET /_ping HTTP/1.1\r\n\r\n");
    raw.finish();
    const std::string answers = raw.receive_all();
    EXPECT_THAT(answers, testing::StartsWith("HTTP/1.1 403"));
    EXPECT_THAT(answers, testing::Not(HasSubstr("OK\n")));
}

TEST(ViewSocket, ItsCrowdKeepsNobodyFromTheControlSocket) {
    const Served served({.max_connections = 2});
    std::vector<std::unique_ptr<RawConnection>> crowd;
    for (int i = 0; i < 8; ++i) crowd.push_back(std::make_unique<RawConnection>(served.view_socket()));
    const auto answer = served.client().Get("/_ping");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "OK\n");
}

TEST(ViewSocket, ItsFollowersKeepNobodyFromFollowingOnTheControlSocket) {
    const Served served;
    const std::string follow = "GET /v1/flows HTTP/1.1\r\nHost: d\r\nAccept: text/event-stream\r\n\r\n";
    std::vector<std::unique_ptr<RawConnection>> crowd;
    for (int i = 0; i < 16; ++i) {
        crowd.push_back(std::make_unique<RawConnection>(served.view_socket()));
        crowd.back()->send(follow);
        EXPECT_THAT(crowd.back()->receive_some(), testing::StartsWith("HTTP/1.1 200"));
    }
    const RawConnection one_more(served.view_socket());
    one_more.send(follow);
    EXPECT_THAT(one_more.receive_some(), testing::StartsWith("HTTP/1.1 503"));
    const RawConnection operators(served.socket());
    operators.send(follow);
    EXPECT_THAT(operators.receive_some(), testing::StartsWith("HTTP/1.1 200"));
}

TEST(ViewSocket, GoesWithTheServer) {
    Served served;
    served.server->stop();
    EXPECT_FALSE(std::filesystem::exists(served.view_socket()));
}

}  // namespace
}  // namespace drywall::control
