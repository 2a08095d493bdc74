#include "drywall/io/capture.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packets.h"

namespace drywall::io {
namespace {

using namespace drywall::test;
using testing::HasSubstr;

// Numbers as a little-endian capture file has them.
std::string le16(unsigned value) { return {static_cast<char>(value & 0xffU), static_cast<char>(value >> 8U & 0xffU)}; }
std::string le32(std::uint32_t value) { return le16(value & 0xffffU) + le16(value >> 16U); }

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

std::string pcap_header(std::uint32_t link_type) {
    return le32(0xa1b23c4d) + le16(2) + le16(4) + le32(0) + le32(0) + le32(262144) + le32(link_type);
}
std::string pcap_packet(std::uint32_t seconds, const std::string& bytes, std::uint32_t length = 0) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    return le32(seconds) + le32(7) + le32(size) + le32(length == 0 ? size : length) + bytes;
}

std::string block(std::uint32_t type, std::string body) {
    body.resize((body.size() + 3) / 4 * 4);
    const std::string length = le32(static_cast<std::uint32_t>(body.size() + 12));
    return le32(type) + length + body + length;
}
std::string section() { return block(0x0a0d0d0a, le32(0x1a2b3c4d) + le16(1) + le16(0) + le32(~0U) + le32(~0U)); }
std::string interface(const std::string& name) {
    const std::string padded = name + std::string((4 - name.size() % 4) % 4, '\0');
    return block(
        1, le16(1) + le16(0) + le32(262144) + le16(2) + le16(static_cast<unsigned>(name.size())) + padded + le32(0));
}
std::string enhanced(std::uint32_t interface_number, const std::string& bytes) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    return block(6, le32(interface_number) + le32(0) + le32(1'000'000) + le32(size) + le32(size) + bytes);
}

class Capture : public testing::Test {
protected:
    Capture() {
        std::string pattern = testing::TempDir() + "drywall-capture-XXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    ~Capture() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& bytes) const {
        const std::string path = folder_ / "a.pcap";
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }
    Result<CaptureReader> open(const std::string& bytes) const { return CaptureReader::open(file(bytes)); }

    std::filesystem::path folder_;
};

TEST_F(Capture, PacketsComeOneAfterTheOtherWithTheirTimes) {
    const std::string frame = text_of(tcp().syn().bytes());
    auto reader = open(pcap_header(1) + pcap_packet(5, frame) + pcap_packet(6, frame.substr(0, 40), 1500));
    ASSERT_TRUE(reader) << reader.error().text();
    CapturedPacket packet;
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket);
    EXPECT_EQ(packet.time, Nanos(5'000'000'007));
    EXPECT_EQ(packet.bytes.size(), frame.size());
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket);
    EXPECT_EQ(packet.bytes.size(), 40U);
    EXPECT_EQ(packet.length, 1500U) << "on the wire it was whole";
    EXPECT_EQ(reader->next(packet), CaptureReader::Next::kEnd);
    EXPECT_EQ(reader->packets(), 2U);
}

TEST_F(Capture, ADamagedFileNamesThePacketAndHowFarItWasRead) {
    const std::string whole =
        pcap_header(1) + pcap_packet(5, text_of(tcp().bytes())) + pcap_packet(6, text_of(tcp().bytes()));
    auto reader = open(whole.substr(0, whole.size() - 3));
    ASSERT_TRUE(reader);
    CapturedPacket packet;
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket);
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kBroken);
    EXPECT_THAT(reader->error().text(), HasSubstr("packet 2, before byte " + std::to_string(whole.size() - 3)));
    EXPECT_THAT(reader->error().text(), HasSubstr("the 1 packets before it are whole"));
}

TEST_F(Capture, PacketsWithoutEthernetAreReadAsIfTheyHadIt) {
    const Bytes frame = tcp().syn().bytes();
    const std::string ip = text_of(frame).substr(14);
    struct Case {
        std::uint32_t link_type;
        std::string header;
    };
    const std::string cooked = le16(0) + le16(0x100) + le16(0x600) + std::string(8, '\0') + std::string("\x08\x00", 2);
    for (const Case& one : {Case{101, ""}, Case{228, ""}, Case{113, cooked},
                            Case{276, std::string("\x08\x00", 2) + std::string(18, '\0')}, Case{0, le32(2)}}) {
        auto reader = open(pcap_header(one.link_type) + pcap_packet(1, one.header + ip));
        ASSERT_TRUE(reader) << one.link_type << ": " << reader.error().text();
        CapturedPacket packet;
        ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket) << one.link_type;
        EXPECT_EQ(packet.length, frame.size()) << one.link_type;
        const net::PacketMeta meta =
            net::parse({packet.bytes.data(), static_cast<std::uint32_t>(packet.bytes.size()), packet.length, 0});
        EXPECT_EQ(meta.tuple, tcp().syn().tuple()) << one.link_type;
    }
}

TEST_F(Capture, APacketThatClaimsTheLargestLengthThereIsDoesNotBecomeAShortOne) {
    auto reader = open(pcap_header(0) + pcap_packet(1, le32(2), ~0U));
    ASSERT_TRUE(reader);
    CapturedPacket packet;
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket);
    EXPECT_EQ(packet.bytes.size(), 14U);
    EXPECT_EQ(packet.length, ~0U);
}

TEST_F(Capture, OtherLinkTypesAreRefusedByName) {
    const auto reader = open(pcap_header(105));
    ASSERT_FALSE(reader);
    EXPECT_THAT(reader.error().text(), HasSubstr("link type IEEE802_11"));
}

TEST_F(Capture, WhatIsNoCaptureIsRefused) {
    EXPECT_FALSE(open(""));
    EXPECT_THAT(open("this is no capture, but long enough to hold a header").error().text(),
                HasSubstr("is no capture that can be read"));
    EXPECT_EQ(CaptureReader::open(folder_ / "nowhere").error().kind, ErrorKind::kNotFound);
}

TEST_F(Capture, PcapngTellsTheInterfaceOfEachPacket) {
    const std::string frame = text_of(tcp().bytes());
    auto reader = open(section() + interface("eth0") + interface("eth1") + block(5, std::string(12, '\0')) +
                       enhanced(1, frame) + enhanced(0, frame));
    ASSERT_TRUE(reader) << reader.error().text();
    reader->tell_interfaces_apart();
    CapturedPacket packet;
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket);
    EXPECT_EQ(packet.interface, 1U);
    EXPECT_EQ(reader->interfaces()[1], "eth1");
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket);
    EXPECT_EQ(packet.interface, 0U);
    EXPECT_EQ(reader->next(packet), CaptureReader::Next::kEnd);
}

TEST_F(Capture, WhatIsWrittenIsReadBack) {
    const Bytes frame = udp().payload(100).bytes();
    const std::string path = folder_ / "out.pcap";
    auto writer = CaptureWriter::create(path);
    ASSERT_TRUE(writer);
    writer->write({Nanos(1'700'000'000'000'000'001), frame, 1500, 0});
    ASSERT_TRUE(writer->finish());
    auto reader = CaptureReader::open(path);
    ASSERT_TRUE(reader);
    CapturedPacket packet;
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::kPacket);
    EXPECT_EQ(packet.time, Nanos(1'700'000'000'000'000'001));
    EXPECT_EQ(Bytes(packet.bytes.begin(), packet.bytes.end()), frame);
    EXPECT_EQ(packet.length, 1500U);
    EXPECT_FALSE(CaptureWriter::create(folder_ / "no" / "a.pcap"));
}

}  // namespace
}  // namespace drywall::io
