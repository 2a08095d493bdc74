"""The command line of the perf lab; scripts/bench is its front door."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from perf.lab import cores, forwarding, interfaces, layer7, scaling, staging, swap, swapping, tables
from perf.lab.plan import Scale, say
from perf.lab.report import Question
from tests.lab.appliance import ROOT
from tests.lab.netns import clean_up_on_signals

SCALES = {"default": Scale.default, "quick": Scale.quick, "tiny": Scale.tiny}
QUESTIONS = {module.NAME: module for module in (forwarding, interfaces, staging, swap, swapping, scaling, layer7)}
DOCUMENT = ROOT / "docs" / "performance.md"
NEEDS_ROOT, USAGE = 77, 2  # 77: how a test tells meson that it was skipped


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Drywall beside its peers, on virtual devices of this machine.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and cases, within five minutes; for a look, not for quoting")
    parser.add_argument("--only", action="append", metavar="QUESTION", help="only this one; may be repeated")
    parser.add_argument("--list", action="store_true", help="the questions, and stop")
    parser.add_argument("--rounds", type=int, metavar="N", help="so many rounds, each with every contender")
    parser.add_argument("-o", "--json", type=Path, metavar="FILE", help="everything that was measured, every sample")
    parser.add_argument("--no-write", action="store_true", help="leave docs/performance.md as it is; the tables go to the terminal")
    parser.add_argument("--scale", choices=SCALES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.only or ()) - set(QUESTIONS))
    if unknown:
        parser.error(f"no question is called {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    if chosen.rounds is not None and chosen.rounds < 1:
        parser.error(f"--rounds {chosen.rounds}: at least one")
    return chosen


def machine() -> dict[str, str | int]:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    return {"processor": model.group(1).strip() if model else platform.machine(), "cores": os.cpu_count() or 0,
            "virtual": "yes" if " hypervisor" in cpuinfo else "no", "kernel": platform.release(),
            "hugepages": int(Path("/proc/sys/vm/nr_hugepages").read_text()), "load_before": round(os.getloadavg()[0], 2)}


def revision() -> str:
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def command(chosen: argparse.Namespace) -> str:
    """To repeat it; where the report went is nobody's business."""
    words = ["scripts/bench", *(["--quick"] if chosen.quick else []), *(["--scale", chosen.scale] if chosen.scale else [])]
    words += [word for name in chosen.only or () for word in ("--only", name)]
    return shlex.join(words + (["--rounds", str(chosen.rounds)] if chosen.rounds else []))


def heading(report: dict) -> str:
    its = report["machine"]
    return (f"*{report['date']}, {its['cores']} cores of {its['processor']}{' (a virtual machine)' if its['virtual'] == 'yes' else ''}, Linux "
            f"{its['kernel']}, {its['hugepages'] or 'no'} hugepages, load {its['load_before']} before the start: other programs ran beside it where that is not "
            f"near 0. Revision {report['revision']}. `{report['command']}`, {report['rounds']} rounds in alternation; medians (quartiles).*")


def main() -> int:
    chosen = arguments()
    if chosen.list:
        for name, module in QUESTIONS.items():
            print(f"{name:12} {(module.__doc__ or '').strip().splitlines()[0]}")
        return 0
    if os.geteuid() != 0:
        print("needs root, for devices, namespaces and pinned cores; run it as root")
        return NEEDS_ROOT
    clean_up_on_signals()
    name = chosen.scale or ("quick" if chosen.quick else "default")
    scale = SCALES[name]()
    if chosen.rounds:
        scale = Scale(**{**vars(scale), "rounds": chosen.rounds, "wire_rounds": chosen.rounds})
    report = {"date": datetime.date.today().isoformat(), "machine": machine(), "revision": revision(), "scale": name, "rounds": scale.rounds,
              "command": command(chosen), "questions": []}
    with cores.ahead_of_others():
        ask(chosen, scale, report)
    return 0


def ask(chosen: argparse.Namespace, scale: Scale, report: dict) -> None:
    for question in QUESTIONS if not chosen.only else chosen.only:
        began = time.monotonic()
        say(f"{question}:")
        found: Question = QUESTIONS[question].run(scale)
        report["questions"].append(found.json() | {"seconds": round(time.monotonic() - began, 1)})
        text = f"{tables.section(found)}\n\n{heading(report)}"
        if not chosen.no_write:
            tables.write(DOCUMENT, {question: text})
        print(text + "\n", flush=True)
        if chosen.json:  # after each question: a run that is interrupted has told what it knows
            chosen.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
