"""drywall-gen's measuring commands: what they find of a wire whose limits are known, and of drywalld while its policies change."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.lab import generator, policies
from tests.lab.appliance import program

EXIT_BROKEN, EXIT_USAGE, EXIT_INVALID = 1, 2, 3
# A ring that gives back what is put in: it loses nothing, whatever this machine can do.
LOOP = "ports:\n- {name: a, device: net_ring0}\nrate: 20kpps\ndrain: 20ms\nstreams:\n- {name: s, from: a, to: a}\n"


class OnALoop(unittest.TestCase):
    def measured(self, command: str, *words, profile: str = LOOP) -> generator.Run:
        done = generator.run(*words, command=command, profile=profile)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(generator.trouble_with(done.report), [])
        self.assertEqual(done.report["command"], command)
        self.assertGreater(done.report["self_test"]["per_second"], 0)
        return done

    def test_ndr_ends_with_bounds_that_its_own_trials_bear_out(self):
        done = self.measured("ndr", "--repeats", "2", "-d", "20ms", "--short-trial", "10ms", "--trials", "1", "--width", "5%",
                             "--most", "200kpps")
        details = done.report["details"]
        self.assertEqual(len(details["searches"]), 2)
        for name in ("NDR", "PDR"):
            self.assertEqual(len(done.figure(name)["samples"]), 2)
        for search in details["searches"]:
            counting = [trial for trial in search["trials"] if trial["seconds"] == 0.02]
            for bounds in search["bounds"]:
                kept = [t["per_second"] for t in counting if t["lost"] + t["skipped"] <= bounds["loss_ratio"] * t["due"]]
                broke = [t["per_second"] for t in counting if t["lost"] + t["skipped"] > bounds["loss_ratio"] * t["due"]]
                if bounds["lower"] is not None:
                    self.assertIn(bounds["lower"], kept)
                if bounds["upper"] is not None:
                    self.assertEqual(bounds["upper"], min(broke))
                self.assertTrue(bounds["lower"] is not None or bounds["upper"] is not None)

    def test_what_the_generator_reaches_by_itself_is_called_its_own(self):
        done = self.measured("ndr", "--repeats", "1", "-d", "20ms", "--short-trial", "10ms", "--trials", "1", "--width", "20%")
        ceiling = done.report["self_test"]["per_second"]
        for figure in done.report["figures"]:
            self.assertEqual(figure["generator_limited"], figure["median"] * 1.2 > ceiling)

    def test_rate_and_latency_and_soak_have_their_figures(self):
        rate = self.measured("rate", "--repeats", "3", "-d", "100ms")
        self.assertEqual({len(figure["samples"]) for figure in rate.report["figures"]}, {3})
        self.assertEqual(rate.report["details"]["rate"], "20kpps")
        latency = self.measured("latency", "--rate", "50kpps", "--at", "20%,40%", "--repeats", "2", "-d", "50ms")
        self.assertEqual([trial["per_second"] for trial in latency.report["details"]["trials"]], [10000, 10000, 20000, 20000])
        self.assertGreater(latency.figure("latency p50 at 40%")["median"], 0)
        soak = self.measured("soak", "-d", "1s", "--interval", "200ms", "--rate", "10kpps")
        intervals = soak.report["details"]["intervals"]
        self.assertGreaterEqual(len(intervals), 3)
        self.assertLessEqual(sum(interval["sent"] for interval in intervals), soak.report["details"]["due"])
        self.assertEqual(intervals[0]["from_seconds"], 0)

    def test_connections_and_streams_are_searched_by_commands_of_their_own(self):
        connections = "ports:\n- {name: a, device: net_ring0}\n- {name: b, device: net_ring1}\nconnections:\n- {name: c, from: a, to: b}\n"
        refused = generator.run("--repeats", "1", command="ndr", profile=connections)
        self.assertEqual(refused.code, EXIT_INVALID, refused.err)
        self.assertIn("drywall-gen cps", refused.err)
        self.assertIn("the profile has none", generator.run("--repeats", "1", command="cps", profile=LOOP).err)

    def test_the_same_report_as_markdown_and_csv(self):
        with tempfile.TemporaryDirectory() as folder:
            profile = Path(folder) / "p.yaml"
            profile.write_text(LOOP)
            words = ["rate", "-f", profile, "--repeats", "1", "-d", "50ms"]
            markdown = subprocess.run([program("drywall-gen"), "-q", "-o", "markdown", *words], capture_output=True, text=True, check=True)
            self.assertIn("| loss ratio | 1 |", markdown.stdout)
            self.assertIn("| devices/0/device | net_ring0 |", markdown.stdout)
            csv = subprocess.run([program("drywall-gen"), "-q", "-o", "csv", *words], capture_output=True, text=True, check=True)
            lines = csv.stdout.splitlines()
            self.assertTrue(all(line.count(",") == lines[0].count(",") for line in lines), csv.stdout)
            self.assertEqual([line.split(",")[3] for line in lines[1:3]], ["sent", "loss ratio"])
            refused = subprocess.run([program("drywall-gen"), "-o", "csv", "run", "-f", profile], capture_output=True, text=True, check=False)
            self.assertEqual(refused.returncode, EXIT_USAGE)

    def test_what_a_search_can_not_set_is_refused_with_its_place(self):
        for more, says in (("rate: 1kpps", "a rate of its own"), ("packets: 5", "an end of its own"),
                           ("expect: deny", "no stream tells what is lost")):
            text = LOOP.replace("to: a}", f"to: a, {more}}}")
            done = generator.run("--repeats", "1", "-d", "20ms", command="ndr", profile=text)
            self.assertEqual(done.code, EXIT_INVALID, done.err)
            self.assertIn(says, done.err)
            self.assertIsNone(done.report)
        for words, says in ((("--least", "1Gbps"), "--least"), (("--width", "0%"), "--width"), (("--loss", "150%"), "--loss"),
                            (("--most", "1pps"), "--most"), (("--short-trial", "soon"), "--short-trial")):
            done = generator.run("--repeats", "1", *words, command="ndr", profile=LOOP)
            self.assertEqual(done.code, EXIT_INVALID, done.err)
            self.assertIn(says, done.err)
        self.assertEqual(generator.run(command="swap", profile=LOOP).code, EXIT_INVALID)


class Comparing(unittest.TestCase):
    def compared(self, before: dict, after: dict, *words) -> subprocess.CompletedProcess:
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in ("a.json", "b.json")]
            for file, report in zip(files, (before, after)):
                file.write_text(json.dumps(report))
            return subprocess.run([program("drywall-gen"), *words, "compare", *files], capture_output=True, text=True, check=False)

    def test_a_regression_beyond_the_noise_ends_with_1(self):
        report = generator.run("--repeats", "3", "-d", "50ms", command="rate", profile=LOOP).report
        self.assertEqual(self.compared(report, report).returncode, 0)
        worse = json.loads(json.dumps(report))
        for figure in worse["figures"]:
            if figure["name"] == "sent":
                figure["samples"] = [sample * 0.5 for sample in figure["samples"]]
        found = self.compared(report, worse, "-o", "json")
        self.assertEqual(found.returncode, EXIT_BROKEN, found.stdout)
        self.assertEqual([one["name"] for one in json.loads(found.stdout)["figures"] if one["change"] == "worse"], ["sent"])
        self.assertEqual(self.compared(worse, report).returncode, 0)
        worse["fingerprint"]["devices"][0]["device"] = "net_null0"
        self.assertIn("net_null0", self.compared(report, worse).stdout)

    def test_what_is_no_report_is_named(self):
        for bad in ({}, {"command": "rate"}, {"command": "rate", "fingerprint": {}, "figures": [{"name": "x"}]}):
            self.assertEqual(self.compared(bad, bad).returncode, EXIT_INVALID)


class Swaps:
    """Of an appliance between the generator's interfaces."""

    def profile(self, rate: str) -> str:
        streams = "".join(f"- {{name: {name}, from: left, to: right, expect: {expect}, flows: {{count: 20}}, "
                          f"ip: {{source: 10.77.0.11, destination: 10.77.0.21}}, udp: {{source-port: 1000-1999, destination-port: {port}}}}}\n"
                          for name, port, expect in (("open", 7000, "allow"), ("closed", 7001, "deny")))
        return generator.ports() + f"rate: {rate}\ndrain: 1s\nstreams:\n" + streams

    def test_swaps_lose_nothing_and_are_taken_back(self):
        with tempfile.TemporaryDirectory() as folder:
            files = []
            # Both allow what is open and deny what is closed, by other rules.
            for name, rules in (("a", ("action: Deny; protocol: UDP; destination: {ports: [7001]}", "action: Allow")),
                                ("b", ("action: Allow; protocol: UDP; destination: {ports: [7000]}", "action: Deny"))):
                files.append(Path(folder) / f"{name}.yaml")
                files[-1].write_text(policies.documents(policies.policy("swapped", "role == 'server'", *rules)))
            before = self.appliance.get("/v1/status").json
            done = generator.run("--appliance", self.appliance.socket, "--between", *files, "--swaps-per-second", "20", "--repeats", "2",
                                 "-d", "2s", "--strict", command="swap", namespace=self.bench.generator, profile=self.profile("2kpps"))
        self.assertEqual(done.code, 0, done.err + done.out)
        self.assertEqual(generator.trouble_with(done.report), [])
        self.assertGreaterEqual(done.report["details"]["swaps"], 10)
        for name in ("lost", "duplicated", "leaked", "judged by neither or both"):
            self.assertEqual(done.figure(f"{name} while swapping")["samples"], [0, 0], name)
        for kind in ("while swapping", "without swaps"):
            self.assertGreater(done.figure(f"longest gap of a flow {kind}")["median"], 0)
        self.assertEqual(done.figure("effective blocked time of a swap")["samples"], [0, 0])
        after = self.appliance.get("/v1/status").json
        self.assertGreater(after["generation"], before["generation"])
        self.assertEqual(after["resources"], before["resources"])


