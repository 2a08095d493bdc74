"""The lab's cheapest questions, for a moment: is the report right? How fast anything was is nobody's business here."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from jsonschema import Draft202012Validator

from perf.lab import tables
from perf.lab.__main__ import DOCUMENT, QUESTIONS
from perf.lab.forwarding import FLOOR, STATEFUL, STATELESS
from perf.lab.layer7 import BRIDGE, BUSY, DRYWALL_PACKET, DRYWALL_XDP, NGINX
from perf.lab.swapping import STILL, SWAPPING
from tests.lab.appliance import ROOT

SCHEMA = json.loads((ROOT / "docs" / "bench-report.schema.json").read_text())
ASKED = ("forwarding", "swap", "swapping", "layer7")
ROUNDS = 2
# Where the programs at both ends are installed, which scripts/setup --bench does.
WEB = (DRYWALL_PACKET, BUSY, DRYWALL_XDP, NGINX, BRIDGE) if shutil.which("nginx") and shutil.which("wrk") else ()


class Smoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root, for devices and pinned cores")
        before = DOCUMENT.read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            file, scratch = Path(folder) / "report.json", Path(folder) / "scratch"
            scratch.mkdir()
            words = [word for name in ASKED for word in ("--only", name)]
            cls.done = subprocess.run([sys.executable, "-B", "-m", "perf.lab", "--scale", "tiny", *words, "--no-write", "-o", file],
                                      cwd=ROOT, env={**os.environ, "TMPDIR": str(scratch)}, capture_output=True, text=True, timeout=240, check=False)
            cls.report = json.loads(file.read_text()) if file.exists() else None
            cls.left = [entry.name for entry in scratch.iterdir()]
        cls.document_changed = DOCUMENT.read_bytes() != before

    def rows(self, name: str) -> list[dict]:
        found, = (question for question in self.report["questions"] if question["name"] == name)
        return found["rows"]

    def test_it_ends_well_and_leaves_nothing(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr[-2000:])
        self.assertEqual(self.left, [])
        self.assertFalse(self.document_changed, "--no-write")
        self.assertEqual([question["name"] for question in self.report["questions"]], list(ASKED))

    def test_the_report_is_as_its_schema_says(self):
        self.assertEqual([f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                          for error in Draft202012Validator(SCHEMA).iter_errors(self.report)], [])

    def test_drywall_ran_in_every_case_and_who_did_not_has_a_reason(self):
        for name in ASKED:
            for row in self.rows(name):
                if row["contender"] in (FLOOR, STATEFUL, STATELESS, STILL, SWAPPING, "drywall apply", *WEB):
                    self.assertIsNone(row["could_not_run"], row)
                if not row["figures"]:
                    self.assertTrue(row["could_not_run"], row)
        for row in self.rows("forwarding"):
            if row["could_not_run"] is None:
                self.assertEqual({len(figure["samples"]) for figure in row["figures"].values()}, {ROUNDS}, row)

    def test_medians_and_ratios_are_those_of_the_samples(self):
        for question in self.report["questions"]:
            first = question["figures"][0]["name"]
            for row in question["rows"]:
                for figure in row["figures"].values():
                    if figure["samples"]:
                        self.assertAlmostEqual(figure["median"], statistics.median(figure["samples"]))
                if row["of_reference"] is not None:
                    reference = [other for other in question["rows"] if other["contender"] == question["reference"] and all(
                        value in ("-", row["case"].get(key)) for key, value in other["case"].items())]
                    self.assertAlmostEqual(row["of_reference"] * reference[0]["figures"][first]["median"], row["figures"][first]["median"])

    def test_packets_time_and_rates_belong_together(self):
        for row in self.rows("forwarding"):
            if row["could_not_run"] is None:
                figures = row["figures"]
                for rate, cost, by_the_clock in zip(*(figures[name]["samples"] for name in ("Mpps per core", "ns/packet", "Mpps by the clock"))):
                    self.assertAlmostEqual(rate * cost, 1000)
                    # One core's thread has no more CPU time than the clock; the counter is read before and after.
                    self.assertLess(by_the_clock, rate * 1.2)
        wire = {row["contender"]: row["figures"] for row in self.rows("swapping") if row["case"]["device"] == "net_af_packet"}
        self.assertGreater(wire[SWAPPING]["swaps"]["samples"][0], 0)
        for contender in (STILL, SWAPPING):
            self.assertEqual(set(wire[contender]["neither or both"]["samples"]), {0}, contender)

    def test_the_tables_were_printed(self):
        for question in self.report["questions"]:
            self.assertIn(f"### {question['title']}\n", self.done.stdout)
        self.assertEqual(set(ASKED) - set(QUESTIONS), set())
        self.assertNotIn(tables.markers(ASKED[0])[0], self.done.stdout)


class Words(unittest.TestCase):
    def run_lab(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([ROOT / "scripts" / "bench", *words], cwd=ROOT, capture_output=True, text=True, check=False)

    def test_the_questions_are_listed_without_root_or_building(self):
        done = self.run_lab("--list")
        self.assertEqual((done.returncode, [line.split()[0] for line in done.stdout.splitlines()]), (0, list(QUESTIONS)))

    def test_what_is_not_known_is_refused(self):
        for words, says in ((("--list", "--only", "speed"), "no question is called speed"), (("--list", "--rounds", "0"), "at least one"),
                            (("--list", "--fast"), "--fast")):
            done = self.run_lab(*words)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
