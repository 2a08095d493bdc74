"""What leaves the appliance: metrics for Prometheus, flows for IPFIX collectors, the API's own description."""

import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from tests.e2e.case import PORT, WireCase, eventually
from tests.lab import policies
from tests.lab.appliance import drops, program
from tests.lab.pause import paused
from tests.lab.schema import Schemas, document
from tests.lab.traffic import DROPPED, OPEN

SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")


def samples(text: str) -> dict[tuple, float]:
    """{(name, (label, value), ...): value} of Prometheus' text format."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            key = (name, *sorted(re.findall(r'([a-z_]+)="([^"]*)"', labels or "")))
            if key in found:
                raise AssertionError(f"twice: {line}")
            found[key] = float(value)
    return found


class Exporting(WireCase):
    extra = """\
metrics:
  listen: 127.0.0.1:9417
ipfix:
  collector: 127.0.0.1:4739
  interval: 1s
  template-interval: 1s
"""

    def traffic(self) -> None:
        """Policies of both worlds, and connections that meet them."""
        self.appliance.apply(policies.documents(policies.only_backend_reaches_database(), policies.close_backend()))
        for name in ("database", "backend-2"):
            self.serve(name)
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        self.assertEqual(self.tcp("frontend", "backend-2"), OPEN)
        self.assertEqual(self.tcp("backend-1", "database", family=6), OPEN)
        self.assertEqual(self.tcp("frontend", "database", timeout=1), DROPPED)
        self.ping("frontend", "backend-2")


class Metrics(Exporting):
    def scrape(self) -> str:
        answer = self.appliance.get("/metrics")
        self.assertEqual(answer.status, 200)
        return answer.text

    def test_promtool_finds_nothing_wrong_with_them(self):
        self.traffic()
        done = subprocess.run(["promtool", "check", "metrics"], input=self.scrape(), text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_their_values_are_those_of_the_statistics(self):
        self.traffic()
        stats = self.settled_stats()
        found = samples(self.scrape())

        def total(name: str, **labels: str) -> float:
            return sum(value for key, value in found.items() if key[0] == name and set(labels.items()) <= set(key[1:]))

        self.assertGreater(stats["judged"]["packets"], 10)
        self.assertEqual(total("drywall_judged_packets_total", verdict="allow"), stats["enforced_allowed"]["packets"])
        self.assertEqual(total("drywall_judged_bytes_total", verdict="deny"), stats["enforced_denied"]["bytes"])
        self.assertEqual(total("drywall_config_generation"), stats["generation"])
        self.assertEqual(total("drywall_connections_opened_total"), stats["flows"]["opened"])
        self.assertEqual(total("drywall_flowlog_records_lost_total"), stats["flows"]["records_lost"])
        for port in stats["ports"]:
            name = port["name"]
            self.assertEqual(total("drywall_port_receive_packets_total", port=name), port["received"]["packets"])
            self.assertEqual(total("drywall_port_transmit_bytes_total", port=name), port["transmitted"]["bytes"])
        for drop in stats["drops"]:
            self.assertEqual(total("drywall_drops_total", reason=drop["reason"]), drop["packets"])
        self.assertGreater(drops(stats)["policy_deny"], 0)
        for staged in stats["staged"]:
            for which in ("would_deny", "would_allow"):
                for what in ("packets", "bytes"):
                    self.assertEqual(total(f"drywall_staged_{which}_{what}_total", policy=staged["policy"]),
                                     staged[which][what])
        self.assertGreater(total("drywall_staged_would_deny_packets_total"), 0)
        for mode, world in (("enforced", "enforced"), ("staged", "pending")):
            rules = [rule for rule in stats["rules"] if rule["current"] and rule["staged"] == (mode == "staged")]
            for what in ("packets", "bytes"):
                self.assertEqual(total(f"drywall_policy_{what}_total", mode=mode), sum(rule[world][what] for rule in rules))
            self.assertEqual(total("drywall_policy_would_deny_packets_total", mode=mode),
                             sum(rule["would_deny"]["packets"] for rule in rules))
            former = [rule for rule in stats["rules"]
                      if not rule["current"] and rule["staged"] == (mode == "staged")]
            self.assertEqual(total("drywall_former_rules_packets_total", mode=mode),
                             sum(rule[world]["packets"] for rule in former))
        for rule in stats["rules"]:
            self.assertLessEqual(rule["connections"], rule["pending" if rule["staged"] else "enforced"]["packets"])
        current = [rule for rule in stats["rules"] if rule["current"]]
        self.assertEqual(total("drywall_policy_connections_total"), sum(rule["connections"] for rule in current))
        self.assertGreater(total("drywall_policy_connections_total", mode="enforced"), 0)
        for staged in stats["staged"]:
            self.assertEqual(total("drywall_staged_would_deny_connections_total", policy=staged["policy"]),
                             staged["would_deny_connections"])
        self.assertGreater(total("drywall_staged_would_deny_connections_total"), 0)
        self.assertEqual(total("drywall_connections"), stats["flows"]["live"])
        self.assertEqual(sum(stats["flows"]["by_state"].values()), stats["flows"]["live"])
        self.assertEqual(total("drywall_packet_latency_seconds_count"), stats["received"]["packets"])
        latest = max(value for key, value in found.items() if key[0] == "drywall_policy_last_hit_timestamp_seconds")
        self.assertLess(abs(time.time() - latest), 60)
        database = [rule for rule in stats["rules"] if "gnp:database" in rule["rule"] and rule["current"]]
        self.assertTrue(database)
        for rule in database:
            tier, policy, action, index = rule["rule"].split("|")
            self.assertEqual(total("drywall_policy_packets_total", tier=tier, policy=policy, action=action, rule=index),
                             rule["enforced"]["packets"])

    def test_changes_that_were_not_made_are_counted(self):
        def refused() -> float:
            return samples(self.scrape())[("drywall_config_load_failures_total",)]

        before = refused()
        self.assertEqual(self.appliance.request("POST", "/v1/resources", "kind: nonsense").status, 400)
        self.assertEqual(self.appliance.request("POST", "/v1/promote", '{"name": "nobody"}').status, 404)
        self.appliance.apply(policies.close_backend())
        self.assertEqual(refused(), before + 2)

    def test_there_are_few_of_them_and_none_names_an_address(self):
        self.traffic()
        text = self.scrape()
        rules = [rule for rule in self.appliance.stats()["rules"] if rule["current"]]
        self.assertLessEqual(len(samples(text)), 12 * len(rules) + 700)
        for host in self.wire.hosts.values():
            self.assertNotIn(host.v4, text)
            self.assertNotIn(host.v6, text)

    def test_on_loopback_there_are_the_metrics_and_nothing_else(self):
        def curl(path: str, *words: str):
            return self.wire.box.run("curl", "-sS", "-m", "10", "-o", "-", "-w", "%{http_code}",
                                     f"http://127.0.0.1:9417{path}", *words).stdout

        page = curl("/metrics")
        self.assertIn("drywall_config_generation", page)
        self.assertTrue(page.endswith("200"), page[-100:])
        for path in ("/v1/status", "/v1/resources", "/"):
            self.assertTrue(curl(path).endswith("403"), path)
        self.assertTrue(curl("/v1/delete", "-d", "x").endswith("403"))


class Views(Exporting):
    def view(self, *words: str):
        return subprocess.run([str(program("drywall")), "--socket", str(self.appliance.view_socket), *words],
                              text=True, capture_output=True, timeout=60, input="")

    def test_who_may_only_look_sees_everything(self):
        self.traffic()
        for words in (["status"], ["stats"], ["flows"], ["get"], ["matrix", "--diff"]):
            done = self.view("-o", "json", *words)
            self.assertEqual(done.returncode, 0, f"{words}: {done.stderr}")
            self.assertIsInstance(json.loads(done.stdout), dict)

    def test_who_may_only_look_changes_nothing_and_is_told_why(self):
        self.appliance.apply(policies.close_backend())
        before = self.appliance.get("/v1/resources").text
        done = self.view("promote", "close-backend")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(self.appliance.socket), done.stderr)
        for path, operations in Schemas().document["paths"].items():
            for method in operations:
                if method == "get":
                    continue
                answer = self.appliance.request(method.upper(), path.replace("{", "").replace("}", ""), "{}",
                                                socket=self.appliance.view_socket)
                self.assertEqual((method, path, answer.status), (method, path, 403))
                self.assertEqual(answer.json["code"], "read-only")
        self.assertEqual(self.appliance.get("/v1/resources").text, before)

    def test_clients_that_vanish_or_dawdle_on_either_socket_keep_nobody_waiting(self):
        requests = (b"GET /v1/stats HTTP/1.1\r\nHost: d\r\n\r\n", b"GET /v1/flows?wait=30000 HTTP/1.1\r\nHost: d\r\n\r\n",
                    b"POST /v1/resources HTTP/1.1\r\nHost: d\r\nContent-Length: 100000\r\n\r\nhalf a bo", b"GET /v1/st", b"")
        with contextlib.ExitStack() as dawdlers:
            for place in (self.appliance.socket, self.appliance.view_socket):
                for turn in range(20):
                    client = socket.socket(socket.AF_UNIX)
                    client.connect(str(place))
                    with contextlib.suppress(OSError):
                        client.sendall(requests[turn % len(requests)])
                    if turn < 10:
                        client.close()  # in the middle of a request, or of an answer
                    else:
                        dawdlers.enter_context(client)  # and never reads
            started = time.monotonic()
            for place in (self.appliance.socket, self.appliance.view_socket):
                self.assertEqual(self.appliance.request("GET", "/v1/status", socket=place).status, 200)
            self.assertLess(time.monotonic() - started, 10)
            self.appliance.apply(policies.close_backend())

    def test_a_client_that_never_reads_a_long_answer_costs_its_own_connection_only(self):
        many = policies.documents(*(policies.policy(f"p{i}", "all()", policies.ALLOW, staged=True) for i in range(300)))
        self.appliance.apply(many)
        with contextlib.ExitStack() as clients:
            for _ in range(8):
                client = clients.enter_context(socket.socket(socket.AF_UNIX))
                client.connect(str(self.appliance.view_socket))
                client.sendall(b"GET /v1/resources HTTP/1.1\r\nHost: d\r\n\r\n" * 20)
            self.assertEqual(self.appliance.request("GET", "/v1/resources", socket=self.appliance.view_socket).status, 200)
            self.appliance.delete("sgnp", "p0")

    def test_eight_readers_and_changes_meanwhile_see_whole_generations(self):
        """Each generation adds one policy: whoever reads a List of generation n finds as many as n says."""
        first = self.appliance.generation()
        stop = threading.Event()
        wrong, looks = [], []

        def read() -> None:
            while not stop.is_set():
                found = self.appliance.request("GET", "/v1/resources/sgnp", socket=self.appliance.view_socket).json
                looks.append(found["generation"])
                if len(found["items"]) != found["generation"] - first:
                    wrong.append(f"generation {found['generation']}: {len(found['items'])} policies, began at {first}")
                for path in ("/metrics", "/v1/stats"):
                    if self.appliance.request("GET", path, socket=self.appliance.view_socket).status != 200:
                        wrong.append(path)

        readers = [threading.Thread(target=read) for _ in range(8)]
        for reader in readers:
            reader.start()
        try:
            for i in range(15):
                self.appliance.apply(policies.policy(f"p{i}", "all()", policies.ALLOW, staged=True))
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        self.assertEqual(wrong, [])
        self.assertGreater(len(looks), 8)

    def test_while_the_counting_stands_still_nobody_waits_for_it(self):
        """The thread that counts is held still for seconds: questions are answered, changes made, packets pass."""
        self.traffic()
        with paused(self.appliance.process.pid, "stats"):
            started = time.monotonic()
            for path in ("/_ping", "/v1/status", "/v1/stats", "/metrics", "/v1/resources", "/v1/flows", "/v1/matrix"):
                self.assertEqual(self.appliance.get(path).status, 200, path)
            self.appliance.apply(policies.safety_net())
            self.assertEqual(self.tcp("frontend", "backend-2"), OPEN)
            self.assertLess(time.monotonic() - started, 10)
            time.sleep(max(0.0, 2 - (time.monotonic() - started)))
        self.assertEqual(self.tcp("frontend", "backend-2"), OPEN)


class Document(Exporting):
    extra = f"""\
{Exporting.extra}\
failsafe:
  - {{protocol: tcp, port: 22, to: [10.99.0.0/24], from: [10.98.0.0/24]}}