class ThroughTheAppliance(Swaps, generator.ThroughTheAppliance):
    def test_cps_ends_with_bounds_that_its_own_trials_bear_out(self):
        profile = generator.ports() + ("drain: 500ms\nconnections:\n- {name: c, from: left, to: right, concurrent: 500, "
                                       "ip: {source: 10.77.0.11, destination: 10.77.0.21}}\n")
        done = generator.run("--appliance", self.appliance.socket, "--repeats", "2", "-d", "200ms", "--short-trial", "100ms", "--trials", "1",
                             "--width", "20%", "--most", "400cps", command="cps", namespace=self.bench.generator, profile=profile)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(generator.trouble_with(done.report), [])
        self.assertEqual(done.report["self_test"]["unit"], "connections/s")
        self.assertGreater(done.report["self_test"]["per_second"], 0)
        found = done.figure("connections without failure")
        self.assertEqual((found["unit"], len(found["samples"])), ("connections/s", 2))
        self.assertGreater(found["greatest"], 0)
        for sample, search in zip(found["samples"], done.report["details"]["searches"]):
            kept = [t["per_second"] for t in search["trials"] if t["seconds"] == 0.2 and t["lost"] + t["skipped"] == 0]
            self.assertIn(sample, [*kept, 0])
        self.assertGreater(done.figure("latency p50 of connecting")["median"], 0)
        self.assertGreater(done.figure("latency p50 of an exchange")["median"], 0)

    def test_sets_that_are_alike_are_no_swap(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "a.yaml"
            file.write_text(policies.documents(policies.policy("swapped", "role == 'server'", "action: Allow")))
            done = generator.run("--appliance", self.appliance.socket, "--between", file, file, "--repeats", "1", "-d", "100ms",
                                 command="swap", namespace=self.bench.generator, profile=self.profile("1kpps"))
        self.assertEqual(done.code, EXIT_INVALID, done.err)
        self.assertIn("the same", done.err)


class ThroughAnApplianceThatKeepsFewGenerations(Swaps, generator.ThroughTheAppliance):
    """What was in force before is none of those it keeps when the swaps end."""

    ADJUST = staticmethod(lambda text: text.replace("state:\n", "state:\n  generations: 3\n"))


if __name__ == "__main__":
    unittest.main()
