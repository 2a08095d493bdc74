"""Policy on real connections: enforced, staged, promoted, taken back."""

from tests.e2e.case import PORT, WireCase, eventually, on_every_driver
from tests.lab import policies, traffic
from tests.lab.appliance import drops, rule
from tests.lab.traffic import DROPPED, OPEN, REFUSED

ACROSS = [("frontend", "database"), ("backend-1", "database"), ("backend-dev", "database"),
          ("frontend", "backend-2"), ("backend-1", "backend-2"), ("backend-2", "backend-1"), ("frontend", "cache")]


class Story(WireCase):
    def setUp(self) -> None:
        super().setUp()
        for name in ("database", "backend-1", "backend-2", "cache"):
            self.serve(name)

    def across(self) -> dict:
        return self.matrix(ACROSS)

    def expect_open_only(self, answers: dict, open_pairs) -> None:
        wrong = {key: answer for key, answer in answers.items()
                 if answer != (OPEN if key[:2] in open_pairs else DROPPED)}
        self.assertEqual(wrong, {})


@on_every_driver
class EnforcedPolicy(Story):
    def test_without_a_policy_declared_workloads_talk_to_each_other(self):
        self.expect_open_only(self.across(), ACROSS)

    def test_only_those_whom_the_selector_names_reach_the_database(self):
        self.appliance.apply(policies.only_backend_reaches_database())
        allowed = [pair for pair in ACROSS if pair[1] != "database" or pair[0] == "backend-1"]
        self.expect_open_only(self.across(), allowed)
        stats = self.settled_stats()
        self.assertGreater(drops(stats)["policy_deny"], 0)
        self.assertEqual(set(drops(stats)), {"policy_deny"})
        self.assertGreater(rule(stats, "gnp:database|allow|0")["enforced"]["packets"], 0)
        self.assertGreater(rule(stats, "gnp:database|deny|1")["enforced"]["packets"], 0)

    def test_only_the_named_port_is_open(self):
        self.serve("database", 8081)
        self.appliance.apply(policies.only_backend_reaches_database())
        self.assertEqual(self.tcp("backend-1", "database", PORT), OPEN)
        self.assertEqual(self.tcp("backend-1", "database", 8081), DROPPED)
        self.assertEqual(self.tcp("backend-1", "database", 8081, family=6), DROPPED)

    def test_udp_is_judged_like_tcp(self):
        self.serve("cache", 5353, udp=True)
        for family in (4, 6):
            self.assertEqual(self.udp("frontend", "cache", 5353, family), OPEN)
        self.appliance.apply(policies.policy(
            "cache", "app == 'cache'", "action: Allow; protocol: UDP; source: {selector: app == 'backend'}", policies.DENY))
        for family in (4, 6):
            self.assertEqual(self.udp("backend-1", "cache", 5353, family), OPEN)
            self.assertEqual(self.udp("frontend", "cache", 5353, family), DROPPED)

    def test_icmp_is_judged_in_both_families(self):
        for family in (4, 6):
            self.assertEqual(self.ping("frontend", "cache", family), OPEN)
        self.appliance.apply(policies.policy("quiet", "app == 'cache'", policies.DENY))
        for family in (4, 6):
            self.assertEqual(self.ping("frontend", "cache", family), DROPPED)
            self.assertEqual(self.ping("cache", "frontend", family), OPEN, "replies pass without a rule of their own")

    def test_what_is_not_declared_passes_in_the_open_posture_and_is_counted(self):
        self.appliance.delete("workloadendpoint", "cache")
        self.appliance.delete("workloadendpoint", "frontend")
        before = self.appliance.stats()["unmatched"]["packets"]
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)
        self.assertGreater(self.settled_stats()["unmatched"]["packets"], before)

    def test_a_closed_port_is_refused_by_its_host_not_dropped_by_the_wire(self):
        self.assertEqual(self.tcp("frontend", "cache", 9), REFUSED)

    def test_a_flow_carries_the_generation_and_the_rules_that_judged_it(self):
        self.appliance.apply(policies.only_backend_reaches_database())
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)

        def recorded():
            return [flow for flow in self.appliance.get("/v1/flows").json["flows"]
                    if flow["source_name"] == "backend-1" and flow["dest_name"] == "database"
                    and flow["generation"] == self.appliance.generation()]

        flows = eventually(recorded)
        self.assertEqual(len(flows), 1, flows)
        self.assertEqual((flows[0]["action"], flows[0]["pending_action"], flows[0]["dest_port"]), ("allow", "allow", PORT))
        self.assertIn("gnp:database|allow|0", " ".join(hit["text"] for hit in flows[0]["policies"]["enforced"]))