"""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.appliance.request, "POST", "/v1/confirm")
        self.addCleanup(self.appliance.request, "POST", "/v1/safety/close")

    def questions(self) -> dict[str, list[str]]:
        """By path of the document, what to ask it. A path that is not here is asked as it is."""
        workload, host = "backend-1", self.host("backend-2")
        trace = f"/v1/trace?source={self.host('frontend').v4}&destination={host.v4}"
        return {
            "/v1/resources": ["/v1/resources", "/v1/resources?format=yaml"],
            "/v1/resources/{kind}": ["/v1/resources/sgnp", "/v1/resources/wep?format=yaml", "/v1/resources/nonsense"],
            "/v1/resources/{kind}/{name}": [f"/v1/resources/wep/{workload}", "/v1/resources/gnp/nobody"],
            "/v1/resources/{kind}/{namespace}/{name}": [f"/v1/resources/wep/default/{workload}",
                                                        "/v1/resources/wep/nowhere/nobody"],
            "/v1/generations": ["/v1/generations", "/v1/generations?limit=x"],
            "/v1/generations/{generation}": [f"/v1/generations/{self.appliance.generation()}", "/v1/generations/999999"],
            "/v1/generations/{generation}/resources": [f"/v1/generations/{self.appliance.generation()}/resources"],
            "/v1/flows": ["/v1/flows", "/v1/flows?differing=true&limit=1", "/v1/flows?latest=true", "/v1/flows?after=x"],
            "/v1/drops/watch": ["/v1/drops/watch?timeout=50ms&snaplen=64", "/v1/drops/watch?count=x"],
            "/v1/requests": ["/v1/requests", "/v1/requests?path=/&not-method=PUT&since=1h&limit=3", "/v1/requests?path=x"],
            "/v1/requests/watch": ["/v1/requests/watch?timeout=50ms&kind=http", "/v1/requests/watch?count=x"],
            "/v1/matrix": ["/v1/matrix", "/v1/matrix?view=diff", "/v1/matrix?view=pending&group-by=app",
                           "/v1/matrix?view=nonsense"],
            "/v1/diff": ["/v1/diff", "/v1/diff?to=999999"],
            "/v1/diff/semantic": ["/v1/diff/semantic", "/v1/diff/semantic?to=999999", "/v1/diff/semantic?limit=x",
                                  f"/v1/diff/semantic?from={self.appliance.generation() - 1}&limit=1"],
            "/v1/recommend": ["/v1/recommend", "/v1/recommend?since=x", "/v1/recommend?for=nobody"],
            "/v1/impact": ["/v1/impact", "/v1/impact?name=close-backend&kind=sgnp&since=1h&limit=1",
                           "/v1/impact?name=nobody", "/v1/impact?since=x"],
            "/v1/check": ["/v1/check", "/v1/check?name=close-backend&min-time=0&min-connections=1&ack=1,2&limit=1",
                          "/v1/check?name=nobody", "/v1/check?ack=x"],
            "/v1/review/{what}": ["/v1/review/unused", "/v1/review/shadowed", "/v1/review/empty-selectors", "/v1/review/safety-net",
                                  "/v1/review/nonsense"],
            "/v1/trace": [f"{trace}&port={PORT}", f"{trace}&protocol=icmp", "/v1/trace"],
        }

    def test_what_is_answered_is_what_is_described(self):
        self.traffic()
        # A net that catches something, and what reviews find.
        self.appliance.apply(policies.documents(
            policies.policy("unmet", "app == 'cache'", policies.DENY, order=50, staged=True),
            policies.policy("twice", "app == 'cache'", policies.ALLOW, policies.ALLOW),
            policies.policy("nobody", "app == 'nobody'", policies.ALLOW), policies.safety_net()))
        self.assertEqual(self.tcp("frontend", "backend-2"), OPEN)
        self.assertTrue(eventually(
            lambda: any(net["flows"] for net in self.appliance.get("/v1/safety").json["safety_nets"])))
        for path, rows in (("/v1/review/unused", "rows"), ("/v1/review/shadowed", "rows"),
                           ("/v1/review/empty-selectors", "rows"), ("/v1/impact", "policies"),
                           ("/v1/check", "rules_never_hit"), ("/v1/diff/semantic", "differences")):
            self.assertTrue(self.appliance.get(path).json[rows], path)
        schemas, questions = Schemas(), self.questions()
        trouble, answered = [], set()
        for path in schemas.gets():
            for url in questions.get(path, [path]):
                answer = self.appliance.get(url)
                json_answer = answer.content_type.startswith("application/json")
                trouble += schemas.trouble("get", path, answer.status, answer.content_type,
                                           answer.json if json_answer else answer.text)
                answered |= {path} if answer.status == 200 else set()
        self.assertEqual(trouble, [])
        self.assertEqual(sorted(set(schemas.gets()) - answered), [], "give questions() one that is answered with 200")

    def asked(self, method: str, path: str, query: str = "", body: str | None = None, status: int = 200, url: str = ""):
        """One request; its answer, which has that status and is as described."""
        with self.subTest(f"{method} {url or path}{query}"):
            answer = self.appliance.request(method.upper(), (url or path) + query, body)
            self.assertEqual(answer.status, status, answer.text)
            self.assertEqual(Schemas().trouble(method, path, status, answer.content_type, answer.json), [])
        return answer.json

    def test_changes_answer_as_described(self):
        staged, enforced = policies.close_backend(), policies.only_backend_reaches_database()
        bundle = json.dumps({"files": [{"name": "a.yaml", "text": enforced}]})
        self.asked("post", "/v1/resources", "?comment=CHG-1", staged)
        self.asked("post", "/v1/resources", "?existing=reset&force=true", bundle)
        self.asked("post", "/v1/resources", "", "kind: nonsense", 400)
        self.asked("post", "/v1/resources", "?existing=nonsense", staged, 400)
        self.asked("post", "/v1/resources", "?if-generation=1", staged, 409)
        self.asked("post", "/v1/promote", "", '{"name": "close-backend"}')
        self.asked("post", "/v1/promote", "", '{"name": "nobody"}', 404)
        self.asked("post", "/v1/demote", "", '{"name": "close-backend", "kind": "gnp"}')
        self.asked("post", "/v1/demote", "", '{"name": "close-backend"}', 404)
        self.asked("post", "/v1/stage", "?source=a.yaml", policies.close_backend(staged=False))
        self.asked("post", "/v1/stage", "", "kind: nonsense", 400)
        self.asked("delete", "/v1/resources/{kind}/{name}", url="/v1/resources/sgnp/close-backend")
        self.asked("delete", "/v1/resources/{kind}/{namespace}/{name}", url="/v1/resources/wep/default/cache")
        self.asked("post", "/v1/delete", "", enforced)
        self.asked("post", "/v1/diff", "", staged)
        self.asked("post", "/v1/rollback", "", json.dumps({"generation": self.appliance.generation()}))
        self.asked("post", "/v1/rollback", "", '{"generation": 999999}', 404)
        self.asked("post", "/v1/restore", "?force=true", policies.documents(self.endpoints(), enforced))
        self.asked("post", "/v1/restore", "", "kind: nonsense", 400)

    def test_changes_that_undo_themselves_are_described(self):
        def state() -> str:
            self.asked("get", "/v1/status")
            return self.asked("get", "/v1/confirmation")["state"]

        close = policies.close_backend(staged=False)
        wires = "&confirm-if=can-deny-more&revert-if=newly-denied%3E1000,drops%3E1000,worker-stalled"
        waits = self.asked("post", "/v1/resources", f"?force=true&confirm-within=1m{wires}", close)["waits"]
        self.assertEqual(waits["generation"], self.appliance.generation())
        self.assertEqual(state(), "armed")
        self.asked("post", "/v1/resources", "", policies.safety_net(), 422)
        self.asked("post", "/v1/confirm", "?generation=x", status=400)
        self.asked("post", "/v1/confirm", f"?generation={waits['previous']}", status=409)
        self.asked("post", "/v1/confirm", f"?generation={waits['generation']}")
        self.assertEqual(state(), "confirmed")
        self.asked("post", "/v1/confirm", status=404)
        waits = self.asked("post", "/v1/demote", "?confirm-within=1m", '{"name": "close-backend"}')["waits"]
        self.asked("post", "/v1/rollback", "", json.dumps({"generation": waits["previous"]}))
        self.assertEqual(state(), "withdrawn")
        self.asked("post", "/v1/demote", "?confirm-within=1s", '{"name": "close-backend"}')
        self.assertTrue(eventually(lambda: self.appliance.get("/v1/confirmation").json["state"] == "expired"))
        self.assertEqual(state(), "expired")
        self.asked("post", "/v1/confirm", status=409)
        for path in ("/v1/generations", "/v1/audit"):
            self.asked("get", path)

    def test_the_safety_and_what_changes_nothing_are_described(self):
        self.traffic()
        self.serve("backend-2", 22)
        self.assertEqual(self.tcp("frontend", "backend-2", 22), OPEN)
        staged, enforced = policies.close_backend(), policies.close_backend(staged=False)
        drill = self.asked("post", "/v1/drill")
        self.assertTrue(drill["failsafes"])
        self.assertTrue(eventually(lambda: self.asked("post", "/v1/drill")["management"]))
        self.asked("post", "/v1/drill", "?promote=close-backend")
        self.asked("post", "/v1/drill", "?source=a.yaml", enforced)
        self.asked("post", "/v1/drill", "?promote=nobody", status=404)
        self.asked("post", "/v1/drill", "?promote=close-backend", enforced, 400)
        self.asked("post", "/v1/resources", "", enforced, 422)  # it would cut what was seen lately
        self.assertTrue(self.asked("post", "/v1/diff/semantic", "?source=a.yaml&limit=1", enforced)["differences"])
        self.asked("post", "/v1/diff/semantic", "", staged)
        self.asked("post", "/v1/diff/semantic", "", "kind: nonsense", 400)
        self.asked("post", "/v1/safety/close", status=404)
        self.asked("post", "/v1/safety/open", "?for=1m", status=400)
        self.assertTrue(self.asked("post", "/v1/safety/open", "?for=1m&reason=CHG-1")["open"])
        for path in ("/v1/safety", "/v1/status", "/v1/stats"):
            self.asked("get", path)
        self.assertFalse(self.asked("post", "/v1/safety/close")["open"])

    def test_the_appliance_serves_its_own_description(self):
        self.assertEqual(self.appliance.get("/v1/openapi.json").json, document())


class Ipfix(Exporting):
    """A stock collector, nfcapd, hears the appliance; tshark reads what it does not store."""

    FLOW_FIELDS = ("num_connections_started", "num_connections_completed", "packets_out", "bytes_out", "packets_in",
                   "bytes_in")

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(prefix="drywall-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *words) -> subprocess.Popen:
        process = self.wire.box.popen(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def flows(self) -> dict[int, dict]:
        return {flow["id"]: flow for flow in self.appliance.get("/v1/flows?limit=10000").json["flows"]}

    def settle(self) -> None:
        """Two whole looks of the exporter at the flow log: each ends with a message, its own statistics."""
        def sent() -> float:
            return samples(self.appliance.get("/metrics").text)[("drywall_ipfix_messages_sent_total",)]

        before = sent()
        self.assertTrue(eventually(lambda: sent() >= before + 3, timeout=20), "the exporter sends nothing")

    def collected(self) -> Path:
        """Traffic, heard by both collectors; the folder of nfcapd's files."""
        capture, stored = self.folder / "capture.pcapng", self.folder / "nfcapd"
        stored.mkdir()
        collectors = [self.start("nfcapd", "-b", "127.0.0.1", "-p", 4739, "-w", stored, "-t", 60),
                      self.start("tshark", "-q", "-i", "lo", "-f", "udp port 4739", "-w", capture)]
        self.assertTrue(eventually(lambda: self.wire.box.run("ss", "-ulnH", "sport = :4739").stdout.strip()))
        self.assertTrue(eventually(lambda: capture.exists() and capture.stat().st_size > 0, timeout=30))
        self.settle()
        self.traffic()
        self.settled_stats()
        self.settle()
        for collector in collectors:
            collector.send_signal(signal.SIGINT)
            collector.wait(30)
        return stored

    def decoded(self) -> list[dict]:
        """Flow records as tshark reads them."""
        done = subprocess.run(["tshark", "-r", self.folder / "capture.pcapng", "-d", "udp.port==4739,cflow", "-T", "json",
                               "-J", "cflow", "--no-duplicate-keys"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = []

        def look(part) -> None:
            if isinstance(part, dict):
                if "cflow.firewall_event" in part:
                    found.append(part)
                for inner in part.values():
                    look(inner)
            elif isinstance(part, list):
                for inner in part:
                    look(inner)

        look([packet["_source"]["layers"]["cflow"] for packet in json.loads(done.stdout)])
        return found

    def test_collectors_read_what_the_flow_log_says(self):
        self.assertEqual(self.flows(), {}, "this test wants an appliance that saw nothing yet")
        stored = self.collected()
        flows = self.flows()
        self.assertGreater(len(flows), 4)
        self.compare_with_tshark(flows)
        self.compare_with_nfdump(flows, stored)

    def compare_with_tshark(self, flows: dict[int, dict]) -> None:
        heard: dict[int, list[dict]] = {}
        for record in self.decoded():
            heard.setdefault(int(record["cflow.flow_id"]), []).append(record)
        self.assertEqual(sorted(set(flows) - set(heard)), [], "flows that nobody heard of")
        for key, flow in flows.items():
            records, last = heard[key], heard[key][-1]
            with self.subTest(f"{flow['source_ip']} to {flow['dest_ip']} {flow['protocol']}/{flow['dest_port']}"):
                version = "v6" if ":" in flow["source_ip"] else ""
                self.assertEqual((last[f"cflow.srcaddr{version}"], last[f"cflow.dstaddr{version}"]),
                                 (flow["source_ip"], flow["dest_ip"]))
                sums = [sum(int(record["cflow.original_flows_initiated"]) for record in records),
                        sum(int(record["cflow.original_flows_completed"]) for record in records)]
                for way in (0, 1):
                    sums += [sum(int(record[name][way]) for record in records) for name in ("cflow.packets", "cflow.octets")]
                self.assertEqual(sums, [flow[field] for field in self.FLOW_FIELDS])
                self.assertEqual(last["cflow.firewall_event"] == "3", flow["action"] == "deny")
                event, generation, source, _, enforced, pending = private_entries(last)
                self.assertEqual(event == b"\3", flow["pending_action"] == "deny")
                self.assertEqual(int.from_bytes(generation, "big"), flow["generation"])
                self.assertTrue(source.decode().endswith(f"/{flow['source_name']}"), source)
                for world, text in (("enforced", enforced), ("pending", pending)):
                    self.assertEqual(text.decode(), ",".join(hit["text"] for hit in flow["policies"][world]))

    def compare_with_nfdump(self, flows: dict[int, dict], stored: Path) -> None:
        done = subprocess.run(["nfdump", "-R", stored, "-o", "json"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        heard: dict[tuple, list[int]] = {}
        for record in json.loads(done.stdout):
            version = "6" if "src6_addr" in record else "4"
            key = (record[f"src{version}_addr"], record[f"dst{version}_addr"], record["proto"], record.get("dst_port", 0))
            sums = heard.setdefault(key, [0, 0, 0, 0])
            for i, field in enumerate(("in_packets", "in_bytes", "out_packets", "out_bytes")):
                sums[i] += record.get(field, 0)
        wanted: dict[tuple, list[int]] = {}
        numbers = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
        for flow in flows.values():
            sums = wanted.setdefault((flow["source_ip"], flow["dest_ip"], numbers[flow["protocol"]], flow["dest_port"]),
                                     [0, 0, 0, 0])
            for i, field in enumerate(("packets_out", "bytes_out", "packets_in", "bytes_in")):
                sums[i] += flow[field]
        self.assertEqual({key: heard.get(key) for key in wanted}, wanted)


class IpfixWithoutCollector(Exporting):
    def test_a_collector_that_is_away_is_counted_and_nothing_else_happens(self):
        """Nobody listens: the kernel says so, and the records count as lost; packets pass."""
        def lost() -> float:
            return samples(self.appliance.get("/metrics").text)[("drywall_ipfix_records_lost_total",)]

        before = lost()
        self.serve("backend-2")

        def noticed() -> bool:
            self.assertEqual(self.tcp("frontend", "backend-2"), OPEN)
            return lost() > before

        self.assertTrue(eventually(noticed, timeout=20))


def private_entries(record: dict) -> list[bytes]:
    """The enterprise elements of a record, in the order of the template: event, generation, endpoints, policies. An empty
    text has no value in tshark's answer."""
    return [bytes.fromhex(value.replace(":", "")) for value in record["cflow.enterprise_private_entry"]]
