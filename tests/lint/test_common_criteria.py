"""The firewall module of Common Criteria: docs/security.md names every test that there is, and no other."""

import re
import unittest

from tests.lint import tree


class CommonCriteria(unittest.TestCase):
    def test_the_document_lists_the_tests_of_the_requirements(self):
        listed = re.findall(r"`(test_F\w+)`", tree.read("docs/security.md"))
        there = re.findall(r"def (test_\w+)", tree.read("tests/e2e/test_common_criteria.py"))
        self.assertEqual(sorted(listed), sorted(there))
        for name in there:
            self.assertRegex(name, r"^test_(FFW_RUL_EXT_1_\d+|FDP_RIP_2)_[a-z]", "it is named by its requirement")
