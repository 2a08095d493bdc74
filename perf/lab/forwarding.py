"""What does forwarding a packet cost one core, beside programs that decide nothing, or decide without connections?"""

from __future__ import annotations

import functools
from pathlib import Path

from perf.lab import captures
from perf.lab.forwarders import Drywalld, L3fwdAcl, Testpmd, window
from perf.lab.plan import Scale, alternate
from perf.lab.report import LOWER, Figure, Goal, Question
from perf.peers import drywall
from perf.peers.rules import rules

NAME = "forwarding"
FLOOR, STATELESS, STATEFUL, ACL = "testpmd io", "Drywall stateless", "Drywall stateful", "l3fwd-acl"
FLOWS = 1000
METHOD = f"""\
Two `net_pcap` devices replay {FLOWS:,} UDP flows for ever, there and back, and throw away what is sent; one polling core. A rate is packets by the
polling thread's own CPU time, so that what other programs took of the core is not in it. *Stateless* are `doNotTrack` policies, *stateful* is
ordinary policy; n rules are n /24 networks with a port each, and in programs without connections as many for the answers. Drywall checks every
checksum and length; l3fwd-acl, built from Debian's source package with `-O3 -march=native` and without its demand for checksum offload (which no virtual
device has), looks addresses and ports up and writes MAC addresses. The packages of `dpdk-testpmd`, and `drywalld`'s build, are for any x86-64-v2 machine."""


def contenders(folder: Path, scale: Scale, size: str, count: int) -> dict:
    """Functions that start one; the capture files are written when the first of them is."""
    chosen = rules(count)

    def devices() -> list[str]:
        captures.both_ways(folder, captures.flows_of(chosen, FLOWS), captures.SIZES[size])
        return captures.devices(folder)

    return {FLOOR: lambda: Testpmd(scale.machine, devices()),
            STATELESS: lambda: Drywalld(scale.machine, devices(), folder / "drywall", drywall.stateless(chosen)),
            STATEFUL: lambda: Drywalld(scale.machine, devices(), folder / "drywall", drywall.stateful(chosen)),
            ACL: lambda: L3fwdAcl(scale.machine, devices(), folder, chosen)}


def measure(folder: Path, *, scale: Scale, size: str, count: int, contender: str) -> dict[str, float]:
    program = contenders(folder, scale, size, count)[contender]()
    try:
        return window(program, scale.warm_up, scale.window)
    finally:
        program.stop()


def run(scale: Scale) -> Question:
    question = Question(NAME, "What does forwarding cost a core?", METHOD,
                        [Figure("Mpps per core", ""), Figure("ns/packet", "", LOWER, 1), Figure("Mpps by the clock", "")],
                        reference=FLOOR, ours=(STATELESS, STATEFUL), floors=(FLOOR,))
    turns = []
    for size in captures.SIZES:
        for count in (None, *scale.rules):
            case = {"frames": size, "rules": "-" if count is None else f"{count:,}"}
            for contender in (FLOOR,) if count is None else (STATELESS, STATEFUL, ACL):
                turns.append((case, contender, functools.partial(measure, scale=scale, size=size, count=count or 1, contender=contender)))
    alternate(question, scale.rounds, turns)
    for count in scale.rules:
        case = {"frames": "64 B", "rules": f"{count:,}"}
        row = question.find(case, STATEFUL)
        said = "1 rule" if count == 1 else f"{count:,} rules"
        question.goals.append(Goal(f"stateful, 64 B, {said} / testpmd io", question.beside_reference(row) if row else None, 0.5))
    return question
