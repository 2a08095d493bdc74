"""The firewall module of Common Criteria (MOD_CPP_FW): one test per requirement, named by it, on the running appliance.

Frames are made byte by byte and enter where a segment's cable does. What passes has to leave as it came, bit for bit;
what does not has to be counted under exactly one reason. docs/security.md lists every requirement with its test.
"""

from __future__ import annotations

import itertools
import time

from tests.e2e.case import WireCase, eventually
from tests.lab import policies
from tests.lab.appliance import drops, has_af_xdp
from tests.lab.flood import Flood
from tests.lab.frames import (ACK, FIN, ICMP, ICMPV6, RST, SYN, TCP, UDP, datagram, ethernet, icmp, ipv4, ipv6,
                              pieces, routing, tcp, udp)
from tests.lab.stopped_thread import StoppedThread
from tests.lab.traffic import RawPort
from tests.lab.wire import LEFT, RIGHT

PASS, DENY, UNMATCHED = "pass", "policy_deny", "unmatched"
NO_SESSION = "tcp_mid_stream"  # the default of `posture: closed`
OTHER_SIDE = {LEFT: RIGHT, RIGHT: LEFT}
INSIDE_NETS = "[10.77.0.11/32, 10.77.0.12/32, 10.77.0.13/32, 'fd77::11/128', 'fd77::12/128', 'fd77::13/128']"


class Firewall(WireCase):
    # Without the kernel's hands in it: AF_PACKET would put IPv4 fragments together before the appliance sees them.
    driver = "net_af_xdp" if has_af_xdp() else "net_af_packet"
    extra = """\
posture: closed
addresses: strict
flows:
  half-open-limit: 8
  timeouts: {tcp-half-open: 1s, tcp-established: 2s, tcp-transitory: 1s, tcp-closed: 1s, udp: 1s,
             icmp: 1s, other: 1s}
"""
    numbers, sport = itertools.count(1), itertools.count(20000)  # never the same again, in no test of the class
    inside = f"sources: {INSIDE_NETS}"
    outside = f"not-sources: {INSIDE_NETS}"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        for host in cls.wire.hosts.values():  # names and addresses only: outcome() counts on nobody else sending
            host.namespace.ip("link set eth0 down")

    def setUp(self) -> None:
        super().setUp()
        self.ports = {side: RawPort(self.wire.segments[side], "up0") for side in (LEFT, RIGHT)}
        for port in self.ports.values():
            self.addCleanup(port.close)
        self.client, self.server = self.host("frontend"), self.host("cache")

    def marked(self, frame: bytes) -> bytes:
        """With a MAC address of its own as the source, to nobody."""
        return b"\x02\0\0\0\xee\xee" + b"\x06" + next(self.numbers).to_bytes(5, "big") + frame[12:]

    def outcome(self, frame: bytes, enter: str = LEFT) -> str:
        """What becomes of one frame: exactly one thing."""
        frame = self.marked(frame)
        before = self.appliance.stats()
        self.ports[enter].send(frame)

        def done() -> dict | None:
            now = self.appliance.stats()
            gone = now["transmitted"]["packets"] + sum(drops(now).values())
            return now if before["received"]["packets"] < now["received"]["packets"] == gone else None

        now = eventually(done, 5)
        self.assertTrue(now, "the frame is not accounted for")
        died = {reason: count - drops(before).get(reason, 0) for reason, count in drops(now).items()
                if count != drops(before).get(reason, 0)}
        arrived = self.ports[OTHER_SIDE[enter]].receive(lambda got: got[6:12] == frame[6:12], 0.02 if died else 3)
        if not died:
            self.assertEqual(arrived, frame, "what passes leaves as it came")
            return PASS
        self.assertIsNone(arrived, f"counted as dropped, {died}, and passed nevertheless")
        self.assertEqual(list(died.values()), [1])
        return next(iter(died))

    def ends(self, family: int) -> tuple[str, str]:
        return self.client.address(family), self.server.address(family)

    def udp_frame(self, family: int, sport: int | None = None, dport: int = 53, payload: bytes = b"data", **fields) -> bytes:
        a, b = self.ends(family)
        return datagram(a, b, UDP, udp(a, b, sport or next(self.sport), dport, payload), **fields)

    def tcp_frame(self, family: int, sport: int, flags: int, seq: int = 0, ack: int = 0, back: bool = False,
                  payload: bytes = b"", dport: int = 8080, window: int = 1000) -> bytes:
        a, b = self.ends(family)
        if back:
            return datagram(b, a, TCP, tcp(b, a, dport, sport, flags, payload, seq=seq, ack=ack, window=window))
        return datagram(a, b, TCP, tcp(a, b, sport, dport, flags, payload, seq=seq, ack=ack, window=window))

    def rules(self, *rules: str) -> None:
        self.appliance.apply(policies.policy("server", "app == 'cache'", *rules))


