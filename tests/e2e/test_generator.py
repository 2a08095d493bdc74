"""drywall-gen against drywalld and against itself: what it says was sent, lost, denied and leaked is what others count."""

import os
import re
import struct
import tempfile
import unittest
from pathlib import Path

from tests.lab import generator, policies
from tests.lab.appliance import drops, rule
from tests.lab.frames import checksum
from tests.lab.generator import CLIENT, SERVER

CLOSED = policies.policy("server", "role == 'server'", "action: Deny; protocol: UDP; destination: {ports: [7001]}", "action: Allow")
EXIT_BROKEN, EXIT_USAGE, EXIT_INVALID, EXIT_DEVICE = 1, 2, 3, 4


def stream(name: str, port: int, more: str = "") -> str:
    return (f"- {{name: {name}, from: left, to: right, ip: {{source: 10.77.0.11, destination: 10.77.0.21}}, "
            f"udp: {{source-port: 1000-1999, destination-port: {port}}}{more}}}\n")


class ThroughTheAppliance(generator.ThroughTheAppliance):
    POLICIES = (CLOSED,)

    def run_gen(self, streams: str, *words, **options) -> generator.Run:
        done = generator.run("--appliance", self.appliance.socket, *words, namespace=self.bench.generator,
                             profile=generator.ports() + "rate: 4kpps\nduration: 1s\ndrain: 1s\nstreams:\n" + streams, **options)
        if done.report is not None:
            self.assertEqual(generator.trouble_with(done.report), [])
        return done

    def test_allowed_denied_and_lost_agree_with_the_appliances_counts(self):
        before = self.appliance.stats()
        done = self.run_gen(stream("open", 7000, ", expect: allow, weight: 2, size: imix") + stream("closed", 7001, ", expect: deny") +
                            stream("whatever", 7001), "--strict")
        self.assertEqual(done.code, 0, done.err + done.out)
        opened, closed, whatever = (done.stream(name) for name in ("open", "closed", "whatever"))
        self.assertEqual(done.report["offered"], 4000)
        self.assertEqual(done.report["offered"], done.report["sent"]["packets"] + done.report["skipped"])
        self.assertEqual(opened["received"], opened["sent"])
        self.assertEqual(opened["latency"]["count"], opened["sent"]["packets"])
        self.assertEqual((opened["duplicates"], opened["reordered"], opened["missing"]), (0, 0, 0))
        self.assertEqual((closed["received"]["packets"], closed["missing"]), (0, closed["sent"]["packets"]))
        counted = done.report["appliance"]
        self.assertEqual(counted["received"]["packets"], done.report["sent"]["packets"])
        self.assertEqual(counted["transmitted"]["packets"], opened["sent"]["packets"])
        self.assertEqual(counted["drops"], {"policy_deny": closed["sent"]["packets"] + whatever["sent"]["packets"]})
        self.assertEqual(counted["unexplained"], 0)
        self.assertEqual(done.report["outcome"], {
            "received": opened["sent"]["packets"], "lost": 0, "denied": closed["sent"]["packets"],
            "missing": whatever["sent"]["packets"], "leaked": 0, "connections_lost": 0, "connections_leaked": 0, "as_expected": True})
        after = self.appliance.stats()
        self.assertEqual(drops(after)["policy_deny"] - drops(before).get("policy_deny", 0), counted["drops"]["policy_deny"])
        self.assertIn(f"policy_deny {counted['drops']['policy_deny']}", done.out)
        self.assertIn("unexplained 0", done.out)

    def test_what_leaks_or_is_lost_breaks_a_strict_run_and_no_other(self):
        wrong = stream("leak", 7000, ", expect: deny") + stream("loss", 7001, ", expect: allow")
        done = self.run_gen(wrong, "--strict")
        self.assertEqual(done.code, EXIT_BROKEN, done.err)
        self.assertEqual(done.report["outcome"]["leaked"], done.stream("leak")["sent"]["packets"])
        self.assertEqual(done.report["outcome"]["lost"], done.stream("loss")["sent"]["packets"])
        self.assertRegex(done.out, r"(?m)^LOST: \d+ packets.*\nLEAKED: \d+ packets")
        self.assertEqual(self.run_gen(wrong).code, 0)

    def test_a_warm_up_counts_in_nothing(self):
        done = self.run_gen(stream("open", 7000, ", expect: allow"), "--warm-up", "500ms", "--strict")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.report["offered"], 4000)
        self.assertEqual(done.stream("open")["received"], done.stream("open")["sent"])
        self.assertEqual(done.report["appliance"]["received"], done.stream("open")["sent"]
                         | {"bytes": done.stream("open")["sent"]["bytes"] - 4 * done.stream("open")["sent"]["packets"]})

    def test_ctrl_c_ends_with_the_report(self):
        text = generator.ports() + "rate: 1kpps\nstreams:\n" + stream("open", 7000, ", expect: allow")
        done = generator.run("--strict", namespace=self.bench.generator, profile=text, interrupt_after=3)
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue(done.report["stopped"])
        self.assertGreater(done.stream("open")["sent"]["packets"], 0)
        self.assertEqual(done.stream("open")["received"], done.stream("open")["sent"])
        self.assertIn("stopped before its time", done.out)

    def run_connections(self, more: str, *words) -> generator.Run:
        done = generator.run("--appliance", self.appliance.socket, *words, namespace=self.bench.generator, profile=generator.ports() +
                             "duration: 2s\ndrain: 1s\nconnections:\n- {name: web, from: left, to: right, "
                             f"ip: {{source: 10.77.0.11, destination: 10.77.0.21}}, {more}}}\n")
        self.assertIsNotNone(done.report, done.err)
        self.assertEqual(generator.trouble_with(done.report), [])
        web, = done.report["connections"]
        self.assertEqual(web["opened"], sum(web[end] for end in (
            "completed", "refused", "timed_out", "reset", "failed", "open_at_end")))
        self.assertEqual(done.report["appliance"]["received"]["packets"],
                         sum(port["sent"]["packets"] for port in done.report["ports"]))
        return done

    def test_connections_cross_the_appliance_and_each_is_one_flow(self):
        opened = self.appliance.stats()["flows"]["opened"]
        done = self.run_connections("tcp: {destination-port: 8080}, rate: 200cps, count: 300, exchanges: 2, request: 2000, response: 9000, "
                                    "expect: allow", "--strict")
        self.assertEqual(done.code, 0, done.err + done.out)
        web, = done.report["connections"]
        self.assertEqual((web["opened"], web["established"], web["completed"], web["exchanges"]), (300, 300, 300, 600))
        self.assertEqual(web["connect_latency"]["count"], 300)
        self.assertEqual(done.report["appliance"]["drops"], {})
        self.assertGreater(done.report["seconds"], 1)
        self.assertAlmostEqual(web["established_per_second"], 300 / done.report["seconds"])
        self.assertEqual(self.appliance.stats()["flows"]["opened"] - opened, 300)
        self.assertRegex(done.out, r"(?m)^web +allow +300 +300 ")

    def test_denied_connections_time_out_and_none_is_established(self):
        self.appliance.apply(policies.policy("no-web", "role == 'server'", "action: Deny; protocol: TCP; destination: {ports: [8081]}",
                                             "action: Allow", order=50))
        self.addCleanup(self.appliance.delete, "globalnetworkpolicy", "no-web")
        done = self.run_connections("tcp: {destination-port: 8081}, rate: 100cps, count: 50, retransmit: 50ms, retries: 2, expect: deny",
                                    "--strict")
        self.assertEqual(done.code, 0, done.err)
        web, = done.report["connections"]
        self.assertEqual((web["opened"], web["timed_out"], web["established"], web["syn_retransmissions"]), (50, 50, 0, 100))
        self.assertEqual(done.report["appliance"]["drops"], {"policy_deny": 150})
        broken = self.run_connections("tcp: {destination-port: 8081}, rate: 100cps, count: 5, retransmit: 50ms, retries: 0, expect: allow",
                                      "--strict")
        self.assertEqual(broken.code, EXIT_BROKEN)
        self.assertEqual(broken.report["outcome"]["connections_lost"], 5)

    def test_traffic_for_the_rules_of_the_appliances_policies_meets_them(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "site.yaml"
            never = policies.policy("never", "role == 'server'", "action: Allow; protocol: UDP; destination: {ports: [7001]}", order=200)
            file.write_text(policies.documents(*(policies.workload(host) for host in (CLIENT, SERVER)), CLOSED, never))
            before = self.appliance.stats()
            done = generator.run("--appliance", self.appliance.socket, "--strict", namespace=self.bench.generator,
                                 profile=generator.ports() + "rate: 2kpps\nduration: 1s\ndrain: 1s\n"
                                 f"policies: {{files: [{file}], from: left, to: right, flows-per-rule: 8}}\n")
            self.assertEqual(done.code, 0, done.err + done.out)
        self.assertEqual(generator.trouble_with(done.report), [])
        unreached, = done.report["rules_without_traffic"]
        self.assertEqual(unreached["rule"], "default|gnp:never|allow|0 ingress")
        self.assertIn("shadowed by default|gnp:server|deny|0", unreached["why"])
        self.assertIn("no traffic for default|gnp:never|allow|0 ingress: shadowed by", done.err)
        denied = [stream for stream in done.report["streams"] if stream["expect"] == "deny"]
        self.assertGreater(len(done.report["streams"]), len(denied))
        sent = sum(stream["sent"]["packets"] for stream in denied)
        self.assertEqual(done.report["appliance"]["drops"], {"policy_deny": sent})
        self.assertEqual(done.report["appliance"]["unexplained"], 0)
        text = "default|gnp:server|deny|0"
        self.assertEqual([stream["name"] for stream in denied], [f"{text} ingress denied udp/4", f"{text} ingress denied udp/6"])
        self.assertEqual(rule(self.appliance.stats(), text)["enforced"]["packets"] - rule(before, text)["enforced"]["packets"], sent)

    def test_an_appliance_that_does_not_answer_is_named(self):
        done = generator.run("--appliance", "/nowhere/api.sock", "--port", "a=net_null0", "--packets", "1")
        self.assertEqual(done.code, EXIT_DEVICE)
        self.assertIn("can't reach drywalld at /nowhere/api.sock", done.err)


def packets_of(capture: Path) -> list[bytes]:
    data = capture.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    packets, at = [], 24
    while at < len(data):
        length, = struct.unpack(order + "I", data[at + 8:at + 12])
        packets.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return packets


class WithoutAnAppliance(unittest.TestCase):
    """On devices that need no root: net_pcap, net_ring, net_null."""

    def test_a_capture_holds_what_it_says_it_sent(self):
        with tempfile.TemporaryDirectory() as folder:
            capture = Path(folder) / "sent.pcap"
            done = generator.run("--port", f"a=net_pcap0,tx_pcap={capture},rx_pcap={self.empty_capture(folder)}", "--packets", "1000",
                                 "--flows", "7", "--source", "10.0.0.0/24", "--size", "imix", "--rate", "20kpps", "--drain", "0ms")
            self.assertEqual(done.code, 0, done.err)
            self.assertEqual(generator.trouble_with(done.report), [])
            sent, = done.report["streams"]
            packets = packets_of(capture)
            self.assertEqual(len(packets), 1000)
            self.assertEqual(sent["sent"], {"packets": 1000, "bytes": sum(len(packet) + 4 for packet in packets)})
            self.assertEqual(sorted({len(packet) + 4 for packet in packets}), [64, 594, 1518])
            self.assertEqual({packet[26:30] for packet in packets}, {bytes([10, 0, 0, i]) for i in range(7)})
            magics = {packet[-16:-12] for packet in packets}
            self.assertEqual(len(magics), 1)
            self.assertEqual([struct.unpack(">I", packet[-10:-6])[0] for packet in packets], list(range(1000)))
            times = [int.from_bytes(packet[-6:], "big") for packet in packets]
            self.assertEqual(times, sorted(times))
            for packet in packets:
                self.assertEqual(checksum(packet[14:34]), 0)
                pseudo = packet[26:34] + struct.pack(">HH", 17, len(packet) - 34)
                self.assertEqual(checksum(pseudo + packet[34:]), 0)

    @staticmethod
    def empty_capture(folder: str) -> Path:
        file = Path(folder) / "empty.pcap"
        file.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        return file

    def test_a_capture_is_replayed_rewritten_and_tracked(self):
        with tempfile.TemporaryDirectory() as folder:
            first, second = Path(folder) / "first.pcap", Path(folder) / "second.pcap"
            empty = self.empty_capture(folder)
            done = generator.run("--port", f"a=net_pcap0,tx_pcap={first},rx_pcap={empty}", "--packets", "50", "--source", "10.0.0.0/24",
                                 "--rate", "5kpps", "--drain", "0ms")
            self.assertEqual(done.code, 0, done.err)
            replay = (f"replay: {{file: {first}, loops: 3, signature: true, rewrite: {{vlan: 9, ports: [{{from: 7, to: 77}}], "
                      "addresses: [{from: 10.0.0.0/24, to: 10.9.9.0/24}]}}")
            done = generator.run(profile=f"ports: [{{name: a, device: 'net_pcap0,tx_pcap={second},rx_pcap={empty}'}}]\ndrain: 0ms\n"
                                         f"streams:\n- {{name: again, from: a, to: a, {replay}}}\n")
            self.assertEqual(done.code, 0, done.err)
            self.assertEqual(generator.trouble_with(done.report), [])
            before, after = packets_of(first), packets_of(second)
            self.assertEqual(len(after), 150)
            self.assertEqual(done.stream("again")["sent"]["packets"], 150)
            for number, packet in enumerate(after):
                was = before[number % 50]
                self.assertEqual(packet[12:18], bytes([0x81, 0, 0, 9, 8, 0]))
                self.assertEqual(packet[30:34], bytes([10, 9, 9]) + was[29:30])
                self.assertEqual(packet[40:42], struct.pack(">H", 77))
                self.assertEqual(struct.unpack(">I", packet[-10:-6])[0], number)
                self.assertEqual(checksum(packet[18:38]), 0)
                self.assertEqual(checksum(packet[30:38] + struct.pack(">HH", 17, len(packet) - 38) + packet[38:]), 0)

    def test_a_ring_gives_everything_back(self):
        done = generator.run("--port", "a=net_ring0", "--packets", "20000", "--rate", "100kpps", "--expect", "allow", "--strict")
        self.assertEqual(done.code, 0, done.err)
        sent, = done.report["streams"]
        self.assertEqual(sent["received"], sent["sent"])
        self.assertEqual(sent["sent"]["packets"], 20000)
        self.assertRegex(done.out, r"(?m)^a-a +a +a +allow +20000 +20000 +0 lost")

    def test_two_workers_send_and_receive_apart(self):
        cpus = sorted(os.sched_getaffinity(0))[:2]
        done = generator.run("--port", "a=net_ring0", "--packets", "20000", "--rate", "100kpps", "--expect", "allow", "--strict",
                             "--cores", f"{cpus[0]},{cpus[-1]}")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.report["fingerprint"]["cores"], [cpus[0], cpus[-1]])

    def test_the_hash_is_of_the_traffic_not_of_the_words(self):
        def hash_of(*words) -> str:
            return generator.run("--port", "a=net_null0", "--packets", "1", "--drain", "0ms", *words).report["fingerprint"]["profile_hash"]

        self.assertEqual(hash_of(), hash_of("--size", "64"))
        self.assertNotEqual(hash_of(), hash_of("--size", "65"))
        self.assertNotEqual(hash_of(), hash_of("--seed", "2"))

    def test_what_is_wrong_is_said_with_its_place_and_the_next_step(self):
        cases = (
            (EXIT_INVALID, (), "ports: [{name: a, device: net_null0}]\nstreams: [{from: a, to: b}]\n",
             r"p\.yaml:2:\d+: streams\[0\]\.to: port 'b' is not defined; defined ports are a"),
            (EXIT_INVALID, (), "ports: [{name: a, device: net_null0}]\nstreams:\n- {from: a, to: a, size: 63}\n",
             r"p\.yaml:3:26: streams\[0\]\.size can't be '63'; write bytes with FCS"),
            (EXIT_INVALID, (), "ports: [{name: a, device: net_null0}]\nstreams:\n- {from: a, to: a, tcp: {}}\n",
             r"a frame of 64 bytes is too small .*; the smallest size possible is 74"),
            (EXIT_INVALID, (), "ports: [{name: a, device: net_null0}]\nstreams: [{from: a, to: a, ratte: 1pps}]\n", "did you mean 'rate'"),
            (EXIT_INVALID, ("--port", "a"), None, r"--port can't be 'a'; write --port left=net_af_packet0,iface=eth1"),
            (EXIT_INVALID, ("--port", "a=net_null0", "--rate", "fast"), None, r"--rate can't be 'fast'; write 1Mpps"),
            (EXIT_INVALID, (), None, "there are no ports; give a profile"),
            (EXIT_DEVICE, ("--port", "a=net_af_packet0,iface=nowhere0"), None, "there is no kernel interface 'nowhere0'"),
            (EXIT_DEVICE, ("--port", "a=net_null0", "--cores", "999"), None, "worker core 999 is not there"),
            (EXIT_USAGE, ("--nonsense",), None, "--nonsense"),
        )
        for code, words, profile, message in cases:
            with self.subTest(message=message):
                done = generator.run(*words, profile=profile)
                self.assertEqual(done.code, code, done.err)
                self.assertTrue(re.search(message, done.err), done.err)
                self.assertIsNone(done.report)
