"""What recorded traffic would have met, and policies made from it: on real connections."""

import json
import struct
import tempfile
from pathlib import Path

from tests.e2e.case import PORT, WireCase, eventually
from tests.lab import frames, policies
from tests.lab.traffic import OPEN

OK, NEGATIVE, USAGE, INVALID = range(4)


def pcap(packets: list[bytes]) -> bytes:
    """A capture of Ethernet frames, a millisecond apart."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for number, frame in enumerate(packets):
        out += struct.pack("<IIII", 1_700_000_000, number * 1000, len(frame), len(frame)) + frame
    return out


def syn(source: str, destination: str, port: int) -> bytes:
    return frames.datagram(source, destination, frames.TCP, frames.tcp(source, destination, 40000, port, frames.SYN, seq=1))


class WhatIf(WireCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="drywall-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.serve("database")
        self.serve("cache")

    def drywall(self, *words, code: int = OK):
        done = self.appliance.drywall(*words)
        self.assertEqual(done.returncode, code, f"drywall {words}\n{done.stdout}{done.stderr}")
        return done

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def site(self) -> Path:
        return self.file("site.yaml", self.drywall("get", "-o", "yaml").stdout)

    def talk(self) -> None:
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)

        def recorded() -> bool:
            seen = {(flow["source_name"], flow["dest_name"]) for flow in self.flows() if flow["dest_port"] == PORT}
            return {("backend-1", "database"), ("frontend", "cache")} <= seen
        self.assertTrue(eventually(recorded), "the connections are in the flow log")

    def flows(self) -> list[dict]:
        return self.appliance.get("/v1/flows?limit=10000").json["flows"]

    def pending(self, source: str, destination: str, port: int = PORT) -> str:
        done = self.appliance.drywall("-o", "json", "trace", "tcp", f"default/{source}", f"default/{destination}:{port}")
        return json.loads(done.stdout)["decisions"][0]["pending"]["verdict"]

    def test_recorded_flows_say_what_a_staged_policy_would_have_denied(self):
        self.talk()
        site = self.site()
        staged = self.file("staged.yaml", policies.policy(
            "closed", "app == 'database'", policies.DENY, order=1, staged=True))
        records = self.file("flows.jsonl", "".join(json.dumps(flow) + "\n" for flow in self.flows()))
        done = self.drywall("replay", "-f", site, "-f", staged, "--flows", records, "-o", "json", code=NEGATIVE)
        answer = json.loads(done.stdout)
        differing = {(flow["source_name"], flow["dest_name"]) for flow in answer["flows"] if flow["dest_port"] == PORT}
        self.assertEqual(differing, {("backend-1", "database")})
        self.assertGreater(answer["newly_denied"]["connections"], 0)
        self.drywall("replay", "-f", site, "--flows", records)

    def test_flows_of_a_running_daemon_are_read_in_pages_and_all_are_judged(self):
        self.talk()
        for port in range(20001, 20006):
            self.tcp("backend-1", "database", port=port, timeout=0.2)
        self.assertTrue(eventually(lambda: len(self.flows()) >= 7))
        pages, cursor = [], ""
        while cursor is not None and len(pages) < 50:
            answer = self.appliance.get(f"/v1/flows?since=1h&limit=2&page={cursor}").json
            pages.append([flow["id"] for flow in answer["flows"]])
            cursor = answer.get("next_page")
            self.tcp("frontend", "cache", timeout=0.2)  # meanwhile there is more
        paged = [flow for page in pages for flow in page]
        self.assertGreater(len(pages), 3)
        self.assertEqual(len(paged), len(set(paged)), "no group comes twice")
        self.assertLessEqual({flow["id"] for flow in self.flows() if flow["dest_port"] >= 20000}, set(paged))
        site = self.site()
        answer = json.loads(self.drywall("replay", "-f", site, "--flows", "1h", "--all", "-o", "json").stdout)
        self.assertLessEqual(len(paged), len(answer["flows"]))
        self.assertEqual(self.appliance.get("/v1/flows?page=nonsense").status, 400)
        self.assertEqual(self.appliance.get("/v1/flows?page=&wait=10").status, 400)

    def test_recorded_packets_pass_and_die_as_they_would_on_the_wire(self):
        self.appliance.apply(policies.only_backend_reaches_database())
        site = self.site()
        database = self.host("database").v4
        capture = self.file("in.pcap", pcap([
            syn(self.host("backend-1").v4, database, PORT), syn(self.host("frontend").v4, database, PORT)]))
        written = self.folder / "out.pcap"
        done = self.drywall("replay", "-f", site, "--config", self.appliance.config, "--pcap", capture, "--in", "inside",
                            "--write", written, "--fail-on", "denied", "-o", "json", code=NEGATIVE)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["received"]["packets"], 2)
        self.assertEqual(answer["transmitted"]["packets"], 1)
        self.assertEqual(answer["enforced"]["denied"]["connections"], 1)
        self.assertEqual(written.stat().st_size, 24 + 16 + 60)
        # The wire agrees.
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        self.assertNotEqual(self.tcp("frontend", "database"), OPEN)

    def test_a_damaged_capture_is_named_by_packet_and_byte(self):
        capture = self.file("cut.pcap", pcap([syn("10.0.0.1", "10.0.0.2", 80)] * 2)[:-3])
        done = self.drywall("replay", "-f", self.site(), "--pcap", capture, code=INVALID)
        self.assertIn(f"{capture}: packet 2, before byte {capture.stat().st_size}: ", done.stderr)
        self.assertIn("--until-damage", done.stderr)
        self.drywall("replay", "-f", self.site(), "--pcap", capture, "--until-damage")

    def test_what_was_seen_becomes_staged_policies_that_allow_it_and_nothing_else(self):
        self.talk()
        done = self.drywall("recommend", "--for", "default")
        learned = self.file("learned.yaml", done.stdout)
        self.assertIn("stagedAction: Learn", done.stdout)
        self.drywall("validate", "-f", self.site(), "-f", learned)
        before = self.appliance.get("/v1/stats").json["generation"]
        self.drywall("apply", "-f", learned)
        self.assertEqual(self.appliance.get("/v1/stats").json["generation"], before + 1)
        self.assertEqual(self.pending("backend-1", "database"), "allow")
        self.assertEqual(self.pending("frontend", "cache"), "allow")
        self.assertEqual(self.pending("frontend", "database"), "deny")
        self.assertEqual(self.pending("backend-1", "database", 22), "deny")
        # Nothing is enforced, and what is still uncovered shows as pending deny.
        self.assertEqual(self.tcp("frontend", "database"), OPEN)

        def uncovered() -> bool:
            return any(flow["source_name"] == "frontend" and flow["dest_name"] == "database"
                       and flow["action"] == "allow" and flow["pending_action"] == "deny" for flow in self.flows())
        self.assertTrue(eventually(uncovered))
        again = self.drywall("recommend", "--for", "default").stdout
        self.assertIn("learned-frontend-2", again, "what is uncovered is recommended next")
