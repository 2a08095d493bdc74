#include "drywall/generate/self_test.h"

#include <gtest/gtest.h>

namespace drywall::generate {
namespace {

using namespace std::chrono_literals;

TEST(SelfTest, SendsAProfileWithoutItsLimits) {
    loader::TrafficProfile profile;
    for (const char* name : {"left", "right"}) {
        loader::PortSettings port;
        port.name = name;
        profile.machine.ports.push_back(port);
    }
    profile.streams = {loader::default_stream("there", "left", "right"),
                       loader::default_stream("back", "right", "left")};
    profile.streams[0].packets = 10;
    profile.streams[1].rate = loader::parse_rate("1kpps");
    const auto launcher = runtime::make_thread_launcher();
    const auto rate = self_test(profile, *launcher, 0, 50ms);
    ASSERT_TRUE(rate);
    EXPECT_GT(*rate * 0.05, 1000.0) << "more than the limits let out";
}

}  // namespace
}  // namespace drywall::generate
