"""The arithmetic of the perf lab's tables, and that a rerun replaces nothing but its own."""

import tempfile
import unittest
from pathlib import Path

from perf.lab import tables
from perf.lab.report import LOWER, Figure, Goal, Question

RATE, DELAY = Figure("rate", "Mpps"), Figure("delay", "us", LOWER, 1)
ONE, MANY, NONE = {"rules": "1"}, {"rules": "1,000"}, {"rules": "-"}


def question(**more) -> Question:
    return Question("speed", "How fast?", "By hand.", [RATE, DELAY], reference="floor", ours=("ours",), floors=("floor",), **more)


def filled() -> Question:
    asked = question()
    for rate in (10.0, 30.0, 20.0):
        asked.add(NONE, "floor", {"rate": rate, "delay": 1.0})
    for rate in (4.0, 6.0, 5.0):
        asked.add(ONE, "ours", {"rate": rate, "delay": 10 / rate})
        asked.add(ONE, "peer", {"rate": rate + 1, "delay": 3.0})
    return asked


class Arithmetic(unittest.TestCase):
    def test_medians_quartiles_and_ratios_are_those_of_the_samples(self):
        asked = filled()
        ours = asked.find(ONE, "ours")
        self.assertEqual(ours.median("rate"), 5)
        self.assertEqual(ours.quartiles("rate"), (4.5, 5.5))
        self.assertEqual(asked.beside_reference(ours), 5 / 20)
        self.assertIsNone(asked.beside_reference(asked.find(NONE, "floor")))
        self.assertEqual(asked.ratio("delay", ONE, "ours", "peer"), 2 / 3)
        self.assertIsNone(asked.ratio("rate", MANY, "ours", "peer"))

    def test_a_reference_of_another_case_is_not_taken(self):
        asked = question()
        asked.add(ONE, "floor", {"rate": 8.0})
        asked.add(MANY, "ours", {"rate": 4.0})
        self.assertIsNone(asked.beside_reference(asked.find(MANY, "ours")))

    def test_a_single_sample_has_no_spread(self):
        asked = question()
        asked.add(ONE, "ours", {"rate": 4.0})
        self.assertEqual(tables.cell(asked.find(ONE, "ours"), RATE), "4.00")
        self.assertEqual(tables.cell(asked.find(ONE, "ours"), DELAY), "-")

    def test_a_peer_wins_by_the_figures_own_direction_and_a_floor_never_does(self):
        asked = filled()
        self.assertEqual([found.split(" (")[0] for found in asked.peers_that_win(RATE)], ["peer"])
        self.assertEqual(asked.peers_that_win(DELAY), [])  # 2.0 beside 3.0, and lower is better
        self.assertIn("Where a peer is better in *rate*: peer (rules 1: 6.00 beside 5.00 Mpps of ours).", tables.section(asked))

    def test_a_goal_is_reached_missed_or_not_measured(self):
        self.assertTrue(Goal("x", 0.5, 0.5).reached)
        self.assertFalse(Goal("x", 0.49, 0.5).reached)
        self.assertTrue(Goal("x", 1.0, 1.0, LOWER).reached)
        self.assertFalse(Goal("x", 1.1, 1.0, LOWER).reached)
        self.assertIsNone(Goal("x", None, 1.0).reached)
        self.assertIn("**not reached**", tables.goal_line(Goal("x", 0.49, 0.5)))
        self.assertIn("not measured", tables.goal_line(Goal("x", None, 0.5)))

    def test_the_json_says_the_same(self):
        rows = {row["contender"]: row for row in filled().json()["rows"]}
        self.assertEqual(rows["ours"]["figures"]["rate"], {"samples": [4.0, 6.0, 5.0], "median": 5.0, "quartiles": [4.5, 5.5]})
        self.assertEqual(rows["ours"]["of_reference"], 0.25)
        self.assertIsNone(rows["floor"]["of_reference"])


class Table(unittest.TestCase):
    def test_every_line_has_as_many_cells_as_the_head(self):
        asked = filled()
        asked.row(MANY, "peer").could_not_run = "no module | of that\nname"
        lines = tables.table(asked).splitlines()
        self.assertEqual(lines[0], "| rules | contender | rate, Mpps | delay, us | rate / floor |")
        self.assertEqual({line.count("|") for line in lines}, {6})
        self.assertIn("could not run: no module / of that name", lines[-1])

    def test_who_failed_after_some_rounds_keeps_what_was_measured_and_is_named(self):
        asked = filled()
        asked.find(ONE, "peer").could_not_run = "it crashed"
        text = tables.section(asked)
        self.assertIn("| 1 | peer | 6.00 (5.50 - 6.50) |", text)
        self.assertIn("peer (rules 1) failed in a round: it crashed", text)


class Markers(unittest.TestCase):
    def test_a_rerun_replaces_its_own_table_and_nothing_else(self):
        begin, end = tables.markers("speed")
        document = f"# Numbers\n\nbefore\n\n{begin}\nold\n{end}\n\n{tables.markers('other')[0]}\nstays\n{tables.markers('other')[1]}\n"
        after = tables.replaced(document, "speed", "new\n")
        self.assertEqual(after, document.replace("\nold\n", "\nnew\n"))
        self.assertEqual(tables.replaced(after, "speed", "new"), after)

    def test_a_document_without_markers_gets_them_at_its_end(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "numbers.md"
            file.write_text("# Numbers\n")
            tables.write(file, {"speed": "text"})
            self.assertEqual(file.read_text(), "# Numbers\n\n" + "\n".join([tables.markers("speed")[0], "text", tables.markers("speed")[1]]) + "\n")

    def test_markers_that_are_no_pair_are_refused(self):
        begin, end = tables.markers("speed")
        for broken in (begin, end, f"{end}\n{begin}", f"{begin}\n{end}\n{begin}\n{end}"):
            with self.assertRaises(ValueError):
                tables.replaced(broken, "speed", "text")

    def test_performance_md_has_a_place_for_every_question(self):
        from perf.lab.__main__ import DOCUMENT, QUESTIONS
        text = DOCUMENT.read_text()
        for name in QUESTIONS:
            self.assertEqual([text.count(marker) for marker in tables.markers(name)], [1, 1], name)


if __name__ == "__main__":
    unittest.main()
