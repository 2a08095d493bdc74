"""Every case of the conformance list has a test that carries its number, and docs/conformance.md names it."""

import re
import unittest

from tests.lint import tree

TEST = re.compile(r"^TEST(?:_[FP])?\((\w+),\s*(\w+?)_([SCVEHGK]\d+[bc]?)\)", re.MULTILINE)
ROW = re.compile(r"^\| ([SCVEHGK]\d+[bc]?) \| `(\w+)\.(\w+)` \| (\w+\.cpp) \|", re.MULTILINE)
COUNTS = {"S": 22, "C": 15, "V": 30, "E": 31, "H": 18, "G": 24, "K": 14}


def cases() -> list[str]:
    numbered = [f"{letter}{number}" for letter, count in COUNTS.items() for number in range(1, count + 1)]
    return numbered + ["K7b", "K7c"]


def tests_of_cases() -> set[tuple[str, str, str, str]]:
    """Case, suite, test and file of every test that carries a number."""
    found = set()
    for name in tree.matching("_test.cpp", under=("tests/conformance/",)):
        for suite, sentence, case in TEST.findall(tree.read(name)):
            found.add((case, suite, f"{sentence}_{case}", name.rsplit("/", 1)[1]))
    return found


class Conformance(unittest.TestCase):
    maxDiff = None

    def test_there_are_as_many_cases_as_in_the_list(self):
        self.assertEqual(len(cases()), 156)

    def test_every_case_has_a_test(self):
        tested = {case for case, _, _, _ in tests_of_cases()}
        self.assertEqual([case for case in cases() if case not in tested], [])

    def test_no_test_carries_a_number_that_is_not_in_the_list(self):
        self.assertEqual([test for test in sorted(tests_of_cases()) if test[0] not in cases()], [])

    def test_the_document_names_exactly_the_tests_that_there_are(self):
        rows = set(ROW.findall(tree.read("docs/conformance.md")))
        self.assertEqual(sorted(rows), sorted(tests_of_cases()))
