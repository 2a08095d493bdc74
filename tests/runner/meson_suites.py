"""The suites that meson knows: built as one needs them, run, and read back case by case."""

from __future__ import annotations

import json
import os
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tests.runner.results import FAILED, PASSED, SKIPPED, Case, case_from_element

PATIENCE = 5  # times the timeout of each test: sanitizers are slow, and a busy machine more so


class Build:
    """One build folder, configured for one variant."""

    def __init__(self, root: Path, folder: str, options: list[str], environment: dict[str, str],
                 compiler: dict[str, str] | None = None) -> None:
        self.root = root
        self.folder = root / folder
        self.options = options
        self.environment = {**os.environ, **environment}  # of its programs
        self.compiler = compiler or {}  # CC and CXX; none: the machine's own

    def configure(self) -> str:
        return self._build("--configure-only", *self.options)

    def build(self, targets: list[str]) -> str:
        return self._build("--", *targets)

    def _build(self, *arguments: str) -> str:
        """Empty when it went well, otherwise what the compiler said."""
        done = subprocess.run(
            [self.root / "scripts/build", self.folder.name, *arguments],
            cwd=self.root, env={**os.environ, **self.compiler}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return "" if done.returncode == 0 else done.stdout

    def tests(self, suites: list[str], names: list[str] | None) -> list[dict]:
        wanted = []
        for test in self._introspect("--tests"):
            test["suites"] = [suite.split(":")[-1] for suite in test["suite"]]
            if set(test["suites"]) & set(suites) and (names is None or test["name"] in names):
                wanted.append(test)
        return wanted

    def targets_of(self, tests: list[dict]) -> list[str]:
        files = {target["id"]: target["filename"] for target in self._introspect("--targets")}
        paths = {file for test in tests for target in test["depends"] for file in files.get(target, [])}
        return sorted(os.path.relpath(path, self.folder) for path in paths)

    def _introspect(self, what: str) -> list[dict]:
        return json.loads(subprocess.check_output(["meson", "introspect", what, self.folder], text=True))


def run_suite(build: Build, suite: str, label: str, tests: list[dict], jobs: int) -> list[Case]:
    """Runs the tests of one suite; a program that dies without telling its cases is itself a failed case."""
    logbase = f"testlog-{suite}"
    logs = build.folder / "meson-logs"
    for old in (logs / f"{logbase}.json", logs / f"{logbase}.junit.xml"):
        old.unlink(missing_ok=True)
    subprocess.run(
        ["meson", "test", "-C", build.folder, "--no-rebuild", "--suite", suite, "--logbase", logbase,
         "--timeout-multiplier", str(PATIENCE), "--num-processes", str(jobs), *[test["name"] for test in tests]],
        env=build.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = logs / f"{logbase}.json"
    if not log.exists():
        return [Case(label, suite, FAILED, "meson could not run the suite; see " + str(logs))]
    gtest_cases = cases_by_test(label, logs / f"{logbase}.junit.xml")
    cases: list[Case] = []
    for line in log.read_text().splitlines():
        record = json.loads(line)
        cases += cases_of_test(label, record, gtest_cases.get(record["name"], []))
    return cases


def cases_by_test(label: str, junit: Path) -> dict[str, list[Case]]:
    """meson names the suites of a gtest program PROJECT.TEST.SUITE, and lumps everything else together as PROJECT.

    TEST is spelt as in meson's own log, "drywall:unit / flow"; the name of a gtest suite has no dot in it.
    """
    found: dict[str, list[Case]] = {}
    if not junit.exists():
        return found
    for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
        _, _, rest = suite.get("name", "").partition(".")
        test, dot, _ = rest.rpartition(".")
        if dot:
            found.setdefault(test, []).extend(case_from_element(label, case) for case in suite.iter("testcase"))
    return found


def cases_of_test(label: str, record: dict, gtest_cases: list[Case]) -> list[Case]:
    name = record["name"].split(" / ")[-1]
    output = (record.get("stdout") or "") + (record.get("stderr") or "")
    seconds = record.get("duration", 0.0)
    if record["result"] == "OK":
        return gtest_cases or [Case(label, name, PASSED, "", seconds)]
    if record["result"] == "SKIP":
        return gtest_cases or [Case(label, name, SKIPPED, last_line(output), seconds)]
    if any(case.outcome == FAILED for case in gtest_cases):
        return gtest_cases
    tail = "\n".join(output.splitlines()[-60:])
    reason = f"{record['result'].lower()}, exit code {record.get('returncode')}\n{tail}"
    return gtest_cases + [Case(label, f"{name} (the whole program)", FAILED, reason, seconds)]


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def timed(action, *arguments):
    started = time.monotonic()
    result = action(*arguments)
    return result, time.monotonic() - started