class Initialisation(Firewall):
    """FFW_RUL_EXT.1.1: no packet passes before the rules are in force, and they hold when something fails or is too much."""

    def setUp(self) -> None:
        super().setUp()
        self.rules("action: Allow; protocol: UDP; destination: {ports: [53]}", policies.DENY)
        self.permitted = [self.udp_frame(family, 4000) for family in (4, 6)]
        self.denied = [frame for family in (4, 6) for frame in
                       (self.udp_frame(family, 4000, 54), self.tcp_frame(family, 4000, SYN, dport=22))]
        self.addCleanup(lambda: self.appliance.running() or self.appliance.start())

    def flood(self) -> Flood:
        return Flood((self.wire.segments[LEFT], "up0"), (self.wire.segments[RIGHT], "up0"), *self.permitted, *self.denied)

    def wait_for_more(self, flood: Flood) -> None:
        """Until the flood has gone on for a while."""
        sent = flood.sent
        self.assertTrue(eventually(lambda: flood.sent > sent + 300, 10))

    def assert_nothing_passes(self, flood: Flood) -> None:
        self.wait_for_more(flood)  # what was on its way has arrived
        before = flood.arrived.copy()
        self.wait_for_more(flood)
        self.assertEqual(flood.arrived, before, "nobody judges")

    def wait_until_permitted_packets_pass(self, flood: Flood) -> None:
        before = flood.arrived.copy()
        self.assertTrue(eventually(lambda: all(flood.arrived[frame] > before[frame] for frame in self.permitted)), "none passes")

    def test_FFW_RUL_EXT_1_1_no_packet_passes_before_the_rules_are_in_force_nor_after_the_end(self):
        self.appliance.stop()
        with self.flood() as flood:
            self.assert_nothing_passes(flood)
            for end in (self.appliance.stop, self.appliance.kill):
                before = flood.arrived.total()
                self.appliance.start()
                self.wait_until_permitted_packets_pass(flood)
                flood.paused = True
                allowed = self.settled_stats()["enforced_allowed"]["packets"]
                self.assertLessEqual(flood.arrived.total() - before, allowed, "one passed unjudged")
                flood.paused = False
                end()
                self.assert_nothing_passes(flood)
        self.assertEqual([flood.arrived[frame] for frame in self.denied], [0] * len(self.denied))

    def test_FFW_RUL_EXT_1_1_the_rules_hold_while_a_component_fails(self):
        threads = {thread["Name"]: int(tid) for tid, thread in self.appliance.threads().items()}
        with self.flood() as flood:
            self.wait_until_permitted_packets_pass(flood)
            with StoppedThread(threads["worker-0"]):
                self.assert_nothing_passes(flood)
            self.wait_until_permitted_packets_pass(flood)
            with StoppedThread(threads["stats"]):
                self.wait_for_more(flood)
                self.wait_until_permitted_packets_pass(flood)
        self.assertEqual([flood.arrived[frame] for frame in self.denied], [0] * len(self.denied))

    def test_FFW_RUL_EXT_1_1_the_rules_hold_when_there_is_more_than_can_be_judged(self):
        worker = next(int(tid) for tid, thread in self.appliance.threads().items() if thread["Name"] == "worker-0")
        before, more = self.settled_stats()["received"]["packets"], 3000
        with self.flood() as flood:
            self.wait_until_permitted_packets_pass(flood)
            with StoppedThread(worker):
                for _ in range(more):
                    for frame in self.denied:
                        self.ports[LEFT].send(frame)
            self.wait_until_permitted_packets_pass(flood)
            self.wait_for_more(flood)
        stats = self.settled_stats()
        self.assertLess(stats["received"]["packets"] - before, flood.sent + more * len(self.denied), "the queue ran over")
        self.assertGreater(drops(stats).get(DENY, 0), 0)
        self.assertEqual([flood.arrived[frame] for frame in self.denied], [0] * len(self.denied))


