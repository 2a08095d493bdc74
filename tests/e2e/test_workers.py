"""Two workers on devices that do not bring both directions of a connection to one of them."""

import re

from tests.e2e.case import PORT, WireCase, eventually
from tests.lab import frames
from tests.lab.appliance import Appliance
from tests.lab.traffic import OPEN, RawPort
from tests.lab.wire import LEFT, RIGHT

ROUTERS = 16  # by chance, one in 65,536 finds all of them met


def unreachable(router: str, quoted: bytes) -> bytes:
    """ICMP port unreachable, to the quoted packet's sender."""
    sender = ".".join(str(byte) for byte in quoted[12:16])
    message = frames.icmp(router, sender, 3, 3, bytes(4) + quoted[:28])
    return frames.ethernet(frames.ipv4(router, sender, frames.ICMP, message), frames.ETHER_IPV4)


class TwoWorkers(WireCase):
    """Over AF_PACKET only: net_af_xdp knows one queue of a veth interface, which has no combined channels."""

    shares_an_appliance = False

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.appliance = Appliance(cls.wire.box, driver=cls.driver, extra="flows:\n  mid-stream: drop\n")
        cls.addClassCleanup(cls.appliance.forget)
        cls.addClassCleanup(cls.appliance.stop)
        text = re.sub(r"cores: \[(\d+)\]", r"cores: [\1, \1]", cls.appliance.config.read_text())
        cls.appliance.config.write_text(text)
        cls.appliance.start()

    def test_connections_both_ways_are_one_flow_each(self):
        names = [name for name in self.wire.hosts if name != "backend-dev"]
        for name in names:
            self.serve(name)
        pairs = [(one, other) for one in names for other in names
                 if self.host(one).segment != self.host(other).segment]
        before = self.settled_stats()["flows"]["opened"]
        self.assertEqual(set(self.matrix(pairs).values()), {OPEN})
        stats = self.settled_stats()
        self.assertEqual(stats["flows"]["opened"] - before, 2 * len(pairs))
        self.assert_nothing_unaccounted(stats)
        self.assertGreater(min(worker["packets"] for worker in stats["workers"]), 0)
        self.assertGreater(sum(port["device"]["handed_over"] for port in stats["ports"]), 0)
        self.assertEqual(sum(port["device"]["missed"] for port in stats["ports"]), 0)

    def test_errors_of_any_router_find_the_flow_that_they_quote(self):
        left, right = (RawPort(self.wire.segments[side], "up0") for side in (LEFT, RIGHT))
        self.addCleanup(left.close)
        self.addCleanup(right.close)
        sender, nobody = self.host("frontend").v4, "10.77.0.99"
        datagram = frames.ipv4(sender, nobody, frames.UDP, frames.udp(sender, nobody, 40000, PORT, b"", check=0))
        left.send(frames.ethernet(datagram, frames.ETHER_IPV4))
        self.assertIsNotNone(right.receive(lambda frame: datagram in frame))
        before = self.settled_stats()["related_passed"]["packets"]
        for router in range(ROUTERS):
            right.send(unreachable(f"192.0.2.{router + 1}", datagram))
        self.assertTrue(eventually(
            lambda: self.appliance.stats()["related_passed"]["packets"] == before + ROUTERS, timeout=3))

    def test_the_start_says_on_which_ports_frames_are_distributed(self):
        for port in ("inside", "outside"):
            self.assertIn(f"port '{port}': frames are distributed among 2 workers", self.appliance.log())
