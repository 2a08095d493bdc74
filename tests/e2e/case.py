"""What the e2e tests share: a wire with hosts, an appliance in its box, and questions asked of both."""

from __future__ import annotations

import json
import os
import sys
import time
import unittest

from tests.lab import policies, traffic
from tests.lab.appliance import Appliance, drops, has_af_xdp
from tests.lab.netns import LabError, clean_up_on_signals
from tests.lab.wire import LEFT, RIGHT, Host, Wire

clean_up_on_signals()

HOSTS = (  # name, segment, number, env, app
    ("frontend", LEFT, 11, "prod", "frontend"),
    ("backend-1", LEFT, 12, "prod", "backend"),
    ("backend-dev", LEFT, 13, "dev", "backend"),
    ("database", RIGHT, 21, "prod", "database"),
    ("backend-2", RIGHT, 22, "prod", "backend"),
    ("cache", RIGHT, 23, "prod", "cache"),
)
PORT = 8080


def wanted_drivers() -> list[str]:
    return os.environ.get("DRYWALL_DRIVERS", "net_af_packet net_af_xdp").split()


def on_every_driver(case: type) -> type:
    """The test case on AF_PACKET under its own name, and once more on AF_XDP."""
    twin = type(f"{case.__name__}OverAfXdp", (case,), {"driver": "net_af_xdp", "__module__": case.__module__})
    setattr(sys.modules[case.__module__], twin.__name__, twin)
    return case


def eventually(question, timeout: float = 10.0):
    """The first true answer, asked again and again until the deadline; otherwise the last one."""
    deadline = time.monotonic() + timeout
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


class WireCase(unittest.TestCase):
    """One wire and one appliance for all tests of a class; each test starts with the hosts' endpoints and no policy."""

    driver = "net_af_packet"
    extra = ""  # appended to drywall.yaml
    inside = outside = ""  # keys of its ports
    adjust = staticmethod(lambda text: text)  # what is to be said otherwise in drywall.yaml
    shares_an_appliance = True  # False: every test starts its own
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root, for network namespaces")
        if cls.driver not in wanted_drivers():
            raise unittest.SkipTest(f"{cls.driver} was not asked for (DRYWALL_DRIVERS)")
        if cls.driver == "net_af_xdp" and not has_af_xdp():
            raise unittest.SkipTest("this kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS)")
        cls.wire = Wire()
        cls.addClassCleanup(cls.wire.delete)
        for name, segment, number, env, app in HOSTS:
            cls.wire.host(name, segment, number, env=env, app=app)
        if cls.shares_an_appliance:
            cls.appliance = Appliance(cls.wire.box, driver=cls.driver, extra=cls.extra, inside=cls.inside,
                                      outside=cls.outside, adjust=cls.adjust)
            cls.addClassCleanup(cls.appliance.forget)
            cls.addClassCleanup(cls.appliance.stop)
            cls.appliance.start()

    def setUp(self) -> None:
        self.delete_everything()
        self.appliance.apply(self.endpoints())

    def tearDown(self) -> None:
        """Whatever the test did: no appliance has lost a packet out of its counts, whether it still runs or said its totals
        when it was stopped."""
        for appliance in Appliance.all_spawned():
            if appliance.running():
                self.assert_nothing_unaccounted(self.settled_stats(appliance))
            for received, transmitted, dropped in appliance.totals():
                self.assertEqual(received, transmitted + dropped, "rx = tx + drops, at its end")

    ALWAYS_THERE = {("Tier", "default"), ("Tier", "kube-admin"), ("Tier", "kube-baseline")}

    def delete_everything(self) -> None:
        items = [item for item in self.appliance.get("/v1/resources").json["items"]
                 if (item["kind"], item["metadata"]["name"]) not in self.ALWAYS_THERE]
        if items:
            answer = self.appliance.request(
                "POST", "/v1/delete?force=true", json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
            self.assertEqual(answer.status, 200, answer.text)

    def run(self, result=None):
        try:
            return super().run(result)
        finally:
            if result is not None and not result.wasSuccessful() and getattr(self, "appliance", None):
                print(f"drywalld's log:\n{self.appliance.log()[-4000:]}")

    @classmethod
    def endpoints(cls) -> str:
        return policies.documents(*(policies.workload(host) for host in cls.wire.hosts.values()))

    def host(self, name: str) -> Host:
        return self.wire.hosts[name]

    def serve(self, name: str, port: int = PORT, udp: bool = False) -> None:
        server = traffic.EchoServer(self.host(name).namespace, port, udp=udp)
        self.addCleanup(server.stop)

    def tcp(self, source: str, destination: str, port: int = PORT, family: int = 4, timeout: float = 2.0) -> str:
        return traffic.tcp(self.host(source).namespace, self.host(destination).address(family), port, timeout)

    def udp(self, source: str, destination: str, port: int = PORT, family: int = 4) -> str:
        return traffic.udp(self.host(source).namespace, self.host(destination).address(family), port)

    def ping(self, source: str, destination: str, family: int = 4) -> str:
        return traffic.ping(self.host(source).namespace, self.host(destination).address(family))

    def matrix(self, pairs, families=(4, 6)) -> dict[tuple[str, str, int], str]:
        """{(source, destination, family): what a TCP connection met}, all measured at once."""
        return traffic.all_at_once({
            (source, destination, family): (lambda s=source, d=destination, f=family: self.tcp(s, d, family=f))
            for source, destination in pairs for family in families})

    def settled_stats(self, appliance: Appliance | None = None) -> dict:
        """The counters when nothing moves any more: two looks that agree."""
        appliance = appliance or self.appliance
        seen = [appliance.stats()]

        def quiet() -> bool:
            time.sleep(0.05)
            seen.append(appliance.stats())
            return seen[-1]["received"] == seen[-2]["received"] and seen[-1]["judged"] == seen[-2]["judged"]

        self.assertTrue(eventually(quiet), "packets keep coming, though nobody sends")
        return seen[-1]

    def assert_nothing_unaccounted(self, stats: dict) -> None:
        """rx = tx + sum of drops, and every judged packet has its verdict counted. tearDown() asks it after each test; a test
        asks it itself of appliances that it ends, and in the middle."""
        received, transmitted = stats["received"]["packets"], stats["transmitted"]["packets"]
        forwarded = transmitted - stats["resets_sent"]
        self.assertEqual(received, forwarded + sum(drops(stats).values()), "rx = tx + drops")
        self.assertEqual(received, sum(port["received"]["packets"] for port in stats["ports"]))
        self.assertEqual(stats["judged"]["packets"],
                         stats["enforced_allowed"]["packets"] + stats["enforced_denied"]["packets"])
        # Those that no policy judges, and those that died before or after the judgement, are the rest.
        unjudged = sum(stats[key]["packets"] for key in ("non_ip_passed", "neighbour_discovery_passed", "related_passed",
                                                      "kept_passed", "reset_dropped"))
        early = sum(count for reason, count in drops(stats).items()
                    if reason not in ("policy_deny", "unmatched", "fragment_table_full", "half_open_limit", "source_limit",
                                      "flow_table_full", "egress_mtu", "tx_refused", "http_denied", "name_denied",
                                      "inspect_unreadable", "inspect_overlap", "inspect_limit"))
        self.assertEqual(received, stats["judged"]["packets"] + unjudged + early, "received = judged + passed by + died early")


__all__ = ["LabError", "WireCase", "eventually", "on_every_driver"]
