"""A thousand new generations while packets flow: nothing is lost, nothing is mixed, nothing grows."""

import threading
import time

from tests.e2e.case import PORT, WireCase, eventually, on_every_driver
from tests.e2e.test_wire import stream
from tests.lab import policies, traffic
from tests.lab.appliance import drops

SWAPS = 1000
DATAGRAMS_PER_SECOND = 500


class Datagrams:
    """Numbered datagrams at a steady pace to an echo, and which numbers came back."""

    def __init__(self, namespace, address: str, port: int) -> None:
        with namespace.inside():
            self.socket = traffic.socket.socket(traffic.socket.AF_INET, traffic.socket.SOCK_DGRAM)
        self.socket.setsockopt(traffic.socket.SOL_SOCKET, traffic.SO_RCVBUFFORCE, 16 << 20)
        self.socket.connect((address, port))
        self.sent, self.returned = 0, set()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._send), threading.Thread(target=self._receive, daemon=True)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        started = time.monotonic()
        while not self._stopping.is_set():
            self.socket.send(self.sent.to_bytes(8, "big"))
            self.sent += 1
            time.sleep(max(0.0, started + self.sent / DATAGRAMS_PER_SECOND - time.monotonic()))

    def _receive(self) -> None:
        while True:
            try:
                self.returned.add(int.from_bytes(self.socket.recv(100), "big"))
            except OSError:
                return

    def finish(self) -> list[int]:
        """The numbers that never came back."""
        self._stopping.set()
        self._threads[0].join()
        eventually(lambda: len(self.returned) == self.sent, 5)
        missing = sorted(set(range(self.sent)) - self.returned)
        self.socket.shutdown(traffic.socket.SHUT_RDWR)
        self.socket.close()
        return missing


def resident_kilobytes(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


@on_every_driver
class HotSwap(WireCase):
    def swap(self, turn: int) -> None:
        """Another database policy each time; nobody in the streams is judged by it."""
        self.appliance.apply(policies.policy(
            "database", "app == 'database'", f"action: Allow; protocol: TCP; destination: {{ports: [{8000 + turn % 1000}]}}",
            policies.DENY, staged=turn % 3 == 0))

    def test_a_thousand_swaps_lose_no_packet_and_grow_no_memory(self):
        self.serve("cache", 5353, udp=True)
        self.serve("cache", PORT)
        self.assertEqual(self.udp("frontend", "cache", 5353), traffic.OPEN)
        for turn in range(20):  # the first generations fill allocators and caches
            self.swap(turn)
        pid = self.appliance.process.pid
        first = self.appliance.generation()
        memory = resident_kilobytes(pid)
        before = self.settled_stats()
        datagrams = Datagrams(self.host("frontend").namespace, self.host("cache").v4, 5353)
        for turn in range(SWAPS):
            self.swap(turn)
        missing = datagrams.finish()
        self.assertEqual(self.appliance.generation() - first, SWAPS)
        after = self.settled_stats()
        lost_by_device = sum(port["device"]["missed"] for port in after["ports"]) - sum(
            port["device"]["missed"] for port in before["ports"])
        self.assertEqual((missing, lost_by_device), ([], 0), f"of {datagrams.sent} datagrams")
        self.assertEqual(drops(after), drops(before))
        self.assertLessEqual(after["rulesets_alive"], 2)
        self.assert_nothing_unaccounted(after)
        self.assertLess(resident_kilobytes(pid) - memory, 16 * 1024, "kilobytes more after the swaps")

    def test_a_tcp_stream_arrives_whole_through_swaps(self):
        self.serve("cache", PORT)
        with traffic.connect(self.host("frontend").namespace, self.host("cache").v4, PORT, timeout=60) as connection:
            whole = []
            thread = threading.Thread(target=lambda: whole.append(stream(connection, 32 << 20)))
            thread.start()
            turn = 0
            while thread.is_alive() and turn < 5000:
                self.swap(turn := turn + 1)
            thread.join()
        self.assertEqual(whole, [True])
        self.assertGreater(turn, 3, "the stream ended before anything was swapped")

    def test_flips_between_allow_and_deny_are_obeyed_at_once(self):
        """After the answer to an apply, no packet is judged by the generation before."""
        self.serve("cache", 5353, udp=True)
        self.assertEqual(self.udp("frontend", "cache", 5353), traffic.OPEN)
        deny = policies.policy("cache", "app == 'cache'", policies.DENY)
        with self.host("frontend").namespace.inside():
            sender = traffic.socket.socket(traffic.socket.AF_INET, traffic.socket.SOCK_DGRAM)
        self.addCleanup(sender.close)
        sender.connect((self.host("cache").v4, 5353))
        for turn in range(30):
            self.appliance.apply(deny)
            sender.settimeout(0.05)
            sender.send(b"denied")
            with self.assertRaises(OSError):
                sender.recv(100)
            self.appliance.delete("gnp", "cache")
            sender.settimeout(3)
            sender.send(b"allowed")
            self.assertEqual(sender.recv(100), b"allowed", f"turn {turn}")
