"""How a question is asked: every round gives each case to each contender in turn (A B A B), so that what the machine does meanwhile meets all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perf.lab.forwarders import Machine
from perf.lab.report import CannotRun, Question
from tests.lab.netns import LabError

# What a contender that does not work may end in: it is reported, and the others go on.
TROUBLE = (CannotRun, LabError, AssertionError, OSError, RuntimeError, ValueError, KeyError, subprocess.SubprocessError)

Case = dict[str, str]
Measure = Callable[[Path], dict[str, float]]


@dataclass(frozen=True)
class Scale:
    """How much of everything; `default()` and `quick()` are what scripts/bench offers, a test asks for `tiny()`."""

    rounds: int
    wire_rounds: int        # through real interfaces, which take longest
    warm_up: float          # seconds
    window: float           # seconds
    rules: tuple[int, ...]  # of the questions on memory devices
    wire_rules: tuple[int, ...]
    staged: tuple[int, ...]
    policies: tuple[int, ...]
    swaps: int              # of the measurement of what traffic loses
    paths: tuple[int, ...]  # that requests may be for
    machine: Machine

    @classmethod
    def default(cls) -> "Scale":
        return cls(3, 3, 0.5, 1.0, (1, 100, 10_000), (10, 1_000, 10_000), (0, 10, 100, 1_000), (100, 1_000, 10_000), 1_000, (10, 1_000, 10_000), _machine())

    @classmethod
    def quick(cls) -> "Scale":
        return cls(2, 1, 0.2, 0.4, (1, 10_000), (10, 10_000), (0, 1_000), (100, 1_000), 100, (1_000,), _machine())

    @classmethod
    def tiny(cls) -> "Scale":
        return cls(2, 1, 0.1, 0.1, (2,), (10,), (0, 5), (10,), 4, (10,), _machine())


def _machine() -> Machine:
    cpus = sorted(os.sched_getaffinity(0))
    return Machine(core=cpus[-1], other_core=cpus[0])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def alternate(question: Question, rounds: int, turns: list[tuple[Case, str, Measure]]) -> None:
    """A contender that failed in a case is not asked again for that case."""
    out: set[tuple] = set()
    for case, contender, _ in turns:
        question.row(case, contender)  # in the order of the plan, whoever fails
    for turn in range(rounds):
        began = time.monotonic()
        for case, contender, measure in turns:
            key = (*case.values(), contender)
            if key in out:
                continue
            try:
                with tempfile.TemporaryDirectory(prefix="drywall-lab-") as folder:
                    question.add(case, contender, measure(Path(folder)))
            except TROUBLE as error:
                out.add(key)
                question.row(case, contender).could_not_run = str(error) or type(error).__name__
                say(f"  {contender}, {', '.join(case.values())}: could not run: {str(error)[:300]}")
        say(f"  {question.name}: round {turn + 1} of {rounds}, {time.monotonic() - began:.0f} s")
