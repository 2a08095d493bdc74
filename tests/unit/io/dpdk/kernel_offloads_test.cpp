// Which of an interface's features change the frames that a driver on it receives.
#include "kernel_offloads.h"

#include <gtest/gtest.h>

namespace drywall::io {
namespace {

using Names = std::vector<std::string>;

std::vector<KernelFeature> all_active() {
    return {{"rx-checksum", true},
            {"rx-gro", true},
            {"rx-lro", true},
            {"rx-vlan-hw-parse", true},
            {"rx-gro-hw", true},
            {"tx-vlan-hw-insert", true},
            {"rx-vlan-stag-hw-parse", true},
            {"tx-tcp-segmentation", true}};
}

TEST(KernelOffloads, TagsMatterToAfXdpAndGluedSegmentsToBoth) {
    EXPECT_EQ(changing_frames("net_af_xdp", all_active()),
              (Names{"rx-vlan-hw-parse", "rx-vlan-stag-hw-parse", "rx-gro", "rx-gro-hw", "rx-lro"}));
    EXPECT_EQ(changing_frames("net_af_packet", all_active()), (Names{"rx-gro", "rx-gro-hw", "rx-lro"}));
}

TEST(KernelOffloads, WhatIsOffOrNotThereChangesNothing) {
    EXPECT_EQ(changing_frames("net_af_xdp", {{"rx-gro", false}, {"rx-checksum", true}}), Names{});
    EXPECT_EQ(changing_frames("net_af_xdp", {}), Names{});
}

TEST(KernelOffloads, TheHintSpeaksEthtoolsWords) {
    EXPECT_EQ(ethtool_command("eth1", {"rx-vlan-hw-parse", "rx-gro", "rx-lro"}),
              "ethtool -K eth1 rxvlan off gro off lro off");
}

TEST(KernelOffloads, ADeviceOnNoKernelInterfaceHasNone) {
    const auto none = KernelOffloads::switch_off("lan", parse_device("net_null0"));
    ASSERT_TRUE(none);
    EXPECT_EQ(*none, nullptr);
}

TEST(KernelInterface, TheLoopbackTellsItsFeaturesAndAnUnknownOneNothing) {
    const auto features = kernel_features("lo");
    const auto found = std::find_if(features.begin(), features.end(), [](const KernelFeature& feature) {
        return feature.name == "tx-checksum-ip-generic";
    });
    ASSERT_NE(found, features.end());
    EXPECT_TRUE(found->active);
    EXPECT_TRUE(kernel_features("no-such-one").empty());
    EXPECT_NE(set_kernel_features("no-such-one", {"rx-gro"}, false), 0);
    EXPECT_EQ(kernel_driver("no-such-one"), "");
}

}  // namespace
}  // namespace drywall::io
