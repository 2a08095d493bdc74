"""The fuzz targets, for a while each: what scripts/fuzz runs, and the suite "fuzzing" of scripts/test.

    python3 -m tests.runner.fuzzing [SECONDS] [TARGET...]     as scripts/fuzz, which tells more
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.runner.meson_suites import Build
from tests.runner.results import FAILED, PASSED, Case, Run, Voice

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
SECONDS = 60
FOLDER = "build-fuzz"
SOURCES = ["include", "lib", "tests/differential", "tests/fuzz", "tests/support", "tests/unit/engine"]
# libFuzzer is clang's. Named in the environment, a compiler does without ccache unless that is named too.
CCACHE = "ccache " if shutil.which("ccache") else ""
COMPILER = {"CC": f"{CCACHE}clang", "CXX": f"{CCACHE}clang++"}
# -O1 takes longer to compile than -O0, and a target's minute is worth several times as many executions.
OPTIONS = ["-Dfuzzers=true", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"]
ENVIRONMENT = {
    "ASAN_OPTIONS": "halt_on_error=1:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
SLOWEST_INPUT = 60  # seconds; one that takes longer is a finding, and no stall of a busy machine
GRACE = 120  # seconds beyond its time that a target may take to read its corpus and to end


def all_targets() -> list[str]:
    return sorted(folder.name for folder in CORPUS.iterdir() if folder.is_dir())


def programs_of(targets: list[str]) -> list[str]:
    return [f"tests/fuzz/fuzz_{target}" for target in targets]


def seed_of_sources() -> int:
    """What is compiled into the targets, as a number: the same sources search the same inputs in the same order, so that
    who sees a finding meets it again, and a run that others wait for can be made beforehand; other sources search others."""
    trees = [f"HEAD:{folder}" for folder in SOURCES]
    found = subprocess.run(["git", "rev-parse", *trees], cwd=ROOT, capture_output=True, text=True, check=False)
    return 1 + zlib.crc32(found.stdout.encode()) // 2 if found.returncode == 0 else 1


def run_targets(build: Build, label: str, targets: list[str], seconds: int, scratch: Path,
                told: Callable[[Case], None], seed: int = 0) -> list[Case]:
    """Each target for `seconds`, as many at once as there are cores. New inputs, findings and outputs go to `scratch`.
    `seed`: of libFuzzer's random numbers; 0: another one each time."""

    def run(target: str) -> Case:
        case = run_target(build, label, target, seconds, scratch, seed)
        told(case)
        return case

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(run, targets))


def run_target(build: Build, label: str, target: str, seconds: int, scratch: Path, seed: int) -> Case:
    program = build.folder / "tests" / "fuzz" / f"fuzz_{target}"
    found = scratch / target
    found.mkdir(parents=True, exist_ok=True)
    output = scratch / f"{target}.log"
    earlier = set(scratch.glob(f"{target}-*"))
    started = time.monotonic()
    with output.open("w", encoding="utf-8") as log:
        try:
            code = subprocess.run(
                [program, f"-max_total_time={seconds}", f"-timeout={SLOWEST_INPUT}", f"-seed={seed}", "-print_final_stats=1",
                 f"-artifact_prefix={scratch / target}-", found, CORPUS / target],
                cwd=ROOT, env=build.environment, timeout=seconds + GRACE,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT).returncode
        except subprocess.TimeoutExpired:
            code = None
        except OSError as error:
            return Case(label, target, FAILED, str(error))
    took = time.monotonic() - started
    text = output.read_text(encoding="utf-8", errors="replace")
    count = re.search(r"^stat::number_of_executed_units:\s*(\d+)", text, re.MULTILINE)
    executions = int(count.group(1)) if count else 0
    name = f"{target}, {seconds} s of fuzzing: {executions} executions"
    if code == 0 and executions > 0:
        return Case(label, name, PASSED, "", took)
    inputs = sorted(set(scratch.glob(f"{target}-*")) - earlier)
    return Case(label, name, FAILED, trouble(program, target, code, output, text, inputs), took)


def trouble(program: Path, target: str, code: int | None, output: Path, text: str, inputs: list[Path]) -> str:
    """What to do about it comes first: a report is cut behind its first lines."""
    how = "did not end" if code is None else f"ended with exit code {code}"
    lines = [f"fuzz_{target} {how}; its output is {output}"]
    lines += [f"replay the input: {program} {path}" for path in inputs] or ["it wrote no new input"]
    lines += [f"once it is mended, the input belongs to {CORPUS / target}"] if inputs else []
    # The last lines are statistics and the input as text; what was violated, and the stack, stand where the report begins.
    body = text.splitlines()
    begin = next((i for i, line in enumerate(body) if "ERROR: " in line or line.startswith("violated: ")), len(body) - 30)
    return "\n".join(lines + body[max(0, begin - 6):][:40])


def tell(voice: Voice) -> Callable[[Case], None]:
    return lambda case: voice.say(f"  {case.name}" + ("" if case.outcome == PASSED else f"  {voice.red}FAILED{voice.plain}"))


def main(arguments: list[str]) -> int:
    seconds, targets = SECONDS, []
    for argument in arguments:
        if argument.isdecimal():
            seconds = int(argument)
        elif argument in all_targets():
            targets.append(argument)
        else:
            print(f"error: '{argument}' is neither a number of seconds nor a fuzz target\n"
                  f"       the targets are {' '.join(all_targets())}", file=sys.stderr)
            return 1
    targets = targets or all_targets()
    voice, run = Voice(), Run()
    build = Build(ROOT, FOLDER, OPTIONS, ENVIRONMENT, COMPILER)
    voice.step("build")
    failure = build.configure() or build.build(programs_of(targets))
    if failure:
        print(failure, file=sys.stderr)
        return 1
    scratch = Path(tempfile.mkdtemp(prefix="drywall-fuzz."))
    voice.step(f"{len(targets)} targets, {seconds} s each")
    run.cases = run_targets(build, "fuzzing", targets, seconds, scratch, tell(voice))
    voice.closing(run)
    voice.say(f"new inputs are in {scratch}")
    return 0 if run.succeeded() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
