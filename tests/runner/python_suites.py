"""unittest with a JUnit file at its end: how the lint and e2e suites report. `main()` is the body of their `run`."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path


class Recorder(unittest.TextTestResult):
    """Keeps what unittest forgets: the successes, and how long each test took."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.records: list[ElementTree.Element] = []
        self._started = 0.0

    def startTest(self, test) -> None:
        self._started = time.monotonic()
        self._troubles: list[tuple[str, str]] = []
        super().startTest(test)

    def stopTest(self, test) -> None:
        self._record(test, self._troubles)
        super().stopTest(test)

    def addError(self, test, err) -> None:
        super().addError(test, err)
        self._note("error", test, self.errors[-1][1])

    def addFailure(self, test, err) -> None:
        super().addFailure(test, err)
        self._note("failure", test, self.failures[-1][1])

    def addSubTest(self, test, subtest, err) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            list_ = self.failures if issubclass(err[0], test.failureException) else self.errors
            self._note("failure", test, f"{subtest._subDescription()}\n{list_[-1][1]}")

    def addSkip(self, test, reason) -> None:
        super().addSkip(test, reason)
        self._note("skipped", test, reason)

    def addExpectedFailure(self, test, err) -> None:  # a known bug is a failed test here, not a passed one
        super().addExpectedFailure(test, err)
        self._note("failure", test, "marked as an expected failure: mend it, or take the test out")

    def _note(self, tag: str, test, text: str) -> None:
        if hasattr(self, "_troubles") and isinstance(test, unittest.TestCase):
            self._troubles.append((tag, text))
        else:  # setUpClass or setUpModule: there is no startTest around it
            self._record(test, [(tag, text)])

    def _record(self, test, troubles: list[tuple[str, str]]) -> None:
        parts = test.id().split(".")
        element = ElementTree.Element(
            "testcase", classname=parts[-2] if len(parts) > 1 else "", name=parts[-1],
            time=f"{time.monotonic() - self._started:.3f}")
        for tag, text in troubles:
            ElementTree.SubElement(element, tag, message=text.splitlines()[-1] if text else "").text = text
        self.records.append(element)


def main(name: str, folder: Path, description: str) -> int:
    parser = argparse.ArgumentParser(prog=f"tests/{name}/run", description=description)
    parser.add_argument("patterns", nargs="*", help="run only tests whose id matches one of these, e.g. '*promote*'")
    parser.add_argument("--build", default="build", help="build folder with the programs (default: build)")
    parser.add_argument("--junit", type=Path, help="write the results there")
    parser.add_argument("--list", action="store_true", help="print the tests' ids and stop")
    parser.add_argument("-f", "--failfast", action="store_true", help="stop at the first failure")
    arguments = parser.parse_args()

    os.environ["DRYWALL_BUILD"] = str(Path(arguments.build).resolve())
    suite = unittest.TestSuite(wanted(unittest.defaultTestLoader.discover(
        str(folder), pattern="test_*.py", top_level_dir=str(folder.parent.parent)), arguments.patterns))
    if arguments.list:
        print("\n".join(test.id() for test in suite))
        return 0
    result = unittest.TextTestRunner(
        stream=sys.stdout, verbosity=2, resultclass=Recorder, failfast=arguments.failfast, buffer=True).run(suite)
    if arguments.junit:
        write(arguments.junit, name, result.records)
    return 0 if result.testsRun > 0 and result.wasSuccessful() else 1


def wanted(tests, patterns: list[str]):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from wanted(test, patterns)
        elif not patterns or any(fnmatch.fnmatchcase(test.id().lower(), f"*{pattern.strip('*').lower()}*") for pattern in patterns):
            yield test


def write(file: Path, name: str, records: list[ElementTree.Element]) -> None:
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(records)))
    suite.extend(records)
    file.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
