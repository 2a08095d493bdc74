"""Questions about rules that ask what connections say: each answer is held against what the wire does."""

import json
import shlex
import socket
import struct
from pathlib import Path

from tests.e2e.case import eventually
from tests.e2e.test_layer7 import GET_SHOP, RESET, WEB, Layer7Case, requests
from tests.lab import frames, layer7, policies

NEGATIVE = 1


def pcap(packets: list[bytes]) -> bytes:
    """A capture of Ethernet frames, a millisecond apart."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for number, frame in enumerate(packets):
        out += struct.pack("<IIII", 1_700_000_000, number * 1000, len(frame), len(frame)) + frame
    return out


def recorded(source: str, destination: str, sport: int, *texts: str) -> list[bytes]:
    """A connection to the web server in which the client says this, a segment each."""
    def there(flags: int, seq: int, ack: int, payload: bytes = b"") -> bytes:
        return frames.datagram(source, destination, frames.TCP,
                               frames.tcp(source, destination, sport, WEB, flags, payload, seq=seq, ack=ack))
    answer = frames.datagram(destination, source, frames.TCP,
                             frames.tcp(destination, source, WEB, sport, frames.SYN | frames.ACK, seq=499, ack=100))
    out, seq = [there(frames.SYN, 99, 0), answer, there(frames.ACK, 100, 500)], 100
    for text in texts:
        payload = f"{text} HTTP/1.1\r\nHost: shop.example\r\n\r\n".encode()
        out.append(there(frames.ACK, seq, 500, payload))
        seq += len(payload)
    return out


class Questions(Layer7Case):
    def file(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def site(self) -> Path:
        return self.file("site.yaml", self.drywall("get", "-o", "yaml"))

    def ask(self, *options: str) -> str:
        done = self.appliance.drywall("-o", "json", "trace", "tcp", "default/backend-1", f"default/database:{WEB}", *options)
        return json.loads(done.stdout)["decisions"][0]["enforced"]["verdict"]

    def curl_like(self, http: str) -> int:
        method, path = http.split()
        return self.curl("-X", method, self.url(path))[0]

    def waits(self) -> bool:
        return self.appliance.get("/v1/status").json["confirmation"]["state"] == "armed"

    def test_a_difference_of_what_is_asked_for_shows_by_its_examples_on_the_wire(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP))
        other = self.file("other.yaml", requests(GET_SHOP.replace("[GET]", "[POST]")))
        answer = json.loads(self.drywall("-o", "json", "diff", "--semantic", "-f", str(other), code=NEGATIVE))
        self.assertEqual((answer["newly_denied"], answer["newly_allowed"]), (2, 2), "in both families")
        for difference in answer["differences"]:
            self.assertEqual((difference["before"], difference["after"]), ("depends", "depends"))
            self.assertEqual(difference["after_asks"], ["ingress of the destination: POST of /shop..."])
        lost, gained = answer["differences"][0]["shown"]
        self.assertEqual((lost["before"], gained["before"]), ("allow", "deny"))

        def expect(lost_code: int, gained_code: int) -> None:
            for shown, code in ((lost, lost_code), (gained, gained_code)):
                self.assertEqual(self.ask(*shlex.split(shown["options"])), "allow" if code == 0 else "deny")
                self.assertEqual(self.curl_like(shown["http"]), code, shown)
        expect(0, RESET)
        self.drywall("apply", "-f", str(other))
        expect(RESET, 0)
        self.assertIn(lost["options"], self.drywall("diff", "--semantic", str(answer["from"]["generation"]),
                                                    code=NEGATIVE))
        self.drywall("diff", "--semantic", "-f", str(other))

    def test_what_asks_for_more_can_deny_more_and_what_asks_for_less_can_not(self):
        self.appliance.apply(requests(GET_SHOP))
        query = "confirm-within=5m&confirm-if=can-deny-more&force=true"
        wide = self.appliance.request("POST", f"/v1/resources?{query}", requests(GET_SHOP.replace("prefix: /shop", "prefix: /")))
        self.assertLess(wide.status, 300, wide.text)
        self.assertFalse(self.waits())
        narrow = self.appliance.request("POST", f"/v1/resources?{query}", requests(GET_SHOP))
        self.assertLess(narrow.status, 300, narrow.text)
        self.assertTrue(self.waits(), "requests that passed do not any more")
        self.drywall("confirm")

    def test_a_change_elsewhere_is_not_refused_because_of_what_is_asked_for_as_before(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP))
        self.assertEqual(self.curl(self.url("/shop/1"))[0], 0)
        eventually(lambda: [flow for flow in self.appliance.get("/v1/flows").json["flows"] if flow["dest_port"] == WEB])
        self.drywall("apply", "-f", str(self.file("more.yaml", requests(GET_SHOP.replace("[GET]", "[GET, POST]")))))

    def test_the_matrix_shows_where_it_depends_and_what_on(self):
        self.appliance.apply(requests(GET_SHOP))
        text = self.drywall("matrix", "--port", str(WEB))
        self.assertIn(f"? default/backend-1 -> default/database: tcp/{WEB} if ingress of the destination: GET of /shop...", text)
        matrix = self.appliance.get(f"/v1/matrix?service=tcp/{WEB}").json
        column = matrix["endpoints"].index("workloadendpoint/default/database")
        row = next(row for row in matrix["rows"] if row["source"].endswith("/backend-1"))
        self.assertEqual(row["cells"][column]["reach"], "depends")
        self.appliance.apply(requests(GET_SHOP.replace("/shop", "/other"), staged=True))
        diff = self.appliance.get(f"/v1/matrix?view=diff&service=tcp/{WEB}").json
        cell = next(row for row in diff["rows"] if row["source"].endswith("/backend-1"))["cells"][column]
        self.assertTrue(cell["differs"])
        self.assertEqual(cell["pending_depends"][0]["asks"], ["ingress of the destination: GET of /other..."])

    def test_a_replay_counts_the_requests_that_a_staged_policy_would_deny(self):
        source, destination = self.host("backend-1").v4, self.host("database").v4
        capture = self.file("in.pcap", pcap(recorded(source, destination, 40000, "GET /shop/1", "POST /admin", "GET /shop/2")))
        staged = self.file("staged.yaml", requests(GET_SHOP, staged=True))
        words = ("replay", "-f", str(self.site()), "-f", str(staged), "--pcap", str(capture))
        answer = json.loads(self.drywall(*words, "-o", "json", code=NEGATIVE))["requests"]
        self.assertEqual((answer["enforced_allowed"], answer["newly_denied"], answer["enforced_denied"]), (3, 1, 0))
        group = answer["groups"][0]
        self.assertEqual((group["pending_by"], group["responsible"]), ("default|sgnp:web|deny|-1", ["sgnp:web"]))
        self.assertEqual([(one["method"], one["host"], one["path"]) for one in group["examples"]],
                         [("POST", "shop.example", "/admin")])
        text = self.drywall(*words, code=NEGATIVE)
        self.assertIn("3 requests: 0 denied, 1 in the pending world; 1 newly denied, 0 newly allowed", text)
        self.assertIn("POST /admin of shop.example", text)
        enforced = self.file("enforced.yaml", requests(GET_SHOP))
        denied = json.loads(self.drywall("replay", "-f", str(self.site()), "-f", str(enforced), "--pcap", str(capture),
                                         "--fail-on", "denied", "-o", "json", code=NEGATIVE))["requests"]
        self.assertEqual((denied["enforced_allowed"], denied["enforced_denied"]), (1, 1), "nothing passes behind it")

    def test_recorded_flows_are_undecided_where_what_they_said_would_decide(self):
        self.web()
        self.assertEqual(self.curl(self.url("/shop/1"))[0], 0)

        def talked() -> list:
            return [flow for flow in self.appliance.get("/v1/flows?limit=10000").json["flows"] if flow["dest_port"] == WEB]
        records = self.file("flows.jsonl", "".join(json.dumps(flow) + "\n" for flow in eventually(talked)))
        enforced = self.file("enforced.yaml", requests(GET_SHOP))
        answer = json.loads(self.drywall("replay", "-f", str(self.site()), "-f", str(enforced), "--flows", str(records),
                                         "-o", "json"))
        self.assertGreater(answer["undecided"]["connections"], 0)
        self.assertEqual(answer["newly_denied"]["connections"], 0)
        self.assertEqual({flow["action"] for flow in answer["flows"]}, {"undecided"})

    def test_a_replay_learns_names_from_the_answers_in_the_recording(self):
        client, server, resolver = (self.host(name).v4 for name in ("frontend", "database", "cache"))
        ask = layer7.question("shop.example")
        told = (ask[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + ask[12:] + b"\xc0\x0c" +
                struct.pack("!HHIH", 1, 1, 300, 4) + socket.inet_aton(server))
        dns = [frames.datagram(client, resolver, frames.UDP, frames.udp(client, resolver, 5353, 53, ask)),
               frames.datagram(resolver, client, frames.UDP, frames.udp(resolver, client, 53, 5353, told))]
        talk = recorded(client, server, 40000, "GET /")
        policy = self.file("out.yaml", policies.policy(
            "out", "app == 'frontend'", "action: Allow; protocol: UDP; destination: {ports: [53]}",
            "action: Allow; destination: {domains: [shop.example]}", direction="egress"))
        config = self.file("drywall.yaml", self.appliance.config.read_text() + f"layer7: {{dns: {{servers: [{resolver}/32]}}}}\n")

        def denied(name: str, packets: list[bytes]) -> int:
            done = self.appliance.drywall("replay", "-f", self.site(), "-f", policy, "--config", config, "--fail-on", "nothing",
                                          "--pcap", self.file(name, pcap(packets)), "-o", "json")
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)["enforced"]["denied"]["connections"]
        self.assertEqual(denied("known.pcap", dns + talk), 0)
        self.assertGreater(denied("unknown.pcap", talk), 0, "without the answer its address has no name")

    def test_what_can_not_be_answered_is_warned_of_with_its_place(self):
        doubtful = self.file("doubtful.yaml", requests(
            "action: Allow; protocol: TCP; destination: {ports: [443]}; http: {paths: [{prefix: /a//b}]}"))
        text = self.drywall("validate", "-f", str(doubtful), "-f", str(self.site()))
        self.assertIn("asks for requests on tcp/443, which is usually TLS", text)
        self.assertIn("'/a//b', which no request ever has", text)
        self.assertIn(f"{doubtful}:10:", text)
        names = self.file("names.yaml", "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: out}\n"
                          "spec:\n  selector: app == 'frontend'\n  types: [Egress]\n  egress:\n"
                          "    - {action: Allow, destination: {domains: [shop.example]}}\n")
        done = self.appliance.drywall("apply", "-f", str(names))
        self.assertIn("layer7.dns.servers", done.stdout + done.stderr, "no resolver is configured")
