// The commands that need no daemon: what they print, and what they tell the shell. The examples of config/examples
// answer as they say they do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "commands.h"

namespace drywall::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kSite = R"(apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: web, namespace: prod, labels: {app: web}}
spec: {node: wire, orchestrator: k8s, ipNetworks: [10.0.0.1/32], profiles: [projectcalico-default-allow]}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: db, namespace: prod, labels: {app: db}}
spec: {node: wire, orchestrator: k8s, ipNetworks: [10.1.0.1/32], profiles: [projectcalico-default-allow]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web-to-db}
spec:
  selector: app == 'db'
  types: [Ingress]
  ingress:
    - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [8080]}}
)";

constexpr const char* kStaged = R"(apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata: {name: closed}
spec:
  order: 10
  selector: app == 'db'
  types: [Ingress]
  ingress: [{action: Deny}]
)";

class Offline : public testing::Test {
protected:
    Offline() {
        std::string pattern = (fs::temp_directory_path() / "drywall-offline-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        directory_ = pattern;
    }
    ~Offline() override {
        std::error_code ignored;
        fs::remove_all(directory_, ignored);
    }

    Invocation invocation(Format format = Format::kTable, const std::string& input = {}) {
        out.str({});
        err.str({});
        in.clear();
        in.str(input);
        // No daemon answers there: a command that asked one would fail.
        return {out, err, format, false, false, (directory_ / "no.sock").string(), in};
    }
    std::string file(const std::string& name, const std::string& text) {
        std::string path = (directory_ / name).string();
        std::ofstream(path) << text;
        return path;
    }

    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in;
    fs::path directory_;
};

TEST_F(Offline, ValidateIsSilentAboutWhatIsGood) {
    const std::string site(kSite);
    const std::string good = file("good.yaml", site.substr(0, site.rfind("---")));
    EXPECT_EQ(validate(invocation(), {.files = {good}, .config = {}}), Exit::kOk);
    EXPECT_EQ(out.str(), "");
    EXPECT_EQ(err.str(), "1 file: 0 errors, 0 warnings\n");
    EXPECT_EQ(validate(invocation(Format::kJson), {.files = {good}, .config = {}}), Exit::kOk);
    EXPECT_EQ(out.str(), "[]\n");
    EXPECT_EQ(err.str(), "");
}

TEST_F(Offline, WarningsAloneAreNoFailure) {
    const std::string doubtful = file("doubtful.yaml", kSite);
    EXPECT_EQ(validate(invocation(), {.files = {doubtful}, .config = {}}), Exit::kOk);
    EXPECT_THAT(out.str(), StartsWith(doubtful + ":13:18: warning: globalnetworkpolicy/web-to-db "));
    EXPECT_EQ(validate(invocation(Format::kJson), {.files = {doubtful}, .config = {}}), Exit::kOk);
    EXPECT_EQ(Json::parse(out.str())[0]["severity"], "warning");
}

TEST_F(Offline, ValidateShowsTheLineOfEveryMistakeInEveryFile) {
    const std::string first =
        file("a.yaml", "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: a}\nspec: {ordr: 1}\n");
    const std::string second = file("b.yaml", "apiVersion: projectcalico.org/v3\nkind: Teir\n");
    EXPECT_EQ(validate(invocation(), {.files = {first, second, "/no/such/file"}, .config = {}}), Exit::kInvalid);
    EXPECT_THAT(out.str(), HasSubstr(first + ":4:8: error: "));
    EXPECT_THAT(out.str(), HasSubstr("    spec: {ordr: 1}\n           ^\n"));
    EXPECT_THAT(out.str(), HasSubstr(second + ":2:7: error: "));
    EXPECT_THAT(out.str(), HasSubstr("/no/such/file: error: can't be read"));
}

TEST_F(Offline, ValidateWritesTheWholeListAsJson) {
    const std::string bad = file("bad.yaml", std::string(kSite) +
                                                 "---\napiVersion: projectcalico.org/v3\nkind: "
                                                 "GlobalNetworkPolicy\nmetadata: {name: x.lost}\nspec: {tier: x}\n");
    EXPECT_EQ(validate(invocation(Format::kJson), {.files = {bad}, .config = {}}), Exit::kInvalid);
    const Json list = Json::parse(out.str());
    ASSERT_EQ(list.size(), 1U) << list;
    EXPECT_EQ(list[0]["file"], bad);
    EXPECT_GT(list[0]["line"], 0);
    EXPECT_GT(list[0]["column"], 0);
    EXPECT_EQ(list[0]["severity"], "error");
    EXPECT_THAT(list[0]["message"].get<std::string>(), HasSubstr("tier"));
    for (const char* key : {"kind", "namespace", "name"}) EXPECT_TRUE(list[0].contains(key)) << key;
}

TEST_F(Offline, AConfigurationMayBeOneLine) {
    const std::string good = file("good.yaml", std::string(kSite));
    const std::string config = file("drywall.yaml", "pending: calico\n");
    EXPECT_EQ(validate(invocation(), {.files = {good}, .config = config}), Exit::kOk) << err.str();
    const std::string wrong = file("wrong.yaml", "pendin: calico\n");
    EXPECT_EQ(validate(invocation(), {.files = {good}, .config = wrong}), Exit::kInvalid);
    EXPECT_THAT(err.str(), StartsWith(wrong + ":1:1: "));
}

TEST_F(Offline, EvalAnswersLineByLineFromAFileOrStandardInput) {
    const std::string site = file("site.yaml", kSite);
    const std::string lines =
        "{\"id\":1,\"src\":\"prod/web\",\"dst\":\"prod/db\",\"protocol\":6,\"dstPort\":8080}\n\n{\"id\":2}\n";
    EvalArguments arguments{.files = {site}, .config = {}, .queries = "-", .engine = "compiled"};
    EXPECT_EQ(eval(invocation(Format::kTable, lines), arguments), Exit::kOk);
    const std::string compiled = out.str();
    EXPECT_THAT(compiled, StartsWith(R"({"id":1,"enforced":{"action":"allow")"));
    EXPECT_THAT(compiled, HasSubstr("\n{\"id\":2,\"error\":"));
    arguments.queries = file("queries.jsonl", lines);
    arguments.engine = "reference";
    EXPECT_EQ(eval(invocation(), arguments), Exit::kOk);
    EXPECT_EQ(out.str(), compiled);
    arguments.queries = "/no/such/queries";
    EXPECT_EQ(eval(invocation(), arguments), Exit::kInvalid);
    arguments.files = {file("bad.yaml", "kind: x\n")};
    EXPECT_EQ(eval(invocation(), arguments), Exit::kInvalid);
}

TEST_F(Offline, SelectorAnswersLineByLine) {
    EXPECT_EQ(selector(invocation(Format::kTable, "{\"id\":1,\"selector\":\"has(a)\",\"labels\":{\"a\":\"\"}}"), {}),
              Exit::kOk);
    EXPECT_EQ(out.str(), "{\"id\":1,\"valid\":true,\"match\":true}\n");
}

TEST_F(Offline, MatrixOfFilesIsATableJsonOrCsv) {
    MatrixArguments arguments;
    arguments.files = {file("site.yaml", kSite), file("staged.yaml", kStaged)};
    arguments.port = "8080";
    EXPECT_EQ(matrix(invocation(), arguments), Exit::kOk) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("prod/web"));
    EXPECT_EQ(matrix(invocation(Format::kCsv), arguments), Exit::kOk);
    EXPECT_THAT(out.str(), HasSubstr("workloadendpoint/prod/web,workloadendpoint/prod/db,allow,,\r\n"));
    arguments.view = "diff";
    arguments.group_by = "app";
    EXPECT_EQ(matrix(invocation(Format::kCsv), arguments), Exit::kOk);
    EXPECT_THAT(out.str(), HasSubstr("web,db,allow,deny,true,tcp/8080,,,\r\n"));
    EXPECT_EQ(matrix(invocation(Format::kJson), arguments), Exit::kOk);
    EXPECT_EQ(Json::parse(out.str())["endpoints"], Json::parse(R"(["db","web"])"));
    arguments.port = "tcp/8080";
    arguments.protocol = "udp";
    EXPECT_EQ(matrix(invocation(), arguments), Exit::kUsage);
}

