"""How the lab asks: in turns, and with the same rules in every contender's language."""

import ipaddress
import re
import tempfile
import unittest
from pathlib import Path

from perf.lab import captures, plan, scaling, swap
from perf.lab.report import CannotRun, Figure, Question
from perf.peers import drywall, l3fwd_acl, nftables, openvswitch
from perf.peers.rules import CLIENTS, MOST, SERVER, TCP, UDP, rules, spread


class Turns(unittest.TestCase):
    def test_contenders_alternate_and_one_that_fails_is_reported_and_not_asked_again(self):
        asked = Question("q", "q", "", [Figure("n", "")])
        order = []

        def measure(name):
            def once(_folder):
                order.append(name)
                if name == "bad" and order.count("bad") == 2:
                    raise CannotRun("the second time")
                return {"n": float(len(order))}
            return once

        plan.say = lambda _text: None
        plan.alternate(asked, 3, [({"case": "1"}, name, measure(name)) for name in ("good", "bad")])
        self.assertEqual(order, ["good", "bad", "good", "bad", "good"])
        self.assertEqual(asked.find({"case": "1"}, "good").samples, {"n": [1.0, 3.0, 5.0]})
        bad = asked.find({"case": "1"}, "bad")
        self.assertEqual((bad.samples, bad.could_not_run), ({"n": [2.0]}, "the second time"))


class Rules(unittest.TestCase):
    def test_each_has_a_network_of_its_own_and_a_client_in_it(self):
        chosen = rules(MOST, (UDP, TCP))
        networks = {rule.network for rule in chosen}
        self.assertEqual(len(networks), MOST)
        every = ipaddress.ip_network(CLIENTS)
        for rule in spread(chosen, 500):
            self.assertIn(ipaddress.ip_address(rule.client), ipaddress.ip_network(rule.network))
            self.assertTrue(ipaddress.ip_network(rule.network).subnet_of(every))
        self.assertNotIn(ipaddress.ip_address(SERVER), every)
        for count in (0, MOST + 1):
            with self.assertRaises(ValueError):
                rules(count)

    def test_some_of_them_are_from_all_over_the_set(self):
        self.assertEqual([rule.number for rule in spread(rules(10_000), 4)], [0, 2500, 5000, 7500])
        self.assertEqual(len(spread(rules(3), 10)), 3)

    def test_every_contender_is_told_all_of_them(self):
        chosen = rules(2500, (UDP, TCP))
        texts = {"stateful": (drywall.stateful(chosen), 1), "stateless": (drywall.stateless(chosen), 2), "nft": (nftables.ruleset(chosen), 1),
                 "ovs": (openvswitch.flows(chosen), 1), "l3fwd": (l3fwd_acl.ipv4(chosen, 0, 1), 2)}
        for name, (text, times) in texts.items():
            found = re.findall(r"10\.\d+\.\d+\.0/24", text)
            self.assertEqual(len(found), times * len(chosen), name)
            self.assertEqual(set(found), {rule.network for rule in chosen}, name)

    def test_a_policy_has_no_more_rules_than_drywall_takes(self):
        for text in drywall.stateful(rules(2500)).split("---\n"):
            self.assertLessEqual(text.count("action: Allow"), 1024)

    def test_all_ports_move_and_come_back(self):
        chosen = rules(20)
        own = [rule.port for rule in chosen]
        self.assertEqual(swap.shifted(chosen, False), own)
        self.assertTrue(all(moved != port for moved, port in zip(swap.shifted(chosen, True), own)))


class Traffic(unittest.TestCase):
    def test_imix_has_its_shares(self):
        self.assertEqual({size: captures.IMIX.count(size) for size in set(captures.IMIX)}, {60: 7, 590: 4, 1514: 1})

    def test_flows_meet_rules_from_all_over_the_set(self):
        flows = captures.flows_of(rules(10_000), 1000)
        self.assertEqual(len(set(flows)), 1000)
        self.assertEqual({flow[0].split(".")[1] for flow in flows}, {str(i) for i in range(40)})
        self.assertEqual(len(set(captures.flows_of(rules(1), 1000))), 1000)

    def test_without_answers_both_ports_get_the_same_packets(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            flows = captures.flows_of(rules(2), 4)
            captures.both_ways(folder, flows, (60,), answers=False)
            self.assertEqual((folder / "inside.pcap").read_bytes(), (folder / "outside.pcap").read_bytes())
            captures.both_ways(folder, flows, (60,))
            self.assertNotEqual((folder / "inside.pcap").read_bytes(), (folder / "outside.pcap").read_bytes())

    def test_a_line_of_100_gbe_carries_what_the_textbooks_say(self):
        self.assertAlmostEqual(scaling.frames_per_second((60,)) / 1e6, 148.81, places=2)


if __name__ == "__main__":
    unittest.main()
