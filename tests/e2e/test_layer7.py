"""What is read inside of connections, with real programs at both ends: curl, web servers, TLS, a resolver."""

import json
import socket
import tempfile
from pathlib import Path

from tests.e2e.case import WireCase, eventually, on_every_driver
from tests.lab import layer7, policies, traffic
from tests.lab.appliance import drops
from tests.lab.bad_wire import BadWire

WEB, TLS = 8080, 8443
RESET = 56  # curl: failure in receiving network data
TIMED_OUT = 28


def requests(*rules: str, name: str = "web", staged: bool = False) -> str:
    return policies.policy(name, "app == 'database'", *rules, staged=staged)


GET_SHOP = "action: Allow; protocol: TCP; destination: {ports: [8080]}; http: {methods: [GET], paths: [{prefix: /shop}]}"


class Layer7Case(WireCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def web(self, name: str = "database", port: int = WEB, certificate: Path | None = None) -> layer7.WebServer:
        server = layer7.WebServer(self.host(name).namespace, port, certificate)
        self.addCleanup(server.stop)
        return server

    def curl(self, *words: str, host: str = "backend-1", timeout: float = 3.0) -> tuple[int, str]:
        done = self.host(host).namespace.run("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", str(timeout),
                                             *words)
        return done.returncode, done.stdout

    def url(self, path: str, name: str = "database", family: int = 4) -> str:
        address = self.host(name).address(family)
        return f"http://{f'[{address}]' if family == 6 else address}:{WEB}{path}"

    @staticmethod
    def get(client, path: str) -> str:
        """The page, over a connection that stays open."""
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        answer = b""
        while f"GET {path}\n".encode() not in answer:
            answer += client.recv(1000)
        return answer.decode().splitlines()[-1]

    def drywall(self, *words: str, code: int = 0) -> str:
        done = self.appliance.drywall(*words)
        self.assertEqual(done.returncode, code, f"drywall {words}\n{done.stdout}{done.stderr}")
        return done.stdout

    def rule_counts(self, text: str) -> dict:
        return next(rule for rule in self.appliance.stats()["rules"] if rule["rule"] == text and rule["current"])


@on_every_driver
class Requests(Layer7Case):
    def test_an_allowed_request_passes_and_another_is_reset_at_once_at_both_ends(self):
        server = self.web()
        self.appliance.apply(requests(GET_SHOP))
        allowed, denied = "default|gnp:web|allow|0", "default|gnp:web|deny|-1"
        before = {rule: self.rule_counts(rule)["requests"] for rule in (allowed, denied)}
        for family in (4, 6):
            self.assertEqual(self.curl(self.url("/shop/1", family=family)), (0, "GET /shop/1\n"))
            code, _ = self.curl(self.url("/admin", family=family))
            self.assertEqual(code, RESET, "told, not left to wait")
            self.assertEqual(self.curl("-X", "POST", "-d", "x=1", self.url("/shop/1", family=family))[0], RESET)
        self.assertEqual(server.seen, ["GET /shop/1"] * 2, "nothing else reached it")
        stats = self.settled_stats()
        self.assertGreaterEqual(drops(stats)["http_denied"], 4)
        self.assertGreaterEqual(stats["resets_sent"], 8)
        self.assertEqual(self.rule_counts(allowed)["requests"] - before[allowed], 2)
        self.assertEqual(self.rule_counts(denied)["requests"] - before[denied], 4)
        told = json.loads(self.drywall("requests", "--denied", "--limit", "4", "-o", "json"))["requests"]
        self.assertEqual([(one["method"], one["path"], one["drop_reason"], one["source_name"].split("/")[-1]) for one in told],
                         [("GET", "/admin", "http_denied", "backend-1"), ("POST", "/shop/1", "http_denied", "backend-1")] * 2)
        self.assertIn("GET /admin", self.drywall("requests"))

    def test_what_would_become_of_a_request_can_be_asked(self):
        self.appliance.apply(requests(GET_SHOP))
        to = ("tcp", "backend-1", f"database:{WEB}")
        self.drywall("trace", *to, "--http", "GET /shop/1")
        told = self.drywall("trace", *to, "--http", "GET /admin", code=1)
        self.assertIn("http_denied", told)
        self.assertIn("GET of /shop...", told)

    def test_each_request_of_a_connection_is_judged(self):
        server = self.web()
        self.appliance.apply(requests(GET_SHOP))
        code, out = self.curl(self.url("/shop/1"), self.url("/shop/2"), self.url("/admin"))
        self.assertEqual(out, "GET /shop/1\nGET /shop/2\n")
        self.assertEqual(code, RESET)
        self.assertEqual(server.seen, ["GET /shop/1", "GET /shop/2"])

    def test_pipelined_requests_do_not_hide_behind_each_other(self):
        server = self.web()
        self.appliance.apply(requests(GET_SHOP))
        with traffic.connect(self.host("backend-1").namespace, self.host("database").v4, WEB) as client:
            client.sendall(b"GET /shop/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n")
            with self.assertRaises(ConnectionResetError):
                client.recv(1000)
        self.assertNotIn("GET /admin", server.seen)

    def test_ways_around_the_path_lead_nowhere(self):
        server = self.web()
        self.appliance.apply(requests(GET_SHOP))
        for path in ("/shop/../admin", "/shop/%2e%2e/admin", "//admin", "/shop/..;x/admin", "/SHOP/1"):
            self.assertEqual(self.curl("--path-as-is", self.url(path))[0], RESET, path)
        self.assertEqual(server.seen, [])
        self.assertEqual(self.curl("--path-as-is", self.url("/x/%2e%2e/shop//1"))[0], 0)

    def test_a_body_is_no_request_and_what_smuggles_one_dies(self):
        server = self.web()
        self.appliance.apply(requests("action: Allow; protocol: TCP; destination: {ports: [8080]}; http: {methods: [POST]}"))
        self.assertEqual(self.curl("-d", "GET /admin HTTP/1.1\r\n\r\n", self.url("/form"))[0], 0)
        self.assertEqual(self.curl("-H", "Transfer-Encoding: chunked", "-d", "GET /admin", self.url("/form"))[0], 0)
        with traffic.connect(self.host("backend-1").namespace, self.host("database").v4, WEB) as client:
            client.sendall(b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            with self.assertRaises(ConnectionResetError):
                client.recv(1000)
        self.assertEqual(server.seen, ["POST /form"] * 2)
        self.assertGreaterEqual(drops(self.settled_stats())["inspect_unreadable"], 1)

    def test_another_protocol_at_that_port_dies_as_declared(self):
        self.serve("database", WEB)
        self.appliance.apply(requests(GET_SHOP))
        with traffic.connect(self.host("backend-1").namespace, self.host("database").v4, WEB) as client:
            client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            with self.assertRaises(ConnectionResetError):
                client.recv(1000)
        self.assertGreaterEqual(drops(self.settled_stats())["inspect_unreadable"], 1)

    def test_staged_rules_enforce_nothing_and_count_what_they_would_deny(self):
        server = self.web()
        self.serve("database", 9)
        self.appliance.apply(requests(GET_SHOP, name="web", staged=True))
        self.assertEqual(self.curl(self.url("/shop/1"))[0], 0)
        self.assertEqual(self.curl(self.url("/admin"))[0], 0)
        self.assertEqual(server.seen, ["GET /shop/1", "GET /admin"])
        staged = eventually(lambda: [p for p in self.appliance.stats()["staged"] if p["would_deny_requests"] == 1])
        self.assertEqual([policy["policy"] for policy in staged], ["sgnp:web"])

        done = self.appliance.drywall("promote", "web", "--force")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.curl(self.url("/shop/1"))[0], 0)
        self.assertEqual(self.curl(self.url("/admin"))[0], RESET, "as it was foretold")

    def test_a_change_of_the_rules_judges_what_an_open_connection_asked_last(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP))
        with traffic.connect(self.host("backend-1").namespace, self.host("database").v4, WEB, timeout=2) as client:
            self.assertEqual(self.get(client, "/shop/1"), "GET /shop/1")
            self.appliance.apply(requests(GET_SHOP, "action: Allow; protocol: TCP; destination: {ports: [9]}"))
            self.assertEqual(self.get(client, "/shop/2"), "GET /shop/2", "an unrelated change is not noticed")
            self.appliance.apply(requests(GET_SHOP.replace("/shop", "/other")))
            with self.assertRaises((TimeoutError, ConnectionResetError)):
                self.get(client, "/other")

    def test_large_bodies_pass_both_ways(self):
        self.web()
        self.appliance.apply(requests("action: Allow; protocol: TCP; destination: {ports: [8080]}; http: {methods: [PUT]}"))
        data = self.folder / "data"
        data.write_bytes(bytes(range(256)) * 4096 * 8)
        self.assertEqual(self.curl("-T", str(data), self.url("/up"), timeout=20)[0], 0)


