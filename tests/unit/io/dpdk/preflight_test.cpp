// What is wrong at start, said before the EAL has a chance to say it in riddles.
#include "preflight.h"

#include <gtest/gtest.h>

#include "device.h"

namespace drywall::io {
namespace {

Machine good_machine() {
    Machine machine;
    machine.cpus = {0, 1, 5};
    machine.interfaces = {"lo", "eth1", "eth2"};
    machine.pci = {{"0000:3b:00.0", "vfio-pci"}, {"0000:3b:00.1", "ixgbe"}, {"0000:3b:00.2", ""}};
    machine.memory_mb = 4096;
    machine.free_hugepages_mb = 256;
    return machine;
}

DpdkSettings good_settings() {
    DpdkSettings settings;
    settings.devices = {{"lan", "net_af_packet0,iface=eth1"}, {"wan", "net_af_packet1,iface=eth2"}};
    settings.worker_cores = {1, 1, 5};
    return settings;
}

std::string complaint(const DpdkSettings& settings, const Machine& machine = good_machine()) {
    const auto status = check(settings, machine);
    return status ? "" : status.error().text();
}

std::string complaint_about(const std::string& device, const Machine& machine = good_machine()) {
    DpdkSettings settings = good_settings();
    settings.devices[1].device = device;
    return complaint(settings, machine);
}

TEST(Preflight, FindsNothingWrongWithAGoodConfiguration) {
    EXPECT_EQ(complaint(good_settings()), "");
    EXPECT_EQ(complaint_about("0000:3b:00.0"), "");
    EXPECT_EQ(complaint_about("3b:00.0"), "");
    EXPECT_EQ(complaint_about("net_null0"), "");
}

TEST(Preflight, NamesTheCpusThatAreThere) {
    DpdkSettings settings = good_settings();
    settings.worker_cores = {1, 7};
    EXPECT_EQ(complaint(settings),
              "worker core 7 is not there, or this process may not use it; CPUs that can be named: 0, 1, 5");
    settings = good_settings();
    settings.stats_core = 2;
    EXPECT_EQ(complaint(settings),
              "stats core 2 is not there, or this process may not use it; CPUs that can be named: 0, 1, 5");
}

TEST(Preflight, NamesTheInterfacesThatAreThere) {
    EXPECT_EQ(
        complaint_about("net_af_packet1,iface=eth9"),
        "port 'wan': device 'net_af_packet1,iface=eth9': there is no kernel interface 'eth9'; interfaces here: lo, "
        "eth1, eth2");
    EXPECT_EQ(complaint_about("net_af_packet1"),
              "port 'wan': device 'net_af_packet1' does not say on which kernel interface; write "
              "`net_af_packet1,iface=NAME`; interfaces here: lo, eth1, eth2");
}

TEST(Preflight, SaysHowToBindAPciDevice) {
    EXPECT_EQ(complaint_about("0000:3b:00.1"),
              "port 'wan': device '0000:3b:00.1' is in use by the kernel's driver 'ixgbe'; bind it: `dpdk-devbind.py "
              "--bind=vfio-pci 0000:3b:00.1`");
    EXPECT_NE(complaint_about("3b:00.2").find("is bound to no driver"), std::string::npos);
    EXPECT_NE(complaint_about("0000:99:00.0").find("there is no PCI device at this address"), std::string::npos);
}

TEST(Preflight, RefusesMoreMemoryThanTheMachineHas) {
    DpdkSettings settings = good_settings();
    settings.memory_mb = 4096;
    EXPECT_EQ(complaint(settings), "");
    settings.memory_mb = 1048576;
    EXPECT_EQ(complaint(settings),
              "`dpdk.memory-mb: 1048576` is more than the machine has: 4096 MB; lower it; 256 is the default");
    Machine unknown = good_machine();
    unknown.memory_mb = 0;
    EXPECT_EQ(complaint(settings, unknown), "");
}

TEST(Preflight, AsksForHugepagesOnlyWhenTheyAreConfigured) {
    Machine machine = good_machine();
    machine.free_hugepages_mb = 128;
    DpdkSettings settings = good_settings();
    EXPECT_EQ(complaint(settings, machine), "");
    settings.hugepages = true;
    EXPECT_EQ(complaint(settings, machine),
              "hugepages are configured, and 256 MB of them are needed, but 128 MB are free; reserve some (`sysctl "
              "vm.nr_hugepages=128` for pages of 2 MB), or configure `dpdk: {memory: no-huge}`");
}

TEST(Preflight, NamesTheMissingCapability) {
    Machine machine = good_machine();
    machine.may_open_raw_sockets = false;
    EXPECT_NE(complaint(good_settings(), machine).find("needs the capability CAP_NET_RAW"), std::string::npos);
    machine = good_machine();
    machine.may_administrate_network = false;
    EXPECT_NE(complaint_about("net_tap0", machine).find("needs the capability CAP_NET_ADMIN"), std::string::npos);
}

TEST(Preflight, KnowsAKernelWithoutAfXdp) {
    Machine machine = good_machine();
    machine.has_af_xdp = false;
    EXPECT_NE(complaint_about("net_af_xdp0,iface=eth2", machine).find("this kernel has no AF_XDP sockets"),
              std::string::npos);
}

TEST(Preflight, RefusesWhatIsNoDevice) {
    EXPECT_NE(complaint_about("eth2").find("is neither a PCI address nor a virtual device of DPDK"), std::string::npos);
    EXPECT_NE(complaint_about("net_af_packet0,iface=eth2").find("is named by another port too"), std::string::npos);
    EXPECT_NE(complaint_about("net_af_packet1,iface=eth1").find("another port is on kernel interface 'eth1' too"),
              std::string::npos);
}

TEST(Preflight, SaysEverythingThatIsWrongAtOnce) {
    DpdkSettings settings = good_settings();
    settings.worker_cores = {9};
    settings.devices[0].device = "net_af_packet0,iface=a";
    settings.devices[1].device = "net_af_packet1,iface=b";
    const auto status = check(settings, good_machine());
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().complaints.size(), 3U);
}

TEST(Device, IsTakenApartAsDpdkDoes) {
    const Device virtual_one = parse_device("net_af_packet12,iface=eth1,qpairs=2");
    EXPECT_FALSE(virtual_one.pci);
    EXPECT_EQ(virtual_one.name, "net_af_packet12");
    EXPECT_EQ(virtual_one.driver, "net_af_packet");
    EXPECT_EQ(virtual_one.kernel_interface(), "eth1");
    EXPECT_EQ(virtual_one.argument("qpairs"), "2");
    EXPECT_EQ(virtual_one.argument("pairs"), std::nullopt);

    const Device card = parse_device("3B:00.1,some=argument");
    EXPECT_TRUE(card.pci);
    EXPECT_EQ(card.name, "0000:3b:00.1");
    EXPECT_EQ(card.arguments, "some=argument");
    EXPECT_EQ(card.kernel_interface(), std::nullopt);
}

}  // namespace
}  // namespace drywall::io