class StatefulFiltering(Firewall):
    """FFW_RUL_EXT.1.2 to 1.5, 1.8 and 1.9."""

    def test_FFW_RUL_EXT_1_2_icmp_by_type_and_code(self):
        for family in (4, 6):
            a, b = self.ends(family)
            # Messages that are no errors: those need a connection too. Router advertisement, router renumbering.
            number, name, kind, code, other = (ICMP, "ICMP", 9, 16, 10) if family == 4 else (ICMPV6, "ICMPv6", 138, 1, 139)
            self.rules(f"action: Deny; protocol: {name}; icmp: {{type: {kind}, code: {code}}}",
                       f"action: Allow; protocol: {name}; icmp: {{type: {kind}}}")
            for sent, expected in ((code, DENY), (0, PASS)):
                self.assertEqual(self.outcome(datagram(a, b, number, icmp(a, b, kind, sent, bytes(12)))), expected)
            self.assertEqual(self.outcome(datagram(a, b, number, icmp(a, b, other, 0, bytes(12)))), DENY)

    def test_FFW_RUL_EXT_1_2_icmp_errors_need_a_connection(self):
        for family in (4, 6):
            a, b = self.ends(family)
            number, name, unreachable = (ICMP, "ICMP", 3) if family == 4 else (ICMPV6, "ICMPv6", 1)
            self.rules(f"action: Allow; protocol: {name}")
            self.assertEqual(self.outcome(datagram(a, b, number, icmp(a, b, unreachable, 0, bytes(12)))), "icmp_unrelated")

    def test_FFW_RUL_EXT_1_2_addresses_and_protocol(self):
        for family in (4, 6):
            a, b = self.ends(family)
            width = 32 if family == 4 else 128
            for rule, expected in ((f"source: {{nets: ['{a}/{width}']}}", PASS), (f"source: {{notNets: ['{a}/{width}']}}", DENY),
                                   (f"destination: {{nets: ['{b}/{width}']}}", PASS),
                                   (f"destination: {{notNets: ['{b}/{width}']}}", DENY),
                                   ("protocol: UDP", PASS), ("protocol: TCP", DENY), ("protocol: 17", PASS)):
                self.rules(f"action: Allow; {rule}")
                self.assertEqual(self.outcome(self.udp_frame(family)), expected, rule)
            self.rules("action: Allow; protocol: 47")
            self.assertEqual(self.outcome(datagram(a, b, 47, bytes(8))), PASS)
            self.assertEqual(self.outcome(datagram(a, b, 50, bytes(8))), DENY)

    def test_FFW_RUL_EXT_1_2_ports(self):
        for family in (4, 6):
            for protocol in ("UDP", "TCP"):
                for rule, expected in (("source: {ports: [4000]}", PASS), ("source: {ports: [4001]}", DENY),
                                       ("destination: {ports: [53]}", PASS), ("destination: {ports: ['54:60']}", DENY),
                                       ("destination: {notPorts: [53]}", DENY)):
                    self.rules(f"action: Allow; protocol: {protocol}; {rule}")
                    frame = (self.udp_frame(family, 4000) if protocol == "UDP"
                             else self.tcp_frame(family, 4000, SYN, dport=53))
                    self.assertEqual(self.outcome(frame), expected, f"{protocol} {rule}")
                    self.forget_connections()

    def forget_connections(self) -> None:
        """Connections that a rule allowed would be judged again; this asks for new ones."""
        self.appliance.apply(policies.policy("server", "app == 'cache'", policies.DENY))
        for family in (4, 6):
            self.outcome(self.udp_frame(family, 4000))
            self.outcome(self.tcp_frame(family, 4000, SYN, dport=53))

    def test_FFW_RUL_EXT_1_3_permit_drop_and_log(self):
        for family in (4, 6):
            self.rules("action: Log; protocol: UDP", "action: Allow; protocol: UDP; destination: {ports: [53]}", policies.DENY)
            for port, expected in ((53, PASS), (54, DENY)):
                sport = next(self.sport)
                self.assertEqual(self.outcome(self.udp_frame(family, sport, port)), expected)
                wanted = {"source_ip": self.client.address(family), "dest_ip": self.server.address(family), "dest_port": port,
                          "action": "allow" if expected == PASS else "deny"}
                self.assertTrue(eventually(lambda w=wanted: any(
                    all(flow.get(key) == value for key, value in w.items())
                    for flow in self.appliance.get("/v1/flows?limit=10000").json["flows"])), wanted)

    def test_FFW_RUL_EXT_1_4_rules_of_each_interface(self):
        for family in (4, 6):
            hep = (f"{policies.API}\nkind: HostEndpoint\nmetadata: {{name: door, labels: {{door: inside}}}}\n"
                   "spec: {node: wire, interfaceName: inside}\n")
            closed = policies.policy("door", "door == 'inside'", policies.DENY).replace(
                "spec:", "spec:\n  applyOnForward: true", 1)
            self.rules(policies.ALLOW)
            self.assertEqual(self.outcome(self.udp_frame(family)), PASS)
            self.appliance.apply(policies.documents(hep, closed))
            self.assertEqual(self.outcome(self.udp_frame(family)), DENY)
            self.appliance.delete("globalnetworkpolicy", "door")
            self.appliance.delete("hostendpoint", "door")

    def established(self, family: int) -> int:
        """A TCP connection after its handshake; the client's port. Next numbers: client 101, server 501."""
        self.guarded_client("action: Allow; protocol: TCP; destination: {ports: [8080]}")
        sport = next(self.sport)
        self.assertEqual(self.outcome(self.tcp_frame(family, sport, SYN, 100)), PASS)
        self.assertEqual(self.outcome(self.tcp_frame(family, sport, SYN | ACK, 500, 101, back=True), RIGHT), PASS)
        self.assertEqual(self.outcome(self.tcp_frame(family, sport, ACK, 101, 501)), PASS)
        return sport

    def test_FFW_RUL_EXT_1_5_tcp_sessions_by_each_attribute(self):
        for family in (4, 6):
            sport = self.established(family)
            a, b = self.ends(family)

            def answer(source=b, destination=a, to=sport, port=8080, protocol=TCP, flags=ACK) -> bytes:
                if protocol == UDP:
                    return datagram(source, destination, UDP, udp(source, destination, port, to))
                return datagram(source, destination, TCP,
                                tcp(source, destination, port, to, flags, b"x", seq=501, ack=101, window=1000))

            self.assertEqual(self.outcome(answer(), RIGHT), PASS)
            other = self.host("database").address(family)
            third = self.host("backend-1").address(family)
            self.appliance.apply(policies.policy("third", "app == 'backend'", policies.DENY))
            self.assertEqual(self.outcome(answer(protocol=UDP), RIGHT), DENY)
            for altered in ({"source": other}, {"destination": third}, {"to": 19999}, {"port": 8081}):
                self.assertEqual(self.outcome(answer(**altered), RIGHT), NO_SESSION, altered)
                self.assertEqual(self.outcome(answer(**altered, flags=SYN), RIGHT), DENY, "what asks for a session is judged")

    def test_FFW_RUL_EXT_1_5_tcp_sessions_by_sequence_numbers_and_flags(self):
        for family in (4, 6):
            sport = self.established(family)
            far = self.tcp_frame(family, sport, ACK, 501 + 10**6, 101, back=True, payload=b"blind")
            self.assertEqual(self.outcome(far, RIGHT), "tcp_window")
            reset = self.tcp_frame(family, sport, RST, 501 + 10**6, 0, back=True)
            self.assertIn(self.outcome(reset, RIGHT), ("tcp_reset", "tcp_window"))
            self.assertEqual(self.outcome(self.tcp_frame(family, sport, SYN | FIN, 101, 501)), "tcp_flags")
            honest = self.tcp_frame(family, sport, ACK, 501, 101, back=True, payload=b"honest")
            self.assertEqual(self.outcome(honest, RIGHT), PASS)

    def test_FFW_RUL_EXT_1_5_a_session_that_was_reset_or_closed_lets_nothing_pass(self):
        for family in (4, 6):
            sport = self.established(family)
            self.assertEqual(self.outcome(self.tcp_frame(family, sport, RST, 101)), PASS)
            self.assertTrue(eventually(lambda s=sport, f=family: self.outcome(
                self.tcp_frame(f, s, ACK, 501, 101, back=True, payload=b"late"), RIGHT) != PASS, 5))
            sport = self.established(family)
            for frame, side in ((self.tcp_frame(family, sport, FIN | ACK, 101, 501), LEFT),
                                (self.tcp_frame(family, sport, FIN | ACK, 501, 102, back=True), RIGHT),
                                (self.tcp_frame(family, sport, ACK, 102, 502), LEFT)):
                self.assertEqual(self.outcome(frame, side), PASS)
            self.assertNotEqual(self.outcome(
                self.tcp_frame(family, sport, ACK, 502 + 5000, 102, back=True, payload=b"late"), RIGHT), PASS)

    def guarded_client(self, *rules: str) -> None:
        """The server takes what the rules say; to the client nothing passes that is not of a session."""
        self.rules(*rules)
        self.appliance.apply(policies.policy("client", "app == 'frontend'", policies.DENY))

    def wait_for_silence(self) -> None:
        self.assertTrue(eventually(lambda: self.appliance.stats()["flows"]["live"] == 0, 8), "the sessions' time is over")

    def test_FFW_RUL_EXT_1_5_tcp_sessions_end_with_their_time(self):
        for family in (4, 6):
            sport = self.established(family)
            late = self.tcp_frame(family, sport, ACK, 501, 101, back=True, payload=b"late")
            self.assertEqual(self.outcome(late, RIGHT), PASS)
            self.wait_for_silence()
            self.assertEqual(self.outcome(late, RIGHT), NO_SESSION)
            sport = next(self.sport)
            self.assertEqual(self.outcome(self.tcp_frame(family, sport, SYN, 100)), PASS)
            self.wait_for_silence()
            answer = self.tcp_frame(family, sport, SYN | ACK, 500, 101, back=True)
            self.assertEqual(self.outcome(answer, RIGHT), NO_SESSION, "the handshake was not completed in time")

    def test_FFW_RUL_EXT_1_5_udp_sessions_by_each_attribute(self):
        for family in (4, 6):
            self.guarded_client("action: Allow; protocol: UDP; destination: {ports: [53]}")
            self.appliance.apply(policies.policy("third", "app == 'backend'", policies.DENY))
            a, b = self.ends(family)
            other, third = self.host("database").address(family), self.host("backend-1").address(family)
            sport = next(self.sport)

            def answer(source=b, destination=a, port=53, to=sport) -> bytes:
                return datagram(source, destination, UDP, udp(source, destination, port, to))

            def asked() -> None:
                self.assertEqual(self.outcome(self.udp_frame(family, sport)), PASS)
                self.assertEqual(self.outcome(answer(), RIGHT), PASS)

            segment = datagram(b, a, TCP, tcp(b, a, 53, sport, SYN))
            for frame in (answer(source=other), answer(destination=third), answer(port=54), answer(to=19999), segment):
                asked()
                self.assertEqual(self.outcome(frame, RIGHT), DENY, frame.hex())

    def test_FFW_RUL_EXT_1_5_udp_sessions_end_with_their_time(self):
        for family in (4, 6):
            self.guarded_client("action: Allow; protocol: UDP; destination: {ports: [53]}")
            a, b = self.ends(family)
            sport = next(self.sport)
            answer = datagram(b, a, UDP, udp(b, a, 53, sport))
            self.assertEqual(self.outcome(answer, RIGHT), DENY)
            self.assertEqual(self.outcome(self.udp_frame(family, sport)), PASS)
            self.assertEqual(self.outcome(answer, RIGHT), PASS)
            self.wait_for_silence()
            self.assertEqual(self.outcome(answer, RIGHT), DENY)

    ECHO = {4: (ICMP, "ICMP", 8, 0), 6: (ICMPV6, "ICMPv6", 128, 129)}

    def echo(self, family: int, ident: int, kind: int, source: str, destination: str) -> bytes:
        number = self.ECHO[family][0]
        return datagram(source, destination, number,
                        icmp(source, destination, kind, 0, ident.to_bytes(2, "big") + b"\0\1echo"))

    def test_FFW_RUL_EXT_1_5_icmp_sessions_by_each_attribute(self):
        for family in (4, 6):
            _, name, request, reply = self.ECHO[family]
            self.guarded_client(f"action: Allow; protocol: {name}; icmp: {{type: {request}}}")
            self.appliance.apply(policies.policy("third", "app == 'backend'", policies.DENY))
            a, b = self.ends(family)
            other, third = self.host("database").address(family), self.host("backend-1").address(family)
            ident = next(self.sport)
            for title, frame in (("identifier", self.echo(family, ident + 5000, reply, b, a)),
                                 ("source", self.echo(family, ident, reply, other, a)),
                                 ("destination", self.echo(family, ident, reply, b, third)),
                                 ("type", self.echo(family, ident, request, b, a))):
                self.assertEqual(self.outcome(self.echo(family, ident, request, a, b)), PASS)
                self.assertEqual(self.outcome(self.echo(family, ident, reply, b, a), RIGHT), PASS)
                self.assertEqual(self.outcome(frame, RIGHT), DENY, f"another {title}, IPv{family}")

    def test_FFW_RUL_EXT_1_5_icmp_sessions_end_with_their_time(self):
        for family in (4, 6):
            _, name, request, reply = self.ECHO[family]
            self.guarded_client(f"action: Allow; protocol: {name}; icmp: {{type: {request}}}")
            a, b = self.ends(family)
            ident = next(self.sport)
            answer = self.echo(family, ident, reply, b, a)
            self.assertEqual(self.outcome(answer, RIGHT), DENY, "nobody asked")
            self.assertEqual(self.outcome(self.echo(family, ident, request, a, b)), PASS)
            self.assertEqual(self.outcome(answer, RIGHT), PASS)
            self.wait_for_silence()
            self.assertEqual(self.outcome(answer, RIGHT), DENY)

    def test_FFW_RUL_EXT_1_8_rules_in_the_administrators_order(self):
        for family in (4, 6):
            for rules, expected in (
                    (("action: Allow; protocol: UDP", "action: Deny; protocol: UDP"), PASS),
                    (("action: Deny; protocol: UDP", "action: Allow; protocol: UDP"), DENY),
                    (("action: Allow; protocol: UDP; destination: {ports: [53]}", "action: Deny; protocol: UDP"), PASS),
                    (("action: Deny; protocol: UDP", "action: Allow; protocol: UDP; destination: {ports: [53]}"), DENY)):
                self.rules(*rules)
                self.assertEqual(self.outcome(self.udp_frame(family)), expected, rules)

    def test_FFW_RUL_EXT_1_9_what_no_rule_matches_is_denied(self):
        for family in (4, 6):
            self.rules("action: Allow; protocol: TCP")
            self.assertEqual(self.outcome(self.udp_frame(family)), DENY)
            self.delete_everything()
            self.assertEqual(self.outcome(self.udp_frame(family)), UNMATCHED)
            self.appliance.apply(self.endpoints())


