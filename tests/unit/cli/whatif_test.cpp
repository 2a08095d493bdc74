// replay and recommend on files: what they print, and what they tell the shell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "commands.h"
#include "commands_whatif.h"
#include "drywall/io/capture.h"
#include "packets.h"
#include "site_texts.h"

namespace drywall::cli {
namespace {

namespace fs = std::filesystem;
using drywall::test::tcp;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kRecord =
    R"({"source_ip":"10.0.0.1","dest_ip":"10.1.0.1","protocol":"tcp","dest_port":8080,"action":"allow",)"
    R"("num_connections_started":3,"packets_out":10,"bytes_out":1000})"
    "\n";

class WhatIfCommands : public testing::Test {
protected:
    WhatIfCommands() {
        std::string pattern = (fs::temp_directory_path() / "drywall-whatif-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        directory_ = pattern;
        site_ = file("site.yaml", std::string(drywall::test::kEndpoints) + "---\n" + drywall::test::kWebToDb);
        staged_ = file("staged.yaml", drywall::test::kStagedClosed);
    }
    ~WhatIfCommands() override {
        std::error_code ignored;
        fs::remove_all(directory_, ignored);
    }

    Invocation invocation(Format format = Format::kTable) {
        out.str({});
        err.str({});
        return {out, err, format, false, false, path("no.sock"), in};
    }
    std::string path(const std::string& name) const { return (directory_ / name).string(); }
    std::string file(const std::string& name, const std::string& text) const {
        std::ofstream(path(name)) << text;
        return path(name);
    }
    std::string capture() const {
        auto writer = io::CaptureWriter::create(path("a.pcap"));
        if (!writer) std::abort();
        for (const auto& packet : {tcp().syn().from("10.0.0.1", 40000).to("10.1.0.1", 8080),
                                   tcp().syn().from("10.0.0.1", 40000).to("10.1.0.1", 22)}) {
            const drywall::test::Bytes bytes = packet.bytes();
            writer->write({Nanos(1'700'000'000'000'000'000), bytes, static_cast<std::uint32_t>(bytes.size()), 0});
        }
        if (!writer->finish()) std::abort();
        return path("a.pcap");
    }

    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in;
    fs::path directory_;
    std::string site_;
    std::string staged_;
};

ReplayArguments packets(std::vector<std::string> files, std::string capture) {
    ReplayArguments arguments;
    arguments.files = std::move(files);
    arguments.captures = {std::move(capture)};
    return arguments;
}

TEST_F(WhatIfCommands, ReplayFailsOnWhatWouldBeNewlyDenied) {
    EXPECT_EQ(replay(invocation(), packets({site_}, capture())), Exit::kOk) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("no flow differs\n"));
    EXPECT_EQ(replay(invocation(), packets({site_, staged_}, capture())), Exit::kNegative) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("received 2 = left 1 + dropped 1 packets\n"));
    EXPECT_THAT(out.str(), HasSubstr("prod/web  prod/db"));
    EXPECT_THAT(out.str(), HasSubstr("default|sgnp:closed|deny|0"));
}

TEST_F(WhatIfCommands, ReplayWritesJsonAndJsonLines) {
    EXPECT_EQ(replay(invocation(Format::kJson), packets({site_, staged_}, capture())), Exit::kNegative);
    const Json answer = Json::parse(out.str());
    EXPECT_EQ(answer["newly_denied"]["connections"], 1);
    EXPECT_EQ(answer["enforced"]["denied"]["packets"], 1);
    EXPECT_EQ(answer["flows"].size(), 1U);
    EXPECT_EQ(answer["flows"][0]["responsible"][0], "sgnp:closed");

    ReplayArguments all = packets({site_, staged_}, capture());
    all.all = true;
    all.fail_on = "nothing";
    EXPECT_EQ(replay(invocation(Format::kJsonLines), all), Exit::kOk);
    std::istringstream lines(out.str());
    std::string line;
    std::size_t count = 0;
    while (std::getline(lines, line)) count += Json::parse(line).is_object() ? 1U : 0U;
    EXPECT_EQ(count, 3U) << "two flows, and the summary";
}

TEST_F(WhatIfCommands, ReplayWritesWhatLeaves) {
    ReplayArguments arguments = packets({site_}, capture());
    arguments.write_to = path("out.pcap");
    EXPECT_EQ(replay(invocation(), arguments), Exit::kOk);
    auto left = io::CaptureReader::open(path("out.pcap"));
    ASSERT_TRUE(left);
    io::CapturedPacket packet;
    EXPECT_EQ(left->next(packet), io::CaptureReader::Next::kPacket);
    EXPECT_EQ(left->next(packet), io::CaptureReader::Next::kEnd);
}

TEST_F(WhatIfCommands, ReplayRefusesWhatItDoesNotUnderstandWithThePlace) {
    const std::string whole = capture();
    fs::resize_file(whole, fs::file_size(whole) - 3);
    EXPECT_EQ(replay(invocation(), packets({site_}, whole)), Exit::kInvalid);
    EXPECT_THAT(err.str(),
                StartsWith(whole + ": packet 2, before byte " + std::to_string(fs::file_size(whole)) + ": "));
    EXPECT_EQ(replay(invocation(), packets({site_}, path("nowhere.pcap"))), Exit::kInvalid);

    ReplayArguments ports = packets({site_}, capture());
    ports.ports = {"middle"};
    EXPECT_EQ(replay(invocation(), ports), Exit::kInvalid);
    EXPECT_THAT(err.str(), HasSubstr("no port 'middle'"));
    ReplayArguments nothing_recorded;
    nothing_recorded.files = {site_};
    EXPECT_EQ(replay(invocation(), nothing_recorded), Exit::kUsage);
}

TEST_F(WhatIfCommands, RecordedFlowsAreJudgedAgain) {
    ReplayArguments arguments;
    arguments.files = {site_, staged_};
    arguments.flows = file("flows.jsonl", kRecord);
    EXPECT_EQ(replay(invocation(Format::kJson), arguments), Exit::kNegative) << err.str();
    const Json answer = Json::parse(out.str());
    EXPECT_EQ(answer["compared_with"], "recorded");
    EXPECT_EQ(answer["newly_denied"]["connections"], 3);
    EXPECT_EQ(answer["flows"][0]["recorded_action"], "allow");
    EXPECT_EQ(replay(invocation(), arguments), Exit::kNegative);
    EXPECT_THAT(out.str(), HasSubstr("newly denied"));
}

TEST_F(WhatIfCommands, RecommendWritesYamlThatValidateTakes) {
    RecommendArguments arguments;
    arguments.files = {file("endpoints.yaml", drywall::test::kEndpoints)};
    arguments.flows = file("flows.jsonl", kRecord);
    EXPECT_EQ(recommend(invocation(), arguments), Exit::kOk) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("stagedAction: Learn"));
    EXPECT_THAT(err.str(), HasSubstr("2 policies for 3 connections"));
    const std::string learned = file("learned.yaml", out.str());
    EXPECT_EQ(validate(invocation(), {.files = {arguments.files.front(), learned}, .config = {}}), Exit::kOk)
        << out.str();
    arguments.flows.clear();
    EXPECT_EQ(recommend(invocation(), arguments), Exit::kUsage);
}

}  // namespace
}  // namespace drywall::cli
