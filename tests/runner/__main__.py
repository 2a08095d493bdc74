"""scripts/test's engine: variants and suites in, one line of totals out."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.runner import fuzzing
from tests.runner.meson_suites import Build, run_suite, timed
from tests.runner.results import FAILED, PASSED, SKIPPED, Case, Run, Voice, cases_from_junit

ROOT = Path(__file__).resolve().parents[2]
MESON_SUITES = ["unit", "conformance", "differential", "scenario", "fuzz", "perf"]
PYTHON_SUITES = ["lint", "e2e"]
PLAIN_SUITES = MESON_SUITES + PYTHON_SUITES + ["demo"]
ALL_SUITES = PLAIN_SUITES + ["fuzzing"]
NEED_ROOT = {"e2e", "demo"}
PROGRAMS = ["app/drywalld/drywalld", "app/drywall/drywall"]


@dataclass
class Variant:
    name: str
    folder: str
    suites: list[str]
    options: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    tests: list[str] | None = None  # only these of a suite; None: all of them
    compiler: dict[str, str] = field(default_factory=dict)  # CC and CXX; none: the machine's own


# A sanitizer's checks cost the optimizer more than they cost the tests: -O0 compiles five times as fast as -O1.
QUICK_TO_COMPILE = ["-Doptimization=0"]
SUPPRESSIONS = ROOT / "tests" / "sanitizers"
VARIANTS = {
    "plain": Variant("plain", "build", PLAIN_SUITES),
    "asan": Variant(
        "asan", "build-asan", ["unit", "conformance", "differential", "scenario", "fuzz"],
        options=["-Db_sanitize=address,undefined", "-Db_lundef=false", *QUICK_TO_COMPILE],
        # Without detect_stack_use_after_return: g++ 12's stand-in stack frames are not aligned for what asks for a cache
        # line (GCC bug 110027), and UBSan rightly complains.
        environment={
            "ASAN_OPTIONS": "halt_on_error=1:detect_leaks=1:strict_string_checks=1",
            "LSAN_OPTIONS": f"suppressions={SUPPRESSIONS / 'lsan.supp'}:print_suppressions=0",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        }),
    "tsan": Variant(
        "tsan", "build-tsan", ["unit"], tests=["telemetry", "flow", "inspect_names", "runtime"],
        options=["-Db_sanitize=thread", "-Db_lundef=false", *QUICK_TO_COMPILE],
        environment={"TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={SUPPRESSIONS / 'tsan.supp'}"}),
    "fuzz": Variant("fuzz", fuzzing.FOLDER, ["fuzzing"], options=fuzzing.OPTIONS, environment=fuzzing.ENVIRONMENT,
                    compiler=fuzzing.COMPILER),
}


# Fuzzing searches from a seed that only its sources make (fuzzing.py): a run that others wait for finds what a run before it would have found.
EVERY_RUN = [VARIANTS[name] for name in ("plain", "asan", "tsan", "fuzz")]


def run_variant(variant: Variant, chosen: list[str], voice: Voice, fuzz_seconds: int) -> list[Case]:
    suites = [suite for suite in variant.suites if suite in chosen]
    label = "" if variant.name in ("plain", "fuzz") else f" ({variant.name})"
    if not suites:
        return []
    voice.step(f"{variant.name}: build")
    build = Build(ROOT, variant.folder, variant.options, variant.environment, variant.compiler)
    tests = {}
    trouble, seconds = timed(prepare, build, variant, suites, tests)
    if trouble:
        return [Case(f"build{label}", variant.folder, FAILED, trouble)]
    voice.say(f"  built in {seconds:.0f} s")
    voice.step(f"{variant.name}: test")
    cases: list[Case] = []
    for suite in suites:
        if suite == "fuzzing":
            found, seconds = timed(run_fuzzing, build, suite + label, fuzz_seconds, voice)
        else:
            found, seconds = timed(run_one, build, suite, suite + label, tests.get(suite, []), voice)
        voice.suite(suite + label, found, seconds)
        cases += found
    return cases


def prepare(build: Build, variant: Variant, suites: list[str], tests: dict[str, list[dict]]) -> str:
    """Configures and builds what the suites need; returns what went wrong, or nothing."""
    trouble = build.configure()
    if trouble:
        return trouble
    for suite in suites:
        if suite in MESON_SUITES:
            tests[suite] = build.tests([suite], variant.tests if suite == "unit" else None)
    if variant.name == "plain":
        return build.build([])
    if suites == ["fuzzing"]:
        return build.build(fuzzing.programs_of(fuzzing.all_targets()))
    targets = build.targets_of([test for some in tests.values() for test in some])
    return build.build(targets + (PROGRAMS if "e2e" in suites else []))


def run_one(build: Build, suite: str, label: str, tests: list[dict], voice: Voice) -> list[Case]:
    if suite in NEED_ROOT and os.geteuid() != 0:
        return [Case(label, suite, SKIPPED, "needs root, for network namespaces; run scripts/test as root")]
    if suite in PYTHON_SUITES:
        cases = run_python(build, suite, label)
    elif suite == "demo":
        cases = run_demo(label)
    else:
        # Benchmarks have the machine for themselves, and only have to run: numbers come from perf/.
        jobs = 1 if suite == "perf" else os.cpu_count() or 1
        cases = run_suite(build, suite, label, tests, jobs) if tests else []
    return cases or [Case(label, suite, FAILED, "the suite ran no test")]


def run_fuzzing(build: Build, label: str, seconds: int, voice: Voice) -> list[Case]:
    """What it finds stays in the build folder, with the new inputs: the next run goes on with them."""
    return fuzzing.run_targets(build, label, fuzzing.all_targets(), seconds, build.folder / "fuzzing", fuzzing.tell(voice),
                               fuzzing.seed_of_sources())


def run_python(build: Build, suite: str, label: str) -> list[Case]:
    junit = build.folder / "meson-logs" / f"{suite}.junit.xml"
    junit.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-B", ROOT / "tests" / suite / "run", "--build", build.folder, "--junit", junit],
        cwd=ROOT, env=build.environment, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    (build.folder / "meson-logs" / f"{suite}.txt").write_text(done.stdout)
    if not junit.exists():
        return [Case(label, suite, FAILED, f"exit code {done.returncode}\n{done.stdout[-8000:]}")]
    cases = cases_from_junit(label, junit)
    if done.returncode != 0 and not any(case.outcome == FAILED for case in cases):
        cases.append(Case(label, suite, FAILED, f"exit code {done.returncode}\n{done.stdout[-8000:]}"))
    return cases


def run_demo(label: str) -> list[Case]:
    done = subprocess.run(
        [ROOT / "scripts/demo"], cwd=ROOT, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 0:
        return [Case(label, "the demo keeps its word", PASSED)]
    return [Case(label, "the demo keeps its word", FAILED, "\n".join(done.stdout.splitlines()[-60:]))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/test")
    parser.add_argument("--variant", choices=[*VARIANTS, "all"], default="plain")
    parser.add_argument("--suite", action="append", choices=ALL_SUITES, help="only this one; may be given again")
    parser.add_argument("--no-e2e", action="store_true", help="leave out what needs root")
    parser.add_argument("--fuzz-seconds", type=int, default=fuzzing.SECONDS, help="for each target of variant fuzz")
    arguments = parser.parse_args()

    chosen = arguments.suite or ALL_SUITES
    if arguments.no_e2e:
        chosen = [suite for suite in chosen if suite not in NEED_ROOT]
    voice, run = Voice(), Run()
    for variant in EVERY_RUN if arguments.variant == "all" else [VARIANTS[arguments.variant]]:
        run.cases += run_variant(variant, chosen, voice, arguments.fuzz_seconds)
    voice.closing(run)
    return 0 if run.succeeded() else 1


if __name__ == "__main__":
    sys.exit(main())
