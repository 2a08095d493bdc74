"""What stands beside the exporter: metrics' names, alerts and dashboard agree, and are accepted by Prometheus' own tool."""

import json
import re
import subprocess
import unittest

from tests.lint import tree

METRIC = re.compile(r"\bdrywall_[a-z0-9_]+\b")
EXPORTER = [name for name in tree.matching(".cpp", under=("lib/control/metrics",))]
RULES = "config/prometheus/drywall.rules.yml"
TESTS = "config/prometheus/drywall.test.yml"
DASHBOARD = "config/grafana/dashboard.json"
DOCUMENT = "docs/metrics.md"


def exported() -> set[str]:
    """The families that the exporter's sources name, as string literals."""
    return {name for source in EXPORTER for name in re.findall(r'"(drywall_[a-z0-9_]+)"', tree.read(source))}


def expressions(part) -> list[str]:
    """Every query of a dashboard."""
    if isinstance(part, dict):
        own = [part[key] for key in ("expr", "query") if isinstance(part.get(key), str)]
        return own + [found for inner in part.values() for found in expressions(inner)]
    return [found for inner in part for found in expressions(inner)] if isinstance(part, list) else []


def promtool(*words: str) -> tuple[int, str]:
    done = subprocess.run(["promtool", *words], cwd=tree.ROOT, text=True, capture_output=True)
    return done.returncode, done.stdout + done.stderr


class Prometheus(unittest.TestCase):
    maxDiff = None

    def test_every_metric_is_documented_and_no_other(self):
        self.assertGreater(len(exported()), 30)
        documented = set(re.findall(r"`(drywall_[a-z0-9_]+)`", tree.read(DOCUMENT).split("## What there is\n")[1]))
        self.assertEqual(sorted(documented - {"drywall_"}), sorted(exported()))

    def test_alerts_and_dashboard_ask_for_metrics_that_exist(self):
        asked = set(METRIC.findall(" ".join(re.findall(r"^\s*expr:(.*?)^\s*(?:for|labels):", tree.read(RULES), re.MULTILINE | re.DOTALL))))
        shown = set(METRIC.findall(" ".join(expressions(json.loads(tree.read(DASHBOARD))))))
        self.assertGreater(len(asked), 4)
        self.assertGreater(len(shown), 10)
        series = exported() | {f"{name}{part}" for name in exported() for part in ("_bucket", "_sum", "_count")
                               if name.endswith("_latency_seconds")}  # a histogram's
        self.assertEqual(sorted((asked | shown) - series), [])

    def test_every_panel_has_a_place_and_a_query_and_none_lies_on_another(self):
        dashboard = json.loads(tree.read(DASHBOARD))
        taken: dict[tuple[int, int], str] = {}
        for panel in dashboard["panels"]:
            self.assertTrue(panel["targets"], panel["title"])
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((x, y), taken, f"{panel['title']} lies on {taken.get((x, y))}")
                    taken[x, y] = panel["title"]
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))

    def test_promtool_accepts_the_alerts_and_their_tests_pass(self):
        for words in (("check", "rules", RULES), ("test", "rules", TESTS)):
            code, output = promtool(*words)
            self.assertEqual(code, 0, output)

    def test_every_alert_is_tested(self):
        alerts = set(re.findall(r"- alert: (\w+)", tree.read(RULES)))
        tested = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts", tree.read(TESTS)))
        self.assertEqual(sorted(alerts - tested), [])