@on_every_driver
class StagedPolicy(Story):
    def stage(self) -> None:
        self.appliance.apply(policies.documents(policies.only_backend_reaches_database(), policies.close_backend()))

    def pending_denied(self) -> set[tuple[str, str]]:
        """Who is foretold to lose whom, of the flows that the current generation judged."""
        flows = self.appliance.get("/v1/flows?pending=deny&enforced=allow").json["flows"]
        return {(flow["source_name"], flow["dest_name"]) for flow in flows
                if flow["generation"] == self.appliance.generation()}

    def test_a_staged_policy_changes_nothing_on_the_wire_and_is_counted(self):
        self.appliance.apply(policies.only_backend_reaches_database())
        before = self.across()
        self.stage()
        self.assertEqual(self.across(), before)
        stats = self.settled_stats()
        staged = rule(stats, "sgnp:close-backend|deny|0")
        self.assertEqual(staged["enforced"]["packets"], 0)
        self.assertGreater(staged["pending"]["packets"], 0)
        self.assertEqual(staged["would_deny"], staged["pending"])
        would_deny = {one["name"]: one["would_deny"]["packets"] for one in stats["staged"]}
        self.assertEqual(would_deny["close-backend"], staged["would_deny"]["packets"])

    def test_promotion_does_exactly_what_pending_foretold(self):
        self.stage()
        before = self.across()
        foretold = eventually(self.pending_denied)
        self.assertEqual(foretold, {("frontend", "backend-2"), ("backend-1", "backend-2"), ("backend-2", "backend-1")})
        done = self.appliance.drywall("promote", "close-backend", "--force")
        self.assertEqual(done.returncode, 0, done.stderr)
        after = self.across()
        self.assertEqual({key[:2] for key in before if before[key] == OPEN and after[key] != OPEN}, foretold)
        self.assertEqual({key for key in before if before[key] != OPEN and after[key] == OPEN}, set())
        kinds = [item["kind"] for item in self.appliance.get("/v1/resources").json["items"]
                 if item["metadata"]["name"] == "close-backend"]
        self.assertEqual(kinds, ["GlobalNetworkPolicy"])

    def test_staged_counters_equal_what_the_enforced_ones_become_for_the_same_traffic(self):
        # Datagrams without an answer: their number does not depend on what becomes of them.
        def send_and_count(text: str, world: str) -> int:
            before = rule(self.settled_stats(), text)[world]["packets"]
            with self.host("frontend").namespace.inside():
                sender = traffic.socket.socket(traffic.socket.AF_INET, traffic.socket.SOCK_DGRAM)
            with sender:
                for _ in range(50):
                    sender.sendto(b"x", (self.host("backend-2").v4, 9999))
            return rule(self.settled_stats(), text)[world]["packets"] - before

        self.udp("frontend", "cache", 1)  # neighbours know each other
        self.serve("backend-2", 9999, udp=True)
        self.stage()
        pending = send_and_count("sgnp:close-backend|deny|0", "pending")
        self.assertGreaterEqual(pending, 50)
        self.appliance.drywall("promote", "close-backend", "--force")
        enforced = send_and_count("|gnp:close-backend|deny|0", "enforced")
        self.assertEqual(enforced, 50)
        self.assertIn(pending, (50, 100))  # in the open world the answers are of the same flow

    def test_a_safety_net_below_masks_nothing_and_loses_nothing(self):
        self.appliance.apply(policies.only_backend_reaches_database())
        before = self.across()
        self.appliance.apply(policies.documents(policies.safety_net(), policies.close_backend()))
        self.assertEqual(self.across(), before, "the net opened or closed something")
        self.assertEqual(eventually(self.pending_denied),
                         {("frontend", "backend-2"), ("backend-1", "backend-2"), ("backend-2", "backend-1")})
        stats = self.settled_stats()
        self.assertGreater(rule(stats, "sgnp:close-backend|deny|0")["would_deny"]["packets"], 0)
        self.assertEqual(stats["flows"]["records_lost"], 0)
        self.appliance.drywall("promote", "close-backend", "--force")
        self.assertEqual(self.tcp("frontend", "backend-2"), DROPPED)
        self.appliance.drywall("delete", "gnp", "close-backend")
        self.assertEqual(self.across(), before)

    def test_a_staged_deletion_foretells_what_opens(self):
        self.appliance.apply(policies.documents(policies.only_backend_reaches_database(), f"""\
{policies.API}
kind: StagedGlobalNetworkPolicy
metadata:
  name: database
spec:
  stagedAction: Delete
"""))
        self.assertEqual(self.tcp("frontend", "database"), DROPPED)

        def foretold():
            flows = self.appliance.get("/v1/flows?pending=allow&enforced=deny").json["flows"]
            return {(flow["source_name"], flow["dest_name"]) for flow in flows} & {("frontend", "database")}

        self.assertTrue(eventually(foretold))
        self.assertEqual(self.appliance.drywall("promote", "database").returncode, 0)
        self.assertEqual(self.tcp("frontend", "database"), OPEN)


