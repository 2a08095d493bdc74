"""A bump in the wire: what is not judged by policy, and what must arrive as it was sent."""

import hashlib
import struct
import threading

from tests.e2e.case import PORT, WireCase, eventually, on_every_driver
from tests.lab import frames, policies, traffic
from tests.lab.appliance import Appliance, drops
from tests.lab.netns import LabError
from tests.lab.traffic import OPEN, REFUSED, RawPort
from tests.lab.wire import BOX_PORTS, LEFT, RIGHT

LEFT_MAC, RIGHT_MAC, EVERYBODY = b"\x02\0\0\0\0\x11", b"\x02\0\0\0\0\x21", b"\xff" * 6


def ethernet(destination: bytes, ether_type: int, payload: bytes, *tags: tuple[int, int]) -> bytes:
    return frames.ethernet(payload, ether_type, tags, destination, LEFT_MAC)


def udp_datagram(source: str, destination: str, port: int, payload: bytes) -> bytes:
    udp = frames.udp(source, destination, 40000, port, payload, check=0)  # no checksum: RFC 768 allows that
    return frames.ipv4(source, destination, frames.UDP, udp)


@on_every_driver
class BumpInTheWire(WireCase):
    def setUp(self) -> None:
        super().setUp()
        self.left = RawPort(self.wire.segments[LEFT], "up0")
        self.right = RawPort(self.wire.segments[RIGHT], "up0")
        self.addCleanup(self.left.close)
        self.addCleanup(self.right.close)

    def arrives(self, frame: bytes, timeout: float = 3.0) -> bytes | None:
        self.left.send(frame)
        return self.right.receive(lambda got: got[:12] == frame[:12], timeout)

    def test_arp_passes(self):
        request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + LEFT_MAC + bytes(4) + bytes(6) + b"\x0a\x4d\0\xfe"
        frame = ethernet(EVERYBODY, 0x0806, request)
        self.assertEqual(self.arrives(frame), frame)

    def test_what_is_not_ip_and_has_no_rule_is_dropped_and_counted(self):
        before = drops(self.appliance.stats()).get("non_ip", 0)
        self.left.send(ethernet(RIGHT_MAC, 0x88B5, b"local experiment"))
        self.assertTrue(eventually(lambda: drops(self.appliance.stats()).get("non_ip", 0) == before + 1))
        self.assertIsNone(self.right.receive(lambda got: got[:6] == RIGHT_MAC, 0.2))

    def test_vlan_tags_are_looked_through_and_preserved(self):
        packet = udp_datagram(self.host("frontend").v4, self.host("cache").v4, 7777, b"tagged")
        frame = ethernet(RIGHT_MAC, 0x0800, packet, (0x8100, 42 | 5 << 13))
        self.assertEqual(self.arrives(frame), frame)

    def test_tags_cross_as_they_came_wherever_the_kernel_carries_them(self):
        """Those of a host behind the bridge come to the box's interface beside the frame, if its sender may leave them there."""
        behind_the_bridge = RawPort(self.host("frontend").namespace, "eth0")
        self.addCleanup(behind_the_bridge.close)
        customer, service = (frames.ETHER_VLAN, 42 | 5 << 13), (frames.ETHER_QINQ, 43)
        crossing = [(customer,), (customer, customer)]
        if self.driver != "net_af_packet":
            crossing += [(service,), (service, customer)]
        for number, tags in enumerate(crossing):
            packet = udp_datagram(self.host("frontend").v4, self.host("cache").v4, 7777, b"tagged %d" % number)
            frame = ethernet(RIGHT_MAC, 0x0800, packet, *tags)
            for sender in (self.left, behind_the_bridge):
                sender.send(frame)
                self.assertEqual(self.right.receive(lambda got, sent=frame: got[:12] == sent[:12]), frame)

    def test_policy_judges_what_is_behind_a_vlan_tag(self):
        self.appliance.apply(policies.policy("cache", "app == 'cache'", policies.DENY))
        packet = udp_datagram(self.host("frontend").v4, self.host("cache").v4, 7777, b"tagged")
        before = drops(self.appliance.stats()).get("policy_deny", 0)
        self.left.send(ethernet(RIGHT_MAC, 0x0800, packet, (0x8100, 42)))
        self.assertTrue(eventually(lambda: drops(self.appliance.stats()).get("policy_deny", 0) == before + 1))

    def test_a_frame_that_lies_about_its_length_is_dropped_and_counted(self):
        packet = bytearray(udp_datagram(self.host("frontend").v4, self.host("cache").v4, 7777, b"short"))
        struct.pack_into("!H", packet, 2, 1400)
        before = drops(self.appliance.stats()).get("truncated", 0)
        self.left.send(ethernet(RIGHT_MAC, 0x0800, bytes(packet)))
        self.assertTrue(eventually(lambda: drops(self.appliance.stats()).get("truncated", 0) == before + 1))

    def test_full_sized_frames_cross_unchanged(self):
        packet = udp_datagram(self.host("frontend").v4, self.host("cache").v4, 7777, bytes(range(256)) * 5 + bytes(192))
        frame = ethernet(RIGHT_MAC, 0x0800, packet)
        self.assertEqual(len(frame), 1514)
        self.assertEqual(self.arrives(frame), frame)

    def test_icmp_errors_of_an_allowed_connection_come_back(self):
        self.appliance.apply(policies.policy("frontend", "app == 'frontend'", policies.DENY))
        for family in (4, 6):
            self.assertEqual(self.udp("frontend", "cache", 4242, family), REFUSED)
        self.assertGreater(self.settled_stats()["related_passed"]["packets"], 0)

    def ping_in_fragments(self, family: int) -> str:
        namespace, address = self.host("frontend").namespace, self.host("cache").address(family)
        return traffic.ping(namespace, address, payload=bytes(4000))

    def test_fragments_follow_their_first_fragment(self):
        self.assertEqual(self.ping_in_fragments(6), OPEN)
        if self.driver != "net_af_packet":
            self.assertEqual(self.ping_in_fragments(4), OPEN)
        stats = self.settled_stats()
        self.assertEqual(drops(stats).get("fragment_unknown", 0), 0)
        self.assert_nothing_unaccounted(stats)

    def test_a_bulk_transfer_crosses_whole(self):
        self.serve("cache")
        for family in (4, 6):
            address = self.host("cache").address(family)
            with traffic.connect(self.host("frontend").namespace, address, PORT, timeout=20) as connection:
                done = traffic.all_at_once({0: lambda: stream(connection, 4 << 20)})
            self.assertTrue(done[0])


