"""Why did this packet die? Counted by port, watched while it dies, captured with the reason as its comment."""

import json
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from tests.e2e.case import PORT, WireCase, eventually
from tests.e2e.test_wire import RIGHT_MAC, ethernet, udp_datagram
from tests.lab import policies
from tests.lab.appliance import program
from tests.lab.netns import die_with_parent
from tests.lab.schema import Schemas
from tests.lab.traffic import DROPPED, RawPort
from tests.lab.wire import LEFT

EXPERIMENT = 0x88B5  # an ether type that nobody uses (IEEE 802, local experiments)


class Drops(WireCase):
    def setUp(self) -> None:
        super().setUp()
        self.left = RawPort(self.wire.segments[LEFT], "up0")
        self.addCleanup(self.left.close)
        self.appliance.apply(policies.only_backend_reaches_database())

    def let_some_die(self) -> None:
        """A denied connection, a frame that is not IP, and a packet whose header contradicts itself."""
        self.assertEqual(self.tcp("frontend", "database", timeout=0.3), DROPPED)
        self.left.send(ethernet(RIGHT_MAC, EXPERIMENT, b"local experiment"))
        broken = udp_datagram(self.host("frontend").v4, self.host("cache").v4, 7777, b"broken")
        self.left.send(ethernet(RIGHT_MAC, 0x0800, bytes([0x95]) + broken[1:]))

    def looking(self, *words) -> subprocess.Popen:
        """The command, once it looks."""
        before = len(self.lookers())
        looking = subprocess.Popen([program("drywall"), "--socket", self.appliance.socket, *words],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.addCleanup(looking.kill)
        self.assertTrue(eventually(lambda: len(self.lookers()) > before), "nobody looks")
        return looking

    def while_looking(self, *words) -> tuple[int, str, str]:
        """What the command says that looks while some die."""
        looking = self.looking(*words)
        self.let_some_die()
        out, err = looking.communicate(timeout=15)
        return looking.returncode, out, err

    def lookers(self) -> list[dict]:
        return [entry for entry in self.appliance.get("/v1/audit?limit=100").json["entries"]
                if entry["verb"] == "watch-drops"]

    def test_every_port_adds_up_and_says_what_died_there(self):
        before = self.settled_stats()
        self.let_some_die()
        self.assertTrue(eventually(lambda: self.drops_of("inside").get("bad_header", 0)))
        stats = self.settled_stats()
        for port in stats["ports"]:
            gone = sum(count["packets"] for count in port["drops"].values())
            self.assertEqual(port["received"]["packets"], port["forwarded"]["packets"] + gone, port)
        for reason in ("policy_deny", "non_ip", "bad_header"):
            grown = self.drops_of("inside", stats).get(reason, 0) - self.drops_of("inside", before).get(reason, 0)
            self.assertGreater(grown, 0, reason)
            self.assertEqual(sum(worker["drops"].get(reason, {"packets": 0})["packets"] for worker in stats["workers"]),
                             sum(self.drops_of(port["name"], stats).get(reason, 0) for port in stats["ports"]))
        shown = self.appliance.drywall("drops", "-o", "wide")
        self.assertRegex(shown.stdout, r"(?m)^REASON +PACKETS +BYTES +inside.*MEANING$")
        self.assertRegex(shown.stdout, r"(?m)^policy_deny: `drywall trace")

    def drops_of(self, name: str, stats: dict | None = None) -> dict[str, int]:
        port, = (port for port in (stats or self.appliance.stats())["ports"] if port["name"] == name)
        return {reason: count["packets"] for reason, count in port["drops"].items()}

    def test_a_watch_shows_the_packet_and_the_rule_that_denied_it(self):
        code, out, err = self.while_looking("watch", "drops", "--reason", "policy_deny", "--to-port", str(PORT),
                                            "--count", "1", "--timeout", "10s", "-o", "jsonl")
        self.assertEqual(code, 0, err)
        self.assertEqual(err, "1 drop\n")
        drop = json.loads(out)
        self.assertEqual(Schemas().trouble_with("Drop", drop), [])
        self.assertEqual((drop["ingress_port"], drop["source_name"], drop["dest_name"], drop["tcp_flags"]),
                         ("inside", "frontend", "database", "SYN"))
        self.assertEqual((drop["decided_by"]["name"], drop["decided_by"]["action"], drop["decided_by"]["rule_index"]),
                         ("database", "deny", 1))
        self.assertEqual(drop["generation"], self.appliance.generation())
        self.assertLess(abs(drop["time_ns"] / 1e9 - time.time()), 60)
        self.assertNotIn("frame", drop)

    def test_a_watch_ends_by_its_time_and_its_filter_holds(self):
        began = time.monotonic()
        code, out, err = self.while_looking("watch", "drops", "--not", "--reason", "policy_deny,unmatched", "--timeout", "2s",
                                            "--in", "inside")
        self.assertLess(time.monotonic() - began, 8)
        self.assertEqual(code, 0, err)
        self.assertIn("non_ip", out)
        self.assertIn("0x88b5", out)
        self.assertIn("bad_header", out)
        self.assertNotIn("policy_deny", out)
        self.assertIn("the time is over", err)

    def test_ctrl_c_ends_a_watch_with_its_summary(self):
        looking = self.looking("watch", "drops", "--reason", "non_ip")
        self.left.send(ethernet(RIGHT_MAC, EXPERIMENT, b"local experiment"))
        looking.stdout.readline()  # the header
        self.assertIn("0x88b5", looking.stdout.readline())
        looking.send_signal(signal.SIGINT)
        _, err = looking.communicate(timeout=5)
        self.assertEqual((looking.returncode, err), (0, "1 drop\n"))

    def test_a_capture_ends_by_itself_though_nothing_dies(self):
        for words, ends in ((("--timeout", "1s"), "timeout=1s"), ((), "timeout=60s")):
            looking = self.looking("capture", "--dropped", "-w", "/dev/null", "--reason", "no_peer", *words)
            asked = max(self.lookers(), key=lambda entry: entry["id"])["message"].split()
            self.assertIn(ends, asked)
            self.assertIn("count=10000", asked)
            if words:
                self.assertIn("the time is over", looking.communicate(timeout=8)[1])
            else:
                looking.send_signal(signal.SIGINT)
                looking.communicate(timeout=5)
        self.assertRegex(self.appliance.drywall("capture", "--help").stdout, r"--timeout .*60s")

    def test_a_capture_is_read_by_others_with_ports_and_comments(self):
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        file = folder / "drops.pcapng"
        code, _, err = self.while_looking("capture", "--dropped", "-w", str(file), "--timeout", "2s", "--in", "inside")
        self.assertEqual(code, 0, err)
        written = file.read_bytes()
        for comment in (f"policy_deny; rule default|gnp:database|deny|1; policy GlobalNetworkPolicy database; "
                        f"generation {self.appliance.generation()}", "non_ip; generation", "bad_header; generation"):
            self.assertIn(comment.encode(), written)
        self.assertIn(struct.pack("<HH", 2, len("inside")) + b"inside", written)
        if shutil.which("tshark") is None:
            return
        shown = subprocess.run(["tshark", "-r", file, "-T", "fields", "-e", "frame.interface_name", "-e", "eth.type",
                                "-e", "frame.comment"], capture_output=True, text=True, timeout=30)
        rows = [line.split("\t") for line in shown.stdout.splitlines()]
        self.assertIn(["inside", "0x88b5"], [row[:2] for row in rows], shown.stderr)
        self.assertTrue(any(row[2].startswith("bad_header; generation") for row in rows), rows)