@on_every_driver
class Connections(Story):
    def long_connection(self, source: str, destination: str):
        connection = traffic.connect(self.host(source).namespace, self.host(destination).v4, PORT, timeout=3)
        self.addCleanup(connection.close)
        self.assertTrue(traffic.exchange(connection))
        return connection

    def test_an_established_connection_survives_an_unrelated_change(self):
        connection = self.long_connection("frontend", "cache")
        self.appliance.apply(policies.only_backend_reaches_database())
        self.assertTrue(traffic.exchange(connection))
        self.appliance.delete("gnp", "database")
        self.assertTrue(traffic.exchange(connection))

    def test_an_established_connection_is_cut_by_a_policy_that_denies_it(self):
        connection = self.long_connection("frontend", "cache")
        self.appliance.apply(policies.policy("cache", "app == 'cache'", policies.DENY))
        connection.settimeout(1.0)
        self.assertFalse(traffic.exchange(connection))

    def test_an_established_connection_does_not_notice_a_staged_denial(self):
        connection = self.long_connection("frontend", "cache")
        self.appliance.apply(policies.policy("cache", "app == 'cache'", policies.DENY, staged=True))
        self.assertTrue(traffic.exchange(connection, b"x" * 100_000))

    def test_every_packet_is_accounted_for(self):
        self.serve("cache", 5353, udp=True)
        self.appliance.apply(policies.documents(policies.only_backend_reaches_database(), policies.close_backend()))
        self.across()
        self.udp("frontend", "cache", 5353)
        self.udp("frontend", "cache", 5354)
        self.ping("frontend", "cache", 6)
        with traffic.connect(self.host("frontend").namespace, self.host("cache").v4, PORT) as connection:
            self.assertTrue(traffic.exchange(connection, b"y" * 1_000_000))
        stats = self.settled_stats()
        self.assert_nothing_unaccounted(stats)
        self.assertGreater(stats["judged"]["packets"], 0)
        self.assertEqual(stats["enforced_denied"]["packets"], drops(stats).get("policy_deny", 0) + drops(stats).get("unmatched", 0))

    def test_the_counts_of_the_rules_add_up_to_what_was_judged(self):
        """No policy here passes or denies on egress, so each packet is decided once on its way in, in either world."""
        self.appliance.apply(policies.documents(policies.only_backend_reaches_database(), policies.close_backend()))
        before = self.settled_stats()
        self.across()
        after = self.settled_stats()

        def grown(world: str) -> int:
            counts = [sum(one[world]["packets"] for one in stats["rules"]
                          if one["direction"] == "ingress" or one["kind"] == "unmatched") for stats in (before, after)]
            return counts[1] - counts[0]

        judged = after["judged"]["packets"] - before["judged"]["packets"]
        self.assertGreater(judged, 50)
        self.assertEqual((grown("enforced"), grown("pending")), (judged, judged))
