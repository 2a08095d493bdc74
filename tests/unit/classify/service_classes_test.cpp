#include "service_classes.h"

#include <gtest/gtest.h>

#include "program_builder.h"

namespace drywall::classify {
namespace {

constexpr std::size_t kPlenty = std::size_t{1} << 30;

// Every match must hold in a packet's service class exactly when the oracle says that it holds for the packet.
void expect_as_the_oracle(const std::vector<ServiceMatch>& all, const net::Tuple& tuple) {
    const auto services = build_service_classes(all, kPlenty);
    ASSERT_TRUE(services);
    const std::uint32_t service_class = services->table.service_class(tuple);
    ASSERT_LT(service_class, services->count);
    for (std::size_t at = 0; at < all.size(); ++at) {
        EXPECT_EQ(services->holds.test(at, service_class), matches(all[at], tuple))
            << "match " << at << ", protocol " << int{tuple.protocol} << ", ports " << tuple.source_port << " -> "
            << tuple.destination_port;
    }
}

const std::vector<ServiceMatch> kEveryField{
    {},
    {.family = net::Family::kIPv6},
    {.protocol = 6},
    {.not_protocol = 6},
    {.protocol = 1, .icmp = IcmpMatch{8, std::nullopt}},
    {.icmp = IcmpMatch{3, std::uint8_t{1}}},
    {.not_icmp = IcmpMatch{3, std::uint8_t{1}}},
    {.not_icmp = IcmpMatch{255, std::nullopt}},
    {.source_ports = {{1000, 2000}}},
    {.destination_ports = {{0, 0}, {80, 80}, {65535, 65535}}},
    {.not_source_ports = {{0, 1023}}},
    {.not_destination_ports = {{80, 90}}},
    {.protocol = 17, .source_ports = {{53, 53}}, .destination_ports = {{53, 53}}},
};

TEST(ServiceClasses, HoldWhatTheOracleSaysForEveryProtocol) {
    const auto services = build_service_classes(kEveryField, kPlenty);
    ASSERT_TRUE(services);
    for (int protocol = 0; protocol < 256; ++protocol) {
        for (const net::Family family : {net::Family::kIPv4, net::Family::kIPv6}) {
            net::Tuple tuple;
            tuple.family = family;
            tuple.protocol = static_cast<std::uint8_t>(protocol);
            const std::uint32_t service_class = services->table.service_class(tuple);
            for (std::size_t at = 0; at < kEveryField.size(); ++at) {
                ASSERT_EQ(services->holds.test(at, service_class), matches(kEveryField[at], tuple))
                    << "protocol " << protocol << ", match " << at;
            }
        }
    }
}

TEST(ServiceClasses, HoldWhatTheOracleSaysAtEveryEdgeOfPorts) {
    for (const std::uint16_t source : {0, 52, 53, 54, 999, 1000, 1023, 1024, 2000, 2001, 65535}) {
        for (const std::uint16_t destination : {0, 1, 79, 80, 81, 90, 91, 65534, 65535}) {
            for (const std::uint8_t protocol : {6, 17, 132}) {
                expect_as_the_oracle(kEveryField, packet("10.0.0.1", "10.0.0.2", protocol, destination, source));
            }
        }
    }
}

TEST(ServiceClasses, HoldWhatTheOracleSaysAtEveryEdgeOfIcmp) {
    for (const int type_and_code : {0x0000, 0x0300, 0x0301, 0x0302, 0x07ff, 0x0800, 0x08ff, 0x0900, 0xff00, 0xffff}) {
        for (const std::uint8_t protocol : {1, 58}) {
            expect_as_the_oracle(
                kEveryField, packet("10.0.0.1", "10.0.0.2", protocol, static_cast<std::uint16_t>(type_and_code), 0));
        }
    }
}

TEST(ServiceClasses, WithoutMatchesThereIsOneClass) {
    const auto services = build_service_classes({}, kPlenty);
    ASSERT_TRUE(services);
    EXPECT_EQ(services->count, 1U);
    EXPECT_EQ(services->table.service_class(packet("10.0.0.1", "10.0.0.2")), 0U);
}

TEST(ServiceClasses, PortsThatNoMatchTellsApartShareOne) {
    const auto services = build_service_classes(std::vector{tcp(80), tcp(443)}, kPlenty);
    ASSERT_TRUE(services);
    EXPECT_EQ(services->count, 3U);
    const auto class_of = [&](std::uint16_t port) {
        return services->table.service_class(packet("10.0.0.1", "10.0.0.2", net::protocol::kTcp, port));
    };
    EXPECT_EQ(class_of(81), class_of(8080));
    EXPECT_NE(class_of(80), class_of(443));
}

TEST(ServiceClasses, RefuseACubeBeyondTheBudget) {
    const auto services = build_service_classes(kEveryField, 1000);
    ASSERT_FALSE(services);
    EXPECT_EQ(services.error().kind, ErrorKind::kRefused);
}

TEST(Fingerprint, TellsMatchesApartThatDiffer) {
    for (std::size_t a = 0; a < kEveryField.size(); ++a) {
        for (std::size_t b = 0; b < kEveryField.size(); ++b) {
            EXPECT_EQ(fingerprint(kEveryField[a]) == fingerprint(kEveryField[b]), a == b) << a << ", " << b;
        }
    }
}

}  // namespace
}  // namespace drywall::classify