class OnDenyDrop(Layer7Case):
    extra = "layer7: {http: {on-deny: drop}}\n"

    def test_a_denied_request_is_left_to_time_out(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP))
        self.assertEqual(self.curl(self.url("/admin"), timeout=1)[0], TIMED_OUT)
        self.assertEqual(self.settled_stats()["resets_sent"], 0)


class Names(Layer7Case):
    """The client may go to shop.example alone; the resolver is `cache`, the servers stand on `database` and `backend-2`."""

    extra = "layer7: {dns: {servers: [10.77.0.23/32]}}\n"

    def setUp(self) -> None:
        super().setUp()
        names = {"shop.example": "www.shop.example", "www.shop.example": self.host("database").v4,
                 "evil.example": self.host("backend-2").v4, "also-evil.example": self.host("database").v4}
        resolver = layer7.Resolver(self.host("cache").namespace, names)
        self.addCleanup(resolver.stop)
        self.appliance.apply(policies.policy(
            "out", "app == 'frontend'",
            "action: Allow; protocol: UDP; destination: {ports: [53]}",
            "action: Allow; protocol: TCP; destination: {ports: [53]}",
            "action: Allow; destination: {domains: [shop.example, '*.shop.example']}", direction="egress"))

    def ask(self, name: str, tcp: bool = False) -> bytes:
        with self.host("frontend").namespace.inside():
            kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
            client = socket.socket(socket.AF_INET, kind)
        with client:
            client.settimeout(3)
            client.connect((self.host("cache").v4, 53))
            query = layer7.question(name)
            client.sendall(len(query).to_bytes(2, "big") + query if tcp else query)
            return client.recv(2000)

    def curl_name(self, name: str, at: str, *words: str) -> int:
        return self.curl("--insecure", "--connect-to", f"{name}:{TLS}:{self.host(at).v4}:{TLS}", *words,
                         f"https://{name}:{TLS}/", host="frontend")[0]

    def test_a_connection_goes_where_dns_and_its_greeting_say(self):
        pem = layer7.certificate(self.folder, "shop.example")
        for name in ("database", "backend-2"):
            self.web(name, TLS, pem)
        self.assertEqual(self.curl_name("shop.example", "database"), TIMED_OUT, "its address has no name yet")
        self.ask("shop.example")
        self.assertEqual(self.curl_name("shop.example", "database"), 0)
        self.assertEqual(self.curl_name("www.shop.example", "database"), 0, "what the alias stands for")
        known = json.loads(self.drywall("names", "-o", "json"))["names"]
        self.assertEqual({(one["name"], one["address"]) for one in known},
                         {(name, self.host("database").v4) for name in ("shop.example", "www.shop.example")})
        self.assertIn("www.shop.example", self.drywall("names"))
        self.assertEqual(self.curl_name("evil.example", "backend-2"), TIMED_OUT)
        self.ask("also-evil.example")
        self.assertIn(self.curl_name("also-evil.example", "database"), (35, RESET), "the same address by another name")
        self.assertGreaterEqual(drops(self.settled_stats())["name_denied"], 1)

    def test_names_are_learned_over_tcp_too(self):
        pem = layer7.certificate(self.folder, "shop.example")
        self.web("database", TLS, pem)
        self.ask("shop.example", tcp=True)
        self.assertEqual(self.curl_name("shop.example", "database"), 0)

    def test_without_tls_the_address_alone_has_the_name(self):
        self.web("database", WEB)
        self.ask("shop.example")
        self.assertEqual(self.curl(self.url("/"), host="frontend")[0], 0)


