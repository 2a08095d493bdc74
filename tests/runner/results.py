"""A case, its outcome, and how a run is told to a person."""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass
class Case:
    suite: str  # "unit (asan)"
    name: str  # "FlowTable.SynAfterFinStartsANewConnection"
    outcome: str
    reason: str = ""  # why it was skipped, or the first lines of how it failed
    seconds: float = 0.0


@dataclass
class Run:
    cases: list[Case] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        return sum(1 for case in self.cases if case.outcome == outcome)

    def of(self, outcome: str) -> list[Case]:
        return [case for case in self.cases if case.outcome == outcome]

    def totals(self) -> str:
        return f"{self.count(PASSED)} passed, {self.count(FAILED)} failed, {self.count(SKIPPED)} skipped"

    def succeeded(self) -> bool:
        return self.count(FAILED) == 0 and self.count(PASSED) > 0


def cases_from_junit(suite: str, file: Path) -> list[Case]:
    """The cases of a JUnit file as gtest, meson and our own unittest runner write it."""
    cases = []
    for element in ElementTree.parse(file).getroot().iter("testcase"):
        cases.append(case_from_element(suite, element))
    return cases


def case_from_element(suite: str, element: ElementTree.Element) -> Case:
    name = f"{element.get('classname', '')}.{element.get('name', '')}".lstrip(".")
    seconds = float(element.get("time") or 0.0)
    troubles = [child for child in element if child.tag in ("failure", "error")]
    if troubles:
        return Case(suite, name, FAILED, "\n".join(text_of(child) for child in troubles), seconds)
    skipped = element.find("skipped")
    if skipped is not None or element.get("status") == "notrun":
        return Case(suite, name, SKIPPED, text_of(skipped) if skipped is not None else "disabled", seconds)
    return Case(suite, name, PASSED, "", seconds)


def text_of(element: ElementTree.Element) -> str:
    return (element.text or element.get("message") or "").strip()


class Voice:
    """Prints; in colour only where a person looks."""

    def __init__(self) -> None:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.bold, self.red, self.green, self.yellow, self.blue, self.plain = (
            ("\033[1m", "\033[31m", "\033[32m", "\033[33m", "\033[34m", "\033[0m") if colour else ("",) * 6
        )

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def step(self, text: str) -> None:
        self.say(f"{self.blue}==>{self.plain} {self.bold}{text}{self.plain}")

    def suite(self, name: str, cases: list[Case], seconds: float) -> None:
        failed = sum(1 for case in cases if case.outcome == FAILED)
        skipped = sum(1 for case in cases if case.outcome == SKIPPED)
        passed = len(cases) - failed - skipped
        mark = f"{self.red}✗{self.plain}" if failed else f"{self.green}✓{self.plain}"
        line = f"{mark} {name:<22} {passed:>5} passed"
        if failed:
            line += f"  {self.red}{failed} failed{self.plain}"
        if skipped:
            line += f"  {self.yellow}{skipped} skipped{self.plain}"
        self.say(f"{line}   {seconds:.1f} s")

    def closing(self, run: Run) -> None:
        """Failures with their reasons, skips with theirs, and the totals as the very last line."""
        for case in run.of(FAILED):
            self.say(f"\n{self.red}FAILED{self.plain} {case.suite}: {case.name}")
            lines = case.reason.splitlines()
            for line in lines[:80]:
                self.say(f"    {line}")
            if len(lines) > 80:
                self.say(f"    ... and {len(lines) - 80} more lines")
        if run.of(FAILED):
            self.say("\nwhat the programs printed is in build*/meson-logs/")
        if run.of(SKIPPED):
            self.say("\nskipped:")
        for case in run.of(SKIPPED):
            self.say(f"    {case.suite}: {case.name}: {' '.join(case.reason.split()) or 'no reason given'}")
        if not run.cases:
            self.say("\nno test ran, and that is not a success")
        self.say()
        self.say(run.totals())
