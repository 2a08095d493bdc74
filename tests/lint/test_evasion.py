"""The evasions as data are those that their generator writes, and as many as the documents say."""

import unittest

from tests.data.evasion import make_cases


class Evasion(unittest.TestCase):
    def test_the_file_is_what_its_generator_writes(self):
        self.assertEqual(make_cases.FILE.read_text(encoding="utf-8"), make_cases.text(), "run python3 -m tests.data.evasion.make_cases")

    def test_there_are_many_and_each_says_where_it_is_from(self):
        cases = make_cases.all_cases()
        self.assertGreaterEqual(len(cases), 150)
        self.assertTrue(all(case["source"] and case["frames"] for case in cases))
