"""The flow log: what happened, who took part, in both worlds; filtered, followed, and there after a restart."""

import json
import socket
import subprocess
import time

from tests.e2e.case import PORT, WireCase, eventually
from tests.lab import policies
from tests.lab.appliance import program
from tests.lab.netns import die_with_parent
from tests.lab.traffic import DROPPED, OPEN

QUICK = "flows:\n  report-interval: 500ms\n"


class Flows(WireCase):
    extra = QUICK

    def flows(self, **parameters) -> list[dict]:
        query = "&".join(f"{name.replace('_', '-')}={value}" for name, value in parameters.items())
        answer = self.appliance.get(f"/v1/flows?{query}")
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json["flows"]

    def lines(self, *words) -> list[dict]:
        done = self.appliance.drywall("flows", "-o", "jsonl", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def talk(self) -> str:
        """frontend may not reach the database, and backend-1 may; the answer is when that was."""
        self.serve("database")
        self.appliance.apply(policies.only_backend_reaches_database())
        begin = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        self.assertEqual(self.tcp("frontend", "database", timeout=0.5), DROPPED)
        return begin

    def test_a_flow_is_visible_within_two_seconds_with_all_that_is_known_of_it(self):
        began = time.monotonic()
        self.talk()
        denied = eventually(lambda: self.flows(from_name="frontend", to_port=PORT, verdict="deny"), timeout=2.0)
        self.assertLess(time.monotonic() - began, 5.0)
        flow = denied[0]
        self.assertEqual((flow["source_type"], flow["dest_type"]), ("wep", "wep"))
        self.assertIn("app=frontend", flow["source_labels"])
        self.assertEqual(flow["drop_reason"], "policy_deny")
        self.assertEqual(flow["ingress_port"], "inside")
        self.assertGreater(flow["source_port"], 0)
        decided = flow["policies"]["enforced"][-1]
        self.assertEqual((decided["kind"], decided["name"], decided["action"], decided["rule_index"]),
                         ("GlobalNetworkPolicy", "database", "deny", 1))
        self.assertFalse(flow["uncertain"], flow)
        self.assertEqual(flow["lost"], 0)

    def test_flags_are_alternatives_or_conditions_and_not_turns_one_round(self):
        begin = self.talk()

        def sources(*words):
            return {flow["source_name"] for flow in self.lines("--since", begin, "--to-port", str(PORT), *words)}

        both = eventually(lambda: sources() == {"frontend", "backend-1"})
        self.assertTrue(both, sources())
        self.assertEqual(sources("--verdict", "denied"), {"frontend"})
        self.assertEqual(sources("--not", "--verdict", "denied"), {"backend-1"})
        self.assertEqual(sources("--from-name", "frontend", "--from-name", "backend-*"), {"frontend", "backend-1"})
        self.assertEqual(sources("--not", "--from-label", "app == 'backend'", "--policy", "gnp:database"), {"frontend"})
        self.assertEqual(sources("--protocol", "udp"), set())

    def test_mistakes_are_named_before_anybody_is_asked(self):
        for words, said in ((["--from-ip", "10.0.0.999"], "not an address"), (["--not"], "--not"),
                            (["--since", "yesterday"], "no moment"), (["--to-port", "http"], "8000-8999")):
            done = self.appliance.drywall("flows", *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(said, done.stderr)

    def test_a_file_of_flows_goes_through_the_same_flags(self):
        begin = self.talk()
        eventually(lambda: len(self.lines("--since", begin, "--to-port", str(PORT))) >= 2)
        written = self.appliance.drywall("flows", "-o", "jsonl", "--since", begin).stdout
        path = self.appliance.folder / "flows.jsonl"
        path.write_text(written)
        done = self.appliance.drywall("flows", "--input-file", path, "--verdict", "deny", "--to-port", str(PORT), "-o", "jsonl")
        self.assertEqual({json.loads(line)["source_name"] for line in done.stdout.splitlines()}, {"frontend"})
        table = self.appliance.drywall("flows", "--input-file", path, "--to-port", str(PORT))
        self.assertIn("IF-ENFORCED", table.stdout)
        self.assertIn("LOST 0", table.stderr)

    def test_a_connection_that_lives_is_seen_to_grow(self):
        self.serve("database")
        self.appliance.apply(policies.only_backend_reaches_database())
        backend, database = self.host("backend-1"), self.host("database")
        talker = backend.namespace.popen(
            "python3", "-c",
            "import socket, sys, time\n"
            f"s = socket.create_connection(('{database.address(4)}', {PORT}), 5)\n"
            "while True:\n    s.sendall(b'x'); s.recv(1); time.sleep(0.05)\n",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(talker.wait)
        self.addCleanup(talker.kill)

        def live():
            found = [flow for flow in self.flows(from_name="backend-1", to_port=PORT, verdict="allow", latest="true")
                     if flow["num_connections_live"] > 0]
            return found[0]["packets_in"] if found else 0

        first = eventually(live)
        self.assertGreater(first, 0)
        self.assertTrue(eventually(lambda: live() > first), "it does not grow")
        talker.kill()  # or the counts never settle

    def test_a_follower_is_sent_events_and_one_that_dawdles_holds_up_nobody(self):
        self.serve("database")
        self.appliance.apply(policies.only_backend_reaches_database())
        idle = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(idle.close)
        idle.connect(str(self.appliance.socket))  # asks, and never reads
        idle.sendall(b"GET /v1/flows?follow=true HTTP/1.1\r\nHost: drywall\r\n\r\n")
        follower = subprocess.Popen(["curl", "-sN", "--unix-socket", self.appliance.socket,
                                     f"http://drywall/v1/flows?follow=true&to-port={PORT}"],
                                    stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        self.assertEqual(follower.stdout.readline(), "event: lost\n")
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        for line in follower.stdout:
            if line.startswith("data: ") and "source_name" in line:
                break
        self.assertEqual(json.loads(line[len("data: "):])["source_name"], "backend-1")


class FlowsOnDisk(WireCase):
    """A daemon of its own, because it is stopped and started again."""

    def test_what_was_counted_is_there_after_a_restart_and_in_the_file_of_lines(self):
        # Datagrams: of a TCP connection the last packets may come after the restart, and then it counts once more.
        self.serve("database", udp=True)
        begin = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
        self.assertEqual(self.udp("backend-1", "database"), OPEN)
        self.appliance.stop()
        config = self.appliance.config.read_text()
        log = self.appliance.folder / "flows.jsonl"
        self.appliance.config.write_text(config + f"flows:\n  log: {{path: {log}, max-mb: 1, files: 2}}\n")
        self.appliance.start()
        answer = self.appliance.get(f"/v1/flows?since={begin}&to-port={PORT}").json
        self.assertEqual(answer["archive_trouble"], "")
        self.assertEqual(sum(flow["num_connections_started"] for flow in answer["flows"]), 1, answer)
        self.appliance.apply(self.endpoints())
        self.assertEqual(self.udp("backend-1", "database"), OPEN)
        written = eventually(lambda: [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else [])
        self.assertIn(PORT, {flow["dest_port"] for flow in written})
