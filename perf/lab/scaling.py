"""How does it scale with workers, as far as this machine has cores, and what would a 100 GbE server need? (The latter is arithmetic.)"""

from __future__ import annotations

import functools
import json
import math
import os
from pathlib import Path

from perf.lab import captures
from perf.lab.forwarders import Drywalld, window
from perf.lab.plan import Scale, alternate
from perf.lab.report import LOWER, Figure, Question
from perf.peers import drywall
from perf.peers.rules import rules
from tests.lab.appliance import ROOT

NAME = "scaling"
RULES, FLOWS = 100, 1000
ALONE = "1 worker"
PER_CORE = "Mpps per core"
LINE = 100e9
OVERHEAD = 20  # bytes of preamble, start of frame and gap, beside those of a frame with its check sequence
METHOD = f"""\
Drywall stateful, {RULES} rules, {FLOWS:,} flows, `net_pcap` with a queue for each worker. *Own frames*: each worker keeps what its queue brings (`distribute: never`), as behind a
network card with symmetric RSS. *Handed over*: frames go to the worker that owns their connection, half of them to another than received them, as behind devices that do not
sort. CPU time of all workers; the last worker shares its CPU with everything else that runs."""


def frames_per_second(sizes: tuple[int, ...]) -> float:
    """Of a full 100 GbE line; the sizes are without the check sequence of 4 bytes."""
    return LINE / 8 / (sum(sizes) / len(sizes) + 4 + OVERHEAD)


def measure(folder: Path, *, scale: Scale, size: str, cpus: list[int], distribute: str) -> dict[str, float]:
    chosen = rules(RULES)
    captures.both_ways(folder, captures.flows_of(chosen, FLOWS), captures.SIZES[size])
    program = Drywalld(scale.machine, captures.devices(folder, len(cpus)), folder / "drywall", drywall.stateful(chosen), cpus=cpus,
                       distribute=distribute)
    try:
        return window(program, scale.warm_up, scale.window)
    finally:
        program.stop()


def arithmetic(question: Question) -> list[str]:
    lines = ["**Arithmetic, not a measurement:** a 100 GbE line one way, from the medians of the row with one worker, if workers scale as they do behind "
             "symmetric RSS, and a network card's driver costs as much as `net_pcap`, which copies every frame:", ""]
    for size, sizes in captures.SIZES.items():
        row = question.find({"frames": size}, ALONE)
        rate = row.median(PER_CORE) if row else None
        if rate is None:
            continue
        line = frames_per_second(sizes) / 1e6
        lines.append(f"* {size}: {line:.1f} Mpps / {rate:.1f} Mpps per core = {line / rate:.1f}, so {math.ceil(line / rate)} cores")
    counted = json.loads((ROOT / "perf" / "instructions.json").read_text())
    established, new = (counted[f"{case}, 0 staged"]["process"] for case in ("established-udp", "new-udp"))
    lines += ["", f"For other processors: the engine spends {established:,.0f} instructions on an established UDP packet and {new:,.0f} on one that opens a connection "
              f"(`perf/instructions.json`), the device comes on top. At 3 instructions a cycle and 3 GHz (both assumed) that is {9e9 / established / 1e6:.1f} and "
              f"{9e9 / new / 1e6:.1f} Mpps per core."]
    return ["\n".join(lines)]


def run(scale: Scale) -> Question:
    question = Question(NAME, "How does it scale?", METHOD,
                        [Figure(PER_CORE, ""), Figure("ns/packet", "", LOWER, 1), Figure("Mpps by the clock", "")], reference=ALONE)
    cpus = sorted(os.sched_getaffinity(0), reverse=True)
    turns = []
    for size in captures.SIZES:
        turns.append(({"frames": size}, ALONE, functools.partial(measure, scale=scale, size=size, cpus=cpus[:1], distribute="auto")))
        count = 2
        while count <= len(cpus):
            for said, distribute in (("own frames", "never"), ("handed over", "always")):
                turns.append(({"frames": size}, f"{count} workers, {said}",
                              functools.partial(measure, scale=scale, size=size, cpus=cpus[:count], distribute=distribute)))
            count *= 2
    alternate(question, scale.rounds, turns)
    if len(cpus) < 2:
        question.notes.append("This machine has one core: nothing more can be said.")
    question.notes += arithmetic(question)
    return question
