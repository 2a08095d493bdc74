"""Promotion on real connections: what was foretold to die dies, and nothing else; and what open connections meet."""

import json
import time

from tests.e2e.case import PORT, WireCase, eventually
from tests.lab import policies, traffic
from tests.lab.traffic import DROPPED, OPEN

SAFE, NOT_SAFE, NOT_ENOUGH, CONFLICT = 0, 1, 8, 5

PAIRS = (("frontend", "database"), ("backend-1", "database"), ("backend-dev", "database"), ("frontend", "cache"))


def dev_stays_out(staged: bool = True) -> str:
    """Takes the database away from everyone in `dev`."""
    return policies.policy("dev-stays-out", "app == 'database'",
                           "action: Deny; protocol: TCP; source: {selector: env == 'dev'}",
                           "action: Pass", order=50, staged=staged)


class PromoteCase(WireCase):
    """Open connections between several pairs, and who of them does not answer any more."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("database", "cache"):
            self.serve(name)

    def drywall(self, *words, code: int = 0, input: str | None = None) -> str:
        done = self.appliance.drywall(*words, input=input)
        self.assertEqual(done.returncode, code, f"drywall {words}\n{done.stdout}{done.stderr}")
        return done.stdout

    def connections(self) -> dict:
        """One open connection for each pair."""
        opened = {}
        for source, destination in PAIRS:
            connection = traffic.connect(self.host(source).namespace, self.host(destination).v4, PORT, timeout=3)
            self.addCleanup(connection.close)
            self.assertTrue(traffic.exchange(connection))
            connection.settimeout(1.0)
            opened[source, destination] = connection
        return opened

    @staticmethod
    def dead(opened: dict) -> set:
        alive = traffic.all_at_once({pair: (lambda c=connection: traffic.exchange(c)) for pair, connection in opened.items()})
        return {pair for pair, answer in alive.items() if not answer}


class Promote(PromoteCase):
    def foretold(self) -> set:
        """Who would lose whom, by `drywall impact`; all connections are recorded. What hosts of an earlier test repeated
        while no endpoint was declared has no names."""
        def asked():
            answer = json.loads(self.drywall("impact", "dev-stays-out", "-o", "json"))
            alone = answer["policies"][0]["alone"]
            if alone["observed"]["groups"] < len(PAIRS):
                return None
            self.assertTrue(answer["exact"])
            return {(group["source"]["name"].split("/")[-1], group["dest"]["name"].split("/")[-1])
                    for group in alone["groups"] if group["effect"] == "newly-denied" and group["source"]["name"]}

        return eventually(asked)

    def names(self, kind: str) -> list:
        return [item["metadata"]["name"] for item in self.appliance.get("/v1/resources").json["items"] if item["kind"] == kind]

    def test_what_was_foretold_to_die_dies_and_no_other_does(self):
        self.appliance.apply(dev_stays_out())
        opened = self.connections()
        foretold = self.foretold()
        self.assertEqual(foretold, {("backend-dev", "database")})
        self.drywall("promote", "dev-stays-out", "--force")
        self.assertEqual(self.dead(opened), foretold)
        self.assertEqual({pair for pair in PAIRS if self.tcp(*pair) != OPEN}, foretold)

    def test_the_open_connections_that_a_promotion_cuts_are_named_and_closed_ones_are_not(self):
        self.appliance.apply(dev_stays_out())
        opened = self.connections()
        self.assertEqual(self.tcp("backend-dev", "database"), OPEN)  # and closed again
        doomed = opened["backend-dev", "database"].getsockname()[1]

        def walked():
            live = json.loads(self.drywall("impact", "dev-stays-out", "-o", "json"))["policies"][0]["live"]
            return live if live["closed"] > 0 and live["cut_by_recheck"] == 1 else None  # the last FIN is through

        live = eventually(walked)
        self.assertIsNotNone(live, "the closed connection counts as one that would be cut")
        self.assertIsNone(live["missing"])
        self.assertEqual(live["walked"], live["connections"] + live["closed"] + live["denied_now"])
        self.assertGreaterEqual(live["connections"], len(PAIRS))
        self.assertEqual([(one["source_port"], one["state"]) for one in live["cut"]], [(doomed, "established")])
        self.assertIn(f":{doomed} -> ", self.drywall("impact", "dev-stays-out"))
        self.drywall("check", "promote", "dev-stays-out", code=NOT_SAFE)
        self.drywall("promote", "dev-stays-out", "--existing", "recheck", "--force")
        self.assertEqual(self.dead(opened), {("backend-dev", "database")})

    def test_kept_connections_go_on_and_new_ones_are_denied(self):
        self.appliance.apply(dev_stays_out())
        opened = self.connections()
        self.drywall("promote", "dev-stays-out", "--existing", "keep", "--force")
        self.assertEqual(self.dead(opened), set())
        self.assertEqual(self.tcp("backend-dev", "database"), DROPPED)
        stats = self.settled_stats()
        self.assertEqual(stats["flows"]["kept"], 1)
        self.assertGreater(stats["kept_passed"]["packets"], 0)
        self.assert_nothing_unaccounted(stats)
        self.appliance.apply(policies.policy("noted", "app == 'cache'", policies.ALLOW))
        self.assertEqual(self.dead(opened), {("backend-dev", "database")}, "the next change that says nothing judges again")

    def test_reset_cuts_what_the_change_touches(self):
        self.appliance.apply(dev_stays_out())
        opened = self.connections()
        self.drywall("promote", "dev-stays-out", "--existing", "reset", "--force")
        touched = {pair for pair in PAIRS if pair[1] == "database"}  # its Pass takes part in all of them
        self.assertEqual(self.dead(opened), touched)
        self.assertEqual({pair for pair in PAIRS if self.tcp(*pair) == OPEN}, set(PAIRS) - {("backend-dev", "database")})
        stats = self.settled_stats()
        self.assertGreater(stats["reset_dropped"]["packets"], 0)
        self.assert_nothing_unaccounted(stats)

    def test_check_says_no_while_somebody_would_lose_something_and_never_yes_without_evidence(self):
        self.appliance.apply(dev_stays_out())
        self.assertIn("NOT ENOUGH EVIDENCE", self.drywall("check", "promote", "dev-stays-out", code=NOT_ENOUGH))
        opened = self.connections()
        self.foretold()
        answer = json.loads(self.drywall("check", "promote", "dev-stays-out", "-o", "json", code=NOT_SAFE))
        flow = answer["impact"]["groups"][0]["id"]
        few = ("--min-time", "0s", "--min-connections", "1")
        self.drywall("check", "promote", "dev-stays-out", *few, code=NOT_SAFE)
        self.assertIn("SAFE", self.drywall("check", "promote", "dev-stays-out", *few, "--ack", flow, code=SAFE))
        self.assertEqual(self.dead(opened), set(), "a question changes nothing")

    def test_what_is_open_is_evidence_however_long_it_was_silent(self):
        connection = traffic.connect(self.host("backend-dev").namespace, self.host("database").v4, PORT, timeout=3)
        self.addCleanup(connection.close)
        self.assertTrue(traffic.exchange(connection))
        self.assertTrue(eventually(lambda: json.loads(
            self.appliance.get(f"/v1/flows?from-name=backend-dev&to-port={PORT}").text)["flows"]))
        time.sleep(1.1)  # a flow counts in the second in which it was seen: that one is over when the policy is staged
        self.appliance.apply(dev_stays_out())
        told = self.drywall("check", "promote", "dev-stays-out", "--min-time", "0s", "--min-connections", "0", code=NOT_SAFE)
        self.assertIn("backend-dev", told)

    def test_stage_promote_demote_come_round(self):
        self.drywall("stage", "-f", "-", input=dev_stays_out(staged=False))
        self.assertEqual(self.names("StagedGlobalNetworkPolicy"), ["dev-stays-out"])
        self.assertEqual(self.tcp("backend-dev", "database"), OPEN)
        staged = self.appliance.get("/v1/resources/sgnp/dev-stays-out").json
        self.drywall("promote", "dev-stays-out", "--force")
        self.assertEqual(self.tcp("backend-dev", "database"), DROPPED)
        self.drywall("demote", "dev-stays-out")
        self.assertEqual(self.names("GlobalNetworkPolicy"), [])
        self.assertEqual(self.appliance.get("/v1/resources/sgnp/dev-stays-out").json, staged)
        self.assertEqual(self.tcp("backend-dev", "database"), OPEN)
        self.appliance.apply(dev_stays_out(staged=False))
        self.drywall("demote", "dev-stays-out", code=CONFLICT)

    def test_a_semantic_diff_tells_what_a_file_would_change(self):
        text = self.drywall("diff", "--semantic", "-f", "-", input=dev_stays_out(staged=False), code=1)
        self.assertIn("allow->deny", text)
        self.assertIn("backend-dev", text)
        self.appliance.apply(dev_stays_out())
        self.assertIn("pending", self.drywall("diff", "--semantic", code=1))

    def test_review_finds_what_does_nothing(self):
        self.appliance.apply(policies.documents(
            policies.policy("twice", "app == 'cache'", policies.ALLOW, "action: Deny; protocol: TCP"),
            policies.policy("nobody", "app == 'gone'", policies.DENY)))
        self.assertIn("twice", self.drywall("review", "shadowed"))
        self.assertIn("nobody", self.drywall("review", "empty-selectors"))
        self.assertIn("twice", self.drywall("review", "unused"))
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)
        unused = json.loads(self.drywall("review", "unused", "-o", "json"))["rows"]
        self.assertEqual([(row["name"], row["index"]) for row in unused], [("nobody", 0), ("twice", 1)])
        self.assertTrue(unused[0]["counted_since"]["time"])


class KeptForAWhile(PromoteCase):
    extra = "flows: {existing-grace: 3s}\n"

    def test_kept_connections_are_cut_after_the_grace_and_allowed_ones_never(self):
        self.appliance.apply(dev_stays_out())
        opened = self.connections()
        self.drywall("promote", "dev-stays-out", "--existing", "keep", "--force")
        doomed = {("backend-dev", "database")}
        self.assertEqual(self.dead(opened), set())
        self.appliance.apply(policies.policy("rehearsed", "app == 'cache'", policies.DENY, staged=True))
        self.assertEqual(self.dead(opened), set(), "a change of nothing that is enforced keeps it, too")
        self.assertEqual(eventually(lambda: self.dead(opened)), doomed)  # in the midst of what they say
        for _ in range(3):
            self.assertEqual(self.dead(opened), doomed, "what stays allowed never notices")
            time.sleep(0.5)
        stats = self.settled_stats()
        self.assertEqual(stats["flows"]["kept"], 1)
        self.assert_nothing_unaccounted(stats)
        cut = eventually(lambda: self.appliance.get(f"/v1/flows?from-name=backend-dev&to-port={PORT}&enforced=deny").json["flows"])
        self.assertTrue(cut, "the flow log shows it as what any change cuts")
