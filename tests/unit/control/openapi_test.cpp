// The OpenAPI document and the routes say the same. tests/e2e/test_export.py holds what is answered to its schemas.
#include "openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "api.h"

namespace drywall::control {
namespace {

using nlohmann::json;

constexpr const char* kHowTo =
    "describe it in docs/openapi.json: the path with its parameters, and a schema of what it answers";

json document() { return json::parse(kOpenApiDocument); }

const json& resolved(const json& whole, const json& part) {
    if (!part.contains("$ref")) return part;
    return whole.at(json::json_pointer(part["$ref"].get<std::string>().substr(1)));
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

// "GET /v1/flows"
std::set<std::string> documented_routes(const json& whole) {
    std::set<std::string> out;
    for (const auto& [path, operations] : whole["paths"].items())
        for (const auto& [method, operation] : operations.items()) out.insert(upper(method) + ' ' + path);
    return out;
}

std::set<std::string> parameters_in(const json& whole, const json& operation, std::string_view place) {
    std::set<std::string> out;
    if (!operation.contains("parameters")) return out;
    for (const json& one : operation["parameters"]) {
        const json& parameter = resolved(whole, one);
        if (parameter["in"] == place) out.insert(parameter["name"].get<std::string>());
    }
    return out;
}

std::set<std::string> placeholders(std::string_view pattern) {
    std::set<std::string> out;
    for (std::size_t at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1))
        out.emplace(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
    return out;
}

void check_references(const json& whole, const json& part) {
    if (part.is_object() && part.contains("$ref") && part["$ref"].is_string()) {
        const std::string target = part["$ref"].get<std::string>();
        EXPECT_TRUE(target.starts_with("#/") && whole.contains(json::json_pointer(target.substr(1)))) << target;
    }
    for (const json& inner : part)
        if (inner.is_structured()) check_references(whole, inner);
}

TEST(OpenApi, EveryRouteIsDescribed) {
    const std::set<std::string> documented = documented_routes(document());
    for (const Api::Route& route : Api::routes()) {
        const std::string name = std::string(route.method) + ' ' + std::string(route.pattern);
        EXPECT_TRUE(documented.contains(name)) << name << " is served and not described: " << kHowTo;
    }
}

TEST(OpenApi, NothingIsDescribedThatIsNotServed) {
    std::set<std::string> served;
    for (const Api::Route& route : Api::routes())
        served.insert(std::string(route.method) + ' ' + std::string(route.pattern));
    for (const std::string& name : documented_routes(document()))
        EXPECT_TRUE(served.contains(name)) << name << " is in docs/openapi.json and not in Api::routes()";
}

TEST(OpenApi, TheParametersAreThoseThatAreTaken) {
    const json whole = document();
    for (const Api::Route& route : Api::routes()) {
        const std::string method = route.method == "GET" ? "get" : route.method == "POST" ? "post" : "delete";
        const json operation = whole["paths"].value(std::string(route.pattern), json::object()).value(method, json());
        const std::set<std::string> taken(route.parameters.begin(), route.parameters.end());
        EXPECT_EQ(parameters_in(whole, operation, "query"), taken) << route.method << ' ' << route.pattern;
        EXPECT_EQ(parameters_in(whole, operation, "path"), placeholders(route.pattern)) << route.pattern;
    }
}

TEST(OpenApi, EveryOperationSaysWhatItAnswers) {
    const json whole = document();
    for (const auto& [path, operations] : whole["paths"].items()) {
        for (const auto& [method, operation] : operations.items()) {
            EXPECT_TRUE(operation.contains("summary")) << method << ' ' << path;
            ASSERT_TRUE(operation["responses"].contains("200")) << method << ' ' << path;
            for (const auto& [type, content] : operation["responses"]["200"]["content"].items())
                EXPECT_TRUE(content.contains("schema")) << method << ' ' << path << ' ' << type;
            // Whatever changes something is refused on the view socket, and whatever shows what others send.
            EXPECT_EQ(operation["responses"].contains("403"), method != "get" || path == "/v1/drops/watch")
                << method << ' ' << path;
        }
    }
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
    const json whole = document();
    EXPECT_EQ(whole["openapi"], "3.1.0");
    check_references(whole, whole);
}

}  // namespace
}  // namespace drywall::control