def stream(connection, size: int) -> bool:
    """Sends and receives at once: an echo of more than the buffers hold would otherwise block both ends."""
    sent = hashlib.sha256()

    def send() -> None:
        block = bytes(range(256)) * 256
        for _ in range(size // len(block)):
            sent.update(block)
            connection.sendall(block)

    sender = threading.Thread(target=send)
    sender.start()
    received, left = hashlib.sha256(), size
    while left and (data := connection.recv(min(left, 65536))):
        received.update(data)
        left -= len(data)
    sender.join()
    return left == 0 and received.digest() == sent.digest()


class FragmentsOverAfPacket(WireCase):
    def test_what_the_kernel_put_together_beyond_a_frame_is_counted_as_truncated(self):
        """DPDK's net_af_packet makes the kernel reassemble IPv4 (PACKET_FANOUT_FLAG_DEFRAG), and then has no room."""
        self.assertEqual(self.ping("frontend", "cache"), OPEN)
        before = drops(self.appliance.stats()).get("truncated", 0)
        self.assertEqual(traffic.ping(self.host("frontend").namespace, self.host("cache").v4, 1.0, bytes(4000)),
                         traffic.DROPPED)
        stats = self.settled_stats()
        self.assertEqual(drops(stats).get("truncated", 0), before + 1)
        self.assert_nothing_unaccounted(stats)


class ServiceTagsOverAfPacket(WireCase):
    def test_what_the_driver_would_send_on_with_another_tag_dies_as_truncated(self):
        """The kernel takes the outermost tag out, and DPDK's net_af_packet puts 802.1Q's back, whatever it was."""
        left, right = (RawPort(self.wire.segments[side], "up0") for side in (LEFT, RIGHT))
        self.addCleanup(left.close)
        self.addCleanup(right.close)
        packet = udp_datagram(self.host("frontend").v4, self.host("cache").v4, 7777, b"tagged")
        for tags in ((frames.ETHER_QINQ, 43),), ((frames.ETHER_QINQ, 43), (frames.ETHER_VLAN, 42)):
            before = drops(self.appliance.stats()).get("truncated", 0)
            left.send(ethernet(RIGHT_MAC, 0x0800, packet, *tags))
            self.assertIsNone(right.receive(lambda got: packet in got, 0.3))
            self.assertEqual(drops(self.settled_stats()).get("truncated", 0), before + 1)


def glue(box) -> None:
    """A veth's GRO is off, other than that of a card; what it does to tags is on."""
    for port in BOX_PORTS.values():
        done = box.run("ethtool", "-K", port, "gro", "on")
        if done.returncode != 0:
            raise LabError(f"ethtool -K {port} gro on: {done.stderr.strip()}")


@on_every_driver
class OffloadsOfTheInterface(WireCase):
    """What the kernel or its card would do to frames is off while an appliance stands on the interface, and only then."""

    shares_an_appliance = False
    TAGS = ("rx-vlan-offload", "rx-vlan-stag-hw-parse")
    GLUE = ("generic-receive-offload",)

    def setUp(self) -> None:
        glue(self.wire.box)

    def features(self, side: str) -> dict[str, str]:
        shown = self.wire.box.run("ethtool", "-k", BOX_PORTS[side]).stdout
        found = dict(line.strip().split(": ", 1) for line in shown.splitlines() if ": " in line)
        return {name: found[name] for name in self.TAGS + self.GLUE}

    def test_they_are_off_while_it_runs_and_on_again_afterwards(self):
        before = {side: self.features(side) for side in (LEFT, RIGHT)}
        self.assertEqual(set(before[LEFT].values()), {"on"})
        with Appliance(self.wire.box, driver=self.driver) as appliance:
            during = {name: "on" if name in self.TAGS and self.driver == "net_af_packet" else "off" for name in before[LEFT]}
            if self.driver == "net_af_xdp":
                during.pop("generic-receive-offload")  # the kernel's veth shows it on again when it has a program of XDP
            for side in (LEFT, RIGHT):
                self.assertEqual({name: self.features(side)[name] for name in during}, during)
            self.assertIn("switched off on 'in0' as long as the appliance runs, because it changes frames: ", appliance.log())
            self.assertEqual("AF_XDP does not see" in appliance.log(), self.driver == "net_af_xdp")
        self.assertEqual({side: self.features(side) for side in (LEFT, RIGHT)}, before)


class OffloadsThatStay(WireCase):
    shares_an_appliance = False

    def setUp(self) -> None:
        """No appliance runs yet."""

    def test_without_the_right_to_switch_them_off_it_does_not_start(self):
        glue(self.wire.box)
        appliance = Appliance(self.wire.box, driver=self.driver)
        self.addCleanup(appliance.forget)
        appliance.started_by = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")
        appliance.spawn()
        self.assertEqual(appliance.wait_for_exit(), 4)
        self.assertIn("port 'inside': kernel interface 'in0' changes frames before net_af_packet has them, and that can't be "
                      "switched off: rx-gro (Operation not permitted)", appliance.log())
        self.assertIn("`ethtool -K in0 gro off`", appliance.log())


class ObservedOnly(WireCase):
    extra = "flows: {mid-stream: observe, tcp-window: observe}\n"

    def test_what_would_be_dropped_passes_and_is_counted_by_reason(self):
        left, right = (RawPort(self.wire.segments[side], "up0") for side in (LEFT, RIGHT))
        self.addCleanup(left.close)
        self.addCleanup(right.close)
        client, server = self.host("frontend").v4, self.host("cache").v4

        def crosses(sport: int, flags: int, seq: int, ack: int = 0, back: bool = False) -> None:
            ends = (server, client, PORT, sport) if back else (client, server, sport, PORT)
            segment = frames.tcp(*ends, flags, b"", seq=seq, ack=ack)
            frame = frames.datagram(ends[0], ends[1], frames.TCP, segment)
            (right if back else left).send(frame)
            self.assertEqual((left if back else right).receive(lambda got: got[14:] == frame[14:]), frame)

        crosses(40001, frames.ACK, 5, 7)  # the middle of a connection,
        crosses(40001, frames.ACK, 5, 7)  # which is followed from there
        crosses(40002, frames.SYN, 100)
        crosses(40002, frames.SYN | frames.ACK, 500, 101, back=True)
        crosses(40002, frames.ACK, 101, 501)
        crosses(40002, frames.ACK, 900_000_000, 501)
        crosses(40002, frames.RST, 900_000_000)
        stats = self.settled_stats()
        self.assertEqual({reason: count["packets"] for reason, count in stats["observed"].items()},
                         {"tcp_mid_stream": 1, "tcp_window": 1, "tcp_reset": 1})
        self.assertEqual(drops(stats).get("tcp_window", 0), 0)
        self.assert_nothing_unaccounted(stats)
        self.assertIn("observed only: 1 packet passed that would have been dropped, tcp_reset",
                      self.appliance.drywall("drops").stdout)


class JumboFrames(WireCase):
    """Frames of 9,216 bytes, each in one buffer: net_af_packet knows no other way."""

    MTU = 9216 - 14
    adjust = staticmethod(lambda text: text.replace("framesz=2048,framecnt=4096", "framesz=16384,framecnt=512")
                          .replace("memory: no-huge", "memory: no-huge\n  packet-buffers: 4096\n  buffer-bytes: 16384"))

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        for side in (LEFT, RIGHT):
            cls.wire.segments[side].ip(f"link set up0 mtu {cls.MTU}")
            cls.set_mtu(side, cls.MTU)

    @classmethod
    def set_mtu(cls, side: str, mtu: int) -> None:
        cls.wire.box.ip(f"link set {BOX_PORTS[side]} mtu {mtu}")

    def test_they_cross_as_they_came(self):
        ports = {side: RawPort(self.wire.segments[side], "up0") for side in (LEFT, RIGHT)}
        for port in ports.values():
            self.addCleanup(port.close)
        a, b = self.host("frontend"), self.host("cache")
        for family, overhead in ((4, 28), (6, 48)):
            for enter, source, destination in ((LEFT, a, b), (RIGHT, b, a)):
                for size in (1514, 4096, 9216):
                    for tags in (b"", b"\x81\x00\x00\x05"):
                        ends = source.address(family), destination.address(family)
                        packet = frames.udp(*ends, 4000, 5000, bytes(i % 251 for i in range(size - 14 - overhead)))
                        frame = frames.datagram(*ends, frames.UDP, packet)
                        frame = frame[:12] + tags + frame[12:]
                        self.assertEqual(len(frame), size + len(tags))
                        ports[enter].send(frame)
                        leave = RIGHT if enter == LEFT else LEFT
                        self.assertEqual(ports[leave].receive(lambda got, sent=frame: got[14:] == sent[14:]), frame)

    def test_a_pair_that_takes_different_sizes_is_reported(self):
        self.assertNotIn("can't leave", self.appliance.drywall("status").stdout)
        self.set_mtu(RIGHT, 1500)
        self.addCleanup(self.set_mtu, RIGHT, self.MTU)
        text = f"what is larger than 1500 bytes and comes in by inside (MTU {self.MTU}) can't leave by outside"
        self.assertIn(text, self.appliance.drywall("status").stdout)
        self.assertTrue(eventually(lambda: f"port 'inside' (MTU {self.MTU}) takes larger packets" in self.appliance.log()))
        self.assert_too_large_dies()
        self.set_mtu(RIGHT, self.MTU)
        self.assertTrue(eventually(lambda: "take packets of the same size again" in self.appliance.log()))

    def assert_too_large_dies(self) -> None:
        """The kernel would drop it behind the driver, which has counted it as sent."""
        port = RawPort(self.wire.segments[LEFT], "up0")
        self.addCleanup(port.close)
        ends = self.host("frontend").address(4), self.host("cache").address(4)
        port.send(frames.datagram(*ends, frames.UDP, frames.udp(*ends, 4000, 5000, bytes(4096 - 42))))
        self.assertTrue(eventually(lambda: drops(self.appliance.stats()).get("egress_mtu", 0) == 1))


class ClosedPosture(WireCase):
    extra = "posture: closed\nneighbour-discovery: pass\n"

    def test_what_is_not_declared_is_dropped_as_unmatched(self):
        self.serve("cache")
        self.appliance.delete("workloadendpoint", "cache")
        self.appliance.delete("workloadendpoint", "frontend")
        before = drops(self.appliance.stats()).get("unmatched", 0)
        self.assertEqual(self.tcp("frontend", "cache", timeout=1), traffic.DROPPED)
        self.assertGreater(drops(self.settled_stats()).get("unmatched", 0), before)
        self.appliance.apply(self.endpoints())
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)
