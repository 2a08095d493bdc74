#include "drywall/net/socket_address.h"

#include <gtest/gtest.h>

namespace drywall::net {
namespace {

TEST(SocketAddress, ReadsWhatItWrites) {
    for (const char* text : {"127.0.0.1:9417", "192.0.2.1:1", "[::1]:65535", "[2001:db8::7]:4739"}) {
        const auto parsed = SocketAddress::parse(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(parsed->text(), text);
    }
}

TEST(SocketAddress, RefusesWhatIsNoAddressWithAPort) {
    for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:09417",
                             "127.0.0.1:+1", "::1:9417", "[::1]", "[127.0.0.1]:1", "localhost:9417", "[]:1"})
        EXPECT_FALSE(SocketAddress::parse(text)) << text;
}

TEST(SocketAddress, KnowsWhatNoOtherMachineCanReach) {
    for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1"})
        EXPECT_TRUE(SocketAddress::parse(text)->is_loopback()) << text;
    for (const char* text : {"0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::2]:1", "[1::1]:1", "[::ffff:127.0.0.1]:1"})
        EXPECT_FALSE(SocketAddress::parse(text)->is_loopback()) << text;
}

}  // namespace
}  // namespace drywall::net