class FragmentsInTime(Firewall):
    """FFW_RUL_EXT.1.6: what is not complete in time can't be put together any more."""

    extra = Firewall.extra.replace("{tcp-half-open: 1s,", "{fragment: 3s, tcp-half-open: 1s,")

    def test_FFW_RUL_EXT_1_6_fragments_that_are_not_complete_in_time(self):
        self.assertIn("fragment: 3s", self.extra)
        self.appliance.apply(policies.safety_net())
        for family in (4, 6):
            a, b = self.ends(family)
            whole = udp(a, b, next(self.sport), 53, b"q" * 92)
            parts = ((0, 40, True), (40, 80, True), (80, 100, False))
            for part in pieces(a, b, UDP, whole, *parts, ident=300 + family):
                self.assertEqual(self.outcome(part), PASS, "in time")
            first, middle, last = pieces(a, b, UDP, whole, *parts, ident=400 + family)
            self.assertEqual(self.outcome(first), PASS)
            time.sleep(3.2)  # and for as long again it is known why
            for late in (last, middle):
                self.assertEqual(self.outcome(late), "fragment_timeout")


class AlwaysDropped(Firewall):
    """FFW_RUL_EXT.1.6, 1.7 and FDP_RIP.2: with a policy that allows everything."""

    def setUp(self) -> None:
        super().setUp()
        self.appliance.apply(policies.safety_net())

    def test_FFW_RUL_EXT_1_6_invalid_fragments(self):
        for family in (4, 6):
            a, b = self.ends(family)
            whole = udp(a, b, next(self.sport), 53, b"q" * 92)
            first, middle, overlap, last = pieces(a, b, UDP, whole, (0, 40, True), (40, 80, True), (32, 72, True),
                                                  (80, 100, False), ident=100 + family)
            self.assertEqual(self.outcome(middle), "fragment_unknown")
            self.assertEqual(self.outcome(first), PASS)
            self.assertEqual(self.outcome(middle), PASS)
            self.assertEqual(self.outcome(middle), "fragment_duplicate")
            self.assertEqual(self.outcome(overlap), "fragment_overlap")
            self.assertEqual(self.outcome(last), "fragment_overlap")
            (far,) = pieces(a, b, UDP, b"x" * 65592, (65528, 65592, False))
            self.assertEqual(self.outcome(far), "fragment_oversize")
            (tiny,) = pieces(a, b, TCP, tcp(a, b, 1, 2, SYN), (0, 8, True))
            self.assertEqual(self.outcome(tiny), "fragment_tiny" if family == 4 else "fragment_headers")

    def test_FFW_RUL_EXT_1_6_sources_and_destinations_that_cannot_be(self):
        a, b = self.ends(4)
        for source in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"):
            self.assertEqual(self.outcome(datagram(source, b, UDP, udp(source, b, 1, 53))), "address_invalid", source)
        for destination in ("0.0.0.0", "127.0.0.1", "240.0.0.1"):
            self.assertEqual(self.outcome(datagram(a, destination, UDP, udp(a, destination, 1, 53))), "address_invalid",
                             destination)
        a, b = self.ends(6)
        for source in ("::", "::1", "ff02::1", "4000::1", "::ffff:10.0.0.1"):
            self.assertEqual(self.outcome(datagram(source, b, UDP, udp(source, b, 1, 53))), "address_invalid", source)
        for destination in ("::", "::1", "4000::1"):
            self.assertEqual(self.outcome(datagram(a, destination, UDP, udp(a, destination, 1, 53))), "address_invalid",
                             destination)

    def test_FFW_RUL_EXT_1_6_source_routes_and_record_routes(self):
        a, b = self.ends(4)
        for kind in (7, 131, 137):
            frame = datagram(a, b, UDP, udp(a, b, 1, 53), options=bytes([kind, 7, 4, 10, 77, 0, 1]))
            self.assertEqual(self.outcome(frame), "ip_option", kind)
        a, b = self.ends(6)
        frame = datagram(a, b, 43, routing(UDP, 0) + udp(a, b, 1, 53))
        self.assertEqual(self.outcome(frame), "ip_option")

    def test_FFW_RUL_EXT_1_7_link_local_addresses(self):
        a, b = self.ends(4)
        self.assertEqual(self.outcome(datagram("169.254.0.1", b, UDP, udp("169.254.0.1", b, 1, 53))), "address_invalid")
        self.assertEqual(self.outcome(datagram(a, "169.254.0.1", UDP, udp(a, "169.254.0.1", 1, 53))), "address_invalid")
        a, b = self.ends(6)
        self.assertEqual(self.outcome(datagram("fe80::1", b, UDP, udp("fe80::1", b, 1, 53))), "address_invalid")
        self.assertEqual(self.outcome(datagram(a, "fe80::1", UDP, udp(a, "fe80::1", 1, 53))), "address_invalid")

    def test_FFW_RUL_EXT_1_7_sources_that_do_not_belong_behind_the_port(self):
        for family in (4, 6):
            a, b = self.ends(family)
            outsider = self.host("database").address(family)
            self.assertEqual(self.outcome(datagram(outsider, b, UDP, udp(outsider, b, 1, 53))), "spoofed")
            self.assertEqual(self.outcome(datagram(a, b, UDP, udp(a, b, 1, 53)), RIGHT), "spoofed")
            self.assertEqual(self.outcome(self.udp_frame(family)), PASS)

    def test_FDP_RIP_2_nothing_of_another_packet_leaves_with_one(self):
        for family in (4, 6):
            a, b = self.ends(family)
            for size in (0, 1, 5, 300, 0, 17, 1400, 0):
                packet = udp(a, b, next(self.sport), 53, b"\xa5" * size)
                packet = ipv4(a, b, UDP, packet) if family == 4 else ipv6(a, b, UDP, packet)
                self.assertEqual(self.outcome(ethernet(packet, 0x0800 if family == 4 else 0x86DD)), PASS)


class HalfOpen(Firewall):
    """FFW_RUL_EXT.1.10."""

    def test_FFW_RUL_EXT_1_10_half_open_connections_are_limited(self):
        limit, beyond = 8, 4
        for family in (4, 6):
            self.rules("action: Allow; protocol: TCP")
            self.assertTrue(eventually(lambda: self.appliance.stats()["flows"]["half_open"] == 0, 5))
            outcomes = [self.outcome(self.tcp_frame(family, next(self.sport), SYN, 1000)) for _ in range(limit + beyond)]
            self.assertEqual(outcomes, [PASS] * limit + ["half_open_limit"] * beyond)
            self.assertEqual(self.appliance.stats()["flows"]["half_open"], limit)
            self.assertTrue(eventually(lambda: self.appliance.stats()["flows"]["half_open"] == 0, 5), "1 s without an answer")
            self.assertEqual(self.outcome(self.tcp_frame(family, next(self.sport), SYN, 1000)), PASS)
