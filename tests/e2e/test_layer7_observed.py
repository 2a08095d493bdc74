"""What was asked inside of connections is seen: filtered, followed, written to the flow file, counted, and foretold."""

import json
import os
import tempfile
import threading
from pathlib import Path

from tests.e2e.case import eventually
from tests.e2e.test_layer7 import GET_SHOP, RESET, Layer7Case, requests
from tests.lab import policies

SAFE, NOT_SAFE = 0, 1
ENOUGH = ("--min-time", "0s", "--min-connections", "1")
ANYTHING_ELSE = "action: Deny; protocol: TCP; destination: {ports: [8080]}"


class Seen(Layer7Case):
    def asked(self, *words: str) -> list[dict]:
        return [json.loads(line) for line in self.drywall("requests", *words, "-o", "jsonl").splitlines()]

    def test_requests_are_filtered_by_what_was_asked_and_by_whom(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP))
        here = ("--generation", str(self.appliance.generation()))
        self.curl(self.url("/shop/1"))
        self.curl(self.url("/shop/2"), host="frontend")
        self.curl("-H", "Host: admin.example:8080", self.url("/shopping"))
        eventually(lambda: len(self.asked(*here)) == 3)
        paths = lambda *words: [one["path"] for one in self.asked(*here, *words)]
        self.assertEqual(paths("--path", "/shop"), ["/shop/1", "/shop/2"])
        self.assertEqual(paths("--path", "/shop", "--from-name", "frontend"), ["/shop/2"])
        self.assertEqual(paths("--denied"), ["/shopping"])
        self.assertEqual(paths("--verdict", "deny", "--reason", "http_denied"), ["/shopping"])
        self.assertEqual(paths("--host", "admin.example"), ["/shopping"])
        self.assertEqual(paths("--not", "--host", "*.example"), ["/shop/1", "/shop/2"])
        self.assertEqual(paths("--method", "PUT"), [])
        self.assertEqual(paths("--to-port", "8080", "--limit", "1"), ["/shopping"])
        self.assertEqual(paths("--since", "1h", "--policy", "gnp:web"), ["/shop/1", "/shop/2", "/shopping"])
        done = self.appliance.drywall("requests", "--path", "shop")
        self.assertEqual(done.returncode, 2)
        self.assertIn("write how the path begins", done.stderr)

    def test_requests_are_watched_as_they_come(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP))
        watched = []
        watching = threading.Thread(target=lambda: watched.append(self.appliance.drywall(
            "watch", "requests", "--denied", "--path", "/admin", "--count", "2", "--timeout", "30s")))
        watching.start()
        while watching.is_alive():
            self.curl(self.url("/shop/1"))
            self.curl(self.url("/admin/1"))
        watching.join()
        self.assertEqual(watched[0].returncode, 0, watched[0].stderr)
        lines = watched[0].stdout.splitlines()
        self.assertTrue(lines[0].startswith("TIME"), lines)
        self.assertEqual(len(lines), 3, lines)
        self.assertTrue(all("GET /admin/1" in line for line in lines[1:]), lines)
        self.assertIn("2 requests", watched[0].stderr)

    def test_a_watch_ends_by_its_time(self):
        done = self.appliance.drywall("watch", "requests", "--timeout", "200ms", "-o", "jsonl")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("0 requests; the time is over", done.stderr)
        done = self.appliance.drywall("watch", "requests", "--protocol", "tcp", "--timeout", "200ms")
        self.assertEqual(done.returncode, 2, "a filter of drops")

    def test_numbers_and_metrics_tell_of_requests(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP, name="web"))
        self.appliance.apply(requests(GET_SHOP.replace("/shop", "/shop/1"), ANYTHING_ELSE, name="narrow", staged=True))
        self.curl(self.url("/shop/1"), self.url("/shop/2"))
        self.assertEqual(self.curl(self.url("/admin"))[0], RESET)
        eventually(lambda: any(one["would_deny_requests"] == 1 for one in self.appliance.stats()["staged"]))
        stats = self.drywall("stats")
        self.assertIn("WOULD-DENY-REQUESTS", stats)
        self.assertIn("resets sent", stats)
        self.assertIn("resets sent", self.drywall("status"))
        metrics = self.appliance.get("/metrics").text
        value = lambda series: float(next(line for line in metrics.splitlines() if line.startswith(series)).split()[-1])
        self.assertEqual(value('drywall_staged_would_deny_requests_total{policy="sgnp:narrow"}'), 1)
        self.assertGreaterEqual(value("drywall_resets_sent_total"), 2)
        self.assertEqual(value("drywall_requests_untold_total"), 0)
        rules = [line for line in metrics.splitlines() if line.startswith("drywall_policy_requests_total")]
        self.assertTrue(any('policy="gnp:web"' in line and 'action="allow"' in line and line.endswith(" 2") for line in rules),
                        rules)