TEST_F(Offline, TraceOfFilesTellsWhyARuleDidNotMatch) {
    TraceArguments question;
    question.protocol = "tcp";
    question.source = "web";
    question.destination = "db:443";
    question.files = {file("site.yaml", kSite), file("staged.yaml", kStaged)};
    EXPECT_EQ(trace(invocation(), question), Exit::kNegative) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("destination.ports: 443 is not in 8080"));
    EXPECT_THAT(out.str(), HasSubstr("end of tier"));
    question.destination = "db:8080";
    EXPECT_EQ(trace(invocation(Format::kJson), question), Exit::kOk);
    const Json walk = Json::parse(out.str())["decisions"][0]["pending"]["walk"];
    EXPECT_EQ(walk[1]["tiers"][0]["policies"][0]["policy"], "sgnp:closed");
    EXPECT_EQ(walk[1]["tiers"][0]["policies"][0]["rules"][0]["matched"], true);
    question.files = {"/no/such/file"};
    EXPECT_EQ(trace(invocation(), question), Exit::kInvalid);
}

std::string text_of(const fs::path& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST_F(Offline, ExamplesAnswerAsTheySay) {
    std::size_t found = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(DRYWALL_EXAMPLES)) {
        const std::string path = entry.path().string();
        if (!path.ends_with(".queries.jsonl")) continue;
        ++found;
        const std::string stem = path.substr(0, path.size() - std::string_view(".queries.jsonl").size());
        EXPECT_EQ(validate(invocation(), {.files = {stem + ".yaml"}, .config = {}}), Exit::kOk) << out.str();
        for (const char* engine : {"compiled", "reference"}) {
            EXPECT_EQ(eval(invocation(), {.files = {stem + ".yaml"}, .config = {}, .queries = path, .engine = engine}),
                      Exit::kOk);
            EXPECT_EQ(out.str(), text_of(stem + ".answers.jsonl")) << stem << ", " << engine;
        }
    }
    EXPECT_GE(found, 3U);
}

}  // namespace
}  // namespace drywall::cli
