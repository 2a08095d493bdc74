// What is written is read back by libpcap, and packets keep their interface, their time and their comment.
#include "drywall/io/pcapng_writer.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packets.h"

namespace drywall::io {
namespace {

class PcapngFile : public testing::Test {
protected:
    PcapngFile() {
        std::string pattern = testing::TempDir() + "drywall-pcapng-XXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    ~PcapngFile() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string path() const { return folder_ / "drops.pcapng"; }
    [[nodiscard]] PcapngWriter writer(std::span<const std::string> interfaces) const {
        auto made = PcapngWriter::create(path(), interfaces, 256);
        EXPECT_TRUE(made) << made.error().text();
        return std::move(*made);
    }
    [[nodiscard]] std::string bytes() const {
        std::ifstream in(path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

private:
    std::filesystem::path folder_;
};

const std::vector<std::string> kPorts{"inside", "outside-1"};

TEST_F(PcapngFile, IsReadBackWithInterfacesTimesAndLengths) {
    const test::Bytes first = test::udp().payload(3).bytes();
    const test::Bytes second = test::tcp().syn().payload(400).bytes();
    const Nanos time{1'780'000'000'123'456'789};
    PcapngWriter writer = this->writer(kPorts);
    ASSERT_TRUE(writer.write({time, first, static_cast<std::uint32_t>(first.size()), 1}, "policy_deny; generation 7"));
    ASSERT_TRUE(writer.write({time + Nanos{1}, std::span(second).first(99), 1234, 0}, ""));

    auto reader = CaptureReader::open(path());
    ASSERT_TRUE(reader) << reader.error().text();
    reader->tell_interfaces_apart();
    CapturedPacket packet;
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket);
    EXPECT_EQ(packet.time, time);
    EXPECT_EQ(test::Bytes(packet.bytes.begin(), packet.bytes.end()), first);
    EXPECT_EQ(packet.length, first.size());
    EXPECT_EQ(packet.interface, 1U);
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket) << "written at once: nobody closed the file";
    EXPECT_EQ(packet.bytes.size(), 99U);
    EXPECT_EQ(packet.length, 1234U);
    EXPECT_EQ(packet.interface, 0U);
    EXPECT_EQ(reader->next(packet), CaptureReader::Next::kEnd);
    EXPECT_EQ(std::vector<std::string>(reader->interfaces().begin(), reader->interfaces().end()), kPorts);
    EXPECT_EQ(reader->link_type(), "EN10MB");
}

TEST_F(PcapngFile, ACommentIsAnOptionOfItsPacket) {
    const test::Bytes frame = test::udp().bytes();
    ASSERT_TRUE(writer(kPorts).write({Nanos{1}, frame, 60, 0}, "non_ip"));
    const std::string option("\x01\x00\x06\x00non_ip\x00\x00\x00\x00\x00\x00", 16);  // opt_comment, opt_endofopt
    EXPECT_THAT(bytes(), testing::HasSubstr(option));
}

// Every block says its length at both ends, in whole words; so a reader can walk the file either way.
TEST_F(PcapngFile, BlocksSayTheirLengthsAtBothEnds) {
    PcapngWriter writer = this->writer(kPorts);
    for (std::size_t size = 60; size < 68; ++size) {
        const test::Bytes frame(size, 1);
        ASSERT_TRUE(writer.write({Nanos{1}, frame, 60, 0}, std::string(size, 'x')));
    }
    const std::string file = bytes();
    const auto number = [&](std::size_t at) {
        std::uint32_t value = 0;
        for (std::size_t i = 4; i-- > 0;) value = value << 8U | static_cast<std::uint8_t>(file.at(at + i));
        return value;
    };
    std::size_t blocks = 0;
    for (std::size_t at = 0; at < file.size(); ++blocks) {
        const std::uint32_t length = number(at + 4);
        ASSERT_EQ(length % 4, 0U);
        ASSERT_EQ(number(at + length - 4), length);
        at += length;
    }
    EXPECT_EQ(blocks, 1 + kPorts.size() + 8);
}

TEST(PcapngWriter, SaysWhereItCantWrite) {
    const auto nowhere = PcapngWriter::create("/proc/nowhere/drops.pcapng", kPorts, 256);
    ASSERT_FALSE(nowhere);
    EXPECT_THAT(nowhere.error().text(), testing::HasSubstr("/proc/nowhere/drops.pcapng: can't be written"));
    auto full = PcapngWriter::create("/dev/full", kPorts, 256);
    ASSERT_FALSE(full);
    EXPECT_THAT(full.error().text(), testing::HasSubstr("No space left"));
}

}  // namespace
}  // namespace drywall::io