class OverABadWire(Layer7Case):
    """Segments are lost, doubled and come out of order, as between any two programs; none of that may cost an allowed request."""

    ALLOWED = ("action: Allow; protocol: TCP; destination: {ports: [8080]}; http: {methods: [GET, POST], paths: [{prefix: /shop}]}")

    def setUp(self) -> None:
        super().setUp()
        self.bad = BadWire(self.wire, self.host("backend-1"), seed=8)
        self.addCleanup(self.bad.stop)

    def test_allowed_requests_and_uploads_arrive_and_denied_ones_do_not(self):
        server = self.web()
        self.appliance.apply(requests(self.ALLOWED))
        upload = self.folder / "upload"
        upload.write_bytes(bytes(range(256)) * 4096)  # a megabyte
        pages = [f"/shop/{number}" for number in range(20)]
        code, out = self.curl(*map(self.url, pages), timeout=60)
        self.assertEqual((code, out.splitlines()), (0, [f"GET {page}" for page in pages]), "over one connection")
        for turn in range(3):
            self.assertEqual(self.curl("--data-binary", f"@{upload}", self.url(f"/shop/upload/{turn}"), timeout=60),
                             (0, f"POST /shop/upload/{turn}\n"))
        self.assertIn(self.curl(self.url("/admin"), timeout=10)[0], (RESET, TIMED_OUT))
        self.assertEqual([page for page in server.seen if not page.split()[1].startswith("/shop")], [])
        self.assertGreater(self.bad.spoiled, 100)
        died = {reason: packets for reason, packets in drops(self.settled_stats()).items() if packets}
        self.assertEqual([reason for reason in died if reason.startswith("inspect_") and reason != "inspect_limit"], [], died)
