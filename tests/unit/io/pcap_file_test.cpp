#include "drywall/io/pcap_file.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "packets.h"

namespace drywall::io {
namespace {

using namespace drywall::test;

class PcapFile : public testing::Test {
protected:
    PcapFile() {
        std::string pattern = testing::TempDir() + "drywall-pcap-XXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    ~PcapFile() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::filesystem::path file(const char* name = "a.pcap") const { return folder_ / name; }

    void write(const std::string& bytes) const { std::ofstream(file(), std::ios::binary) << bytes; }

    std::filesystem::path folder_;
};

CapturedFrame captured(const Packet& packet, std::int64_t nanos) {
    const Bytes bytes = packet.bytes();
    return {Nanos(nanos), bytes, static_cast<std::uint32_t>(bytes.size())};
}

// A pcap file header: magic, version 2.4, zone, accuracy, snapshot length, link type; little-endian.
std::string header(char link_type) {
    return std::string("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0", 20) + link_type +
           std::string(3, '\0');
}

TEST_F(PcapFile, WhatWasWrittenIsReadBack) {
    std::vector<CapturedFrame> frames{captured(tcp().syn(), 0), captured(udp().payload(700).vlan(7), 1'234'567'891),
                                      captured(arp(), 1'700'000'000'000'000'001)};
    frames[1].length = 1500;  // the capture cut it
    ASSERT_TRUE(write_pcap(file(), frames));
    const auto back = read_pcap(file());
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, frames);
}

TEST_F(PcapFile, AFileWithoutFramesIsFine) {
    ASSERT_TRUE(write_pcap(file(), {}));
    const auto back = read_pcap(file());
    ASSERT_TRUE(back);
    EXPECT_TRUE(back->empty());
}

TEST_F(PcapFile, AMissingFileIsNamed) {
    const auto result = read_pcap(file("nowhere.pcap"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(result.error().text(), file("nowhere.pcap").string() + ": no such capture file");
}

TEST_F(PcapFile, AFileThatIsNoCaptureIsRefused) {
    write("this is no capture, but long enough to hold a header");
    const auto result = read_pcap(file());
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text().find("not a readable capture file"), std::string::npos) << result.error().text();
}

TEST_F(PcapFile, AnEmptyFileIsRefused) {
    write("");
    EXPECT_FALSE(read_pcap(file()));
}

TEST_F(PcapFile, OtherLinkTypesAreRefusedByName) {
    write(header(113));  // Linux cooked, what tcpdump -i any writes
    const auto result = read_pcap(file());
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text().find("link type LINUX_SLL instead of Ethernet"), std::string::npos)
        << result.error().text();
}

TEST_F(PcapFile, AFileThatEndsInsideAFrameNamesTheFrame) {
    ASSERT_TRUE(write_pcap(file(), std::vector<CapturedFrame>{captured(tcp(), 1), captured(tcp(), 2)}));
    std::filesystem::resize_file(file(), std::filesystem::file_size(file()) - 5);
    const auto result = read_pcap(file());
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text().find("frame 2"), std::string::npos) << result.error().text();
}

TEST_F(PcapFile, AFolderThatIsNotThereCantBeWrittenTo) {
    const auto status = write_pcap(folder_ / "no" / "a.pcap", {});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::kUnavailable);
}

TEST_F(PcapFile, ATimeThatNoClockHasIsRefused) {
    // Second 0, and more microseconds than a second has.
    write(header(1) + std::string("\0\0\0\0\xff\xff\xff\x7f\1\0\0\0\1\0\0\0x", 17));
    const auto frames = read_pcap(file());
    ASSERT_FALSE(frames);
    EXPECT_NE(frames.error().text().find("frame 1: its time is before 1970 or after 2255"), std::string::npos);
}

}  // namespace
}  // namespace drywall::io