class Foretold(Layer7Case):
    def check(self, code: int, *words: str) -> dict:
        return json.loads(self.drywall("check", "promote", *words, *ENOUGH, "-o", "json", code=code))

    def test_requests_that_a_promotion_would_deny_are_foretold_and_make_it_unsafe(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP, ANYTHING_ELSE, staged=True))
        for path in ("/shop/1", "/admin"):
            self.assertEqual(self.curl(self.url(path))[0], 0)

        def foretold() -> dict | None:
            impact = json.loads(self.drywall("impact", "web", "-o", "json"))["policies"][0]
            return impact if impact["alone"]["requests"]["newly_denied"] else None
        impact = eventually(foretold)
        self.assertEqual(impact["alone"]["requests"]["newly_denied"], 1)
        self.assertEqual(impact["in_combination"]["requests"]["newly_denied"], 1)
        self.assertEqual(impact["counted"]["would_deny_requests"], 1)
        example = impact["alone"]["requests"]["examples"][0]
        self.assertEqual((example["effect"], example["method"], example["path"], example["then_by"]),
                         ("newly-denied", "GET", "/admin", "default|gnp:web|deny|1"))
        self.assertIn("GET /admin of", self.drywall("impact", "web"))
        for words in (("web",), ("--all",)):
            answer = self.check(NOT_SAFE, *words)
            self.assertEqual(answer["would_deny_requests"], 1, answer)
            self.assertIn("1 request inside of connections would newly be denied", answer["reasons"])

        self.drywall("promote", "web", "--force")
        self.assertEqual(self.curl(self.url("/shop/1"))[0], 0)
        self.assertEqual(self.curl(self.url("/admin"))[0], RESET, "as it was foretold")

    def test_where_every_request_is_known_a_good_promotion_is_called_safe(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP, ANYTHING_ELSE, staged=True))
        self.curl(self.url("/shop/1"), self.url("/shop/2"))

        def safe() -> dict | None:
            done = self.appliance.drywall("check", "promote", "web", *ENOUGH, "-o", "json")
            return json.loads(done.stdout) if done.returncode == SAFE else None
        answer = eventually(safe)
        self.assertEqual(answer["verdict"], "SAFE")
        self.assertEqual(answer["impact"]["uncertain"]["groups"], 0)
        self.assertEqual(answer["impact"]["requests"]["observed"], 2)
        self.drywall("promote", "web")
        self.assertEqual(self.curl(self.url("/shop/1"))[0], 0)

    def test_what_was_asked_before_another_edit_still_counts(self):
        """The recorded connections are of an older generation; their requests are put to the new one."""
        self.web()
        self.appliance.apply(requests(GET_SHOP, ANYTHING_ELSE, staged=True))
        self.curl(self.url("/admin"))
        eventually(lambda: any(one["would_deny_requests"] for one in self.appliance.stats()["staged"]))
        self.appliance.apply(policies.policy("unrelated", "app == 'cache'", "action: Allow; protocol: TCP; destination: {ports: [9]}"))
        impact = json.loads(self.drywall("impact", "web", "--since", "1m", "-o", "json"))["policies"][0]["alone"]
        self.assertIn("/admin", [one["path"] for one in impact["requests"]["examples"]])


class FlowFile(Layer7Case):
    log = Path(tempfile.gettempdir()) / f"drywall-requests-{os.getpid()}.jsonl"
    extra = f"flows: {{log: {{path: {log}}}}}\n"

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        cls.log.unlink(missing_ok=True)

    def test_every_request_is_a_line_that_readers_of_flows_skip(self):
        self.web()
        self.appliance.apply(requests(GET_SHOP))
        self.curl(self.url("/shop/1"))
        self.curl(self.url("/admin"))

        def written() -> list[dict] | None:
            lines = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
            found = [line for line in lines if line.get("record") == "request"]
            flows = [line for line in lines if line.get("dest_port") == 8080 and "record" not in line]
            return found if len(found) == 2 and flows else None
        allowed, denied = eventually(written)
        self.assertEqual((allowed["method"], allowed["path"], allowed["enforced"], allowed["drop_reason"]),
                         ("GET", "/shop/1", "allow", "none"))
        self.assertEqual((denied["path"], denied["enforced"], denied["pending"], denied["drop_reason"]),
                         ("/admin", "deny", "deny", "http_denied"))
        self.assertEqual(denied["policies"]["enforced"][-1]["name"] or denied["policies"]["enforced"][-1]["trigger"]["name"], "web")
        self.assertEqual(denied["generation"], self.appliance.generation())
        flows = self.drywall("flows", "--input-file", str(self.log), "--to-port", "8080", "-o", "jsonl").splitlines()
        self.assertTrue(flows)
        self.assertFalse(any("record" in json.loads(line) for line in flows))
        site = self.folder / "site.yaml"
        site.write_text(self.drywall("get", "-o", "yaml"))
        replayed = json.loads(self.drywall("replay", "-f", str(site), "--config", str(self.appliance.config), "--flows",
                                           str(self.log), "-o", "json"))
        self.assertTrue(replayed)
