"""What do changes of policy cost the traffic: CPU time of the worker, packets, and the longest gap of a flow?"""

from __future__ import annotations

import functools
import threading
import time
from pathlib import Path

from perf.lab import captures, wire
from perf.lab.forwarders import Drywalld, window
from perf.lab.plan import Scale, alternate
from perf.lab.report import LOWER, CannotRun, Figure, Goal, Question
from perf.peers import drywall
from perf.peers.rules import TCP, UDP, rules
from tests.lab import policies

NAME = "swapping"
STILL, SWAPPING = "no swaps", "swapping"
MEMORY, PACKET = "net_pcap", "net_af_packet"
PER_SECOND = 20
WIRE_POLICIES = 100
METHOD = f"""\
On `net_pcap` devices, 64-byte frames, one worker: its own CPU time per packet while one of n policies (a rule each) changes {PER_SECOND} times a second, or as often as that is
possible. Behind `net_af_packet`: `drywall-gen swap` with {WIRE_POLICIES} policies, 20,000 packets per second of 10 flows (one every half a millisecond), which tells the packets that were lost or judged by neither or
both generations, and the longest gap of a flow between two of its packets, which on a machine that is shared has the scheduler in it: hence the same without swaps."""


def all_policies(count: int) -> str:
    return "---\n".join([drywall.server(), *map(drywall.policy, rules(count))])


def on_memory(folder: Path, *, scale: Scale, count: int, swapping: bool) -> dict[str, float]:
    chosen = rules(count)
    captures.both_ways(folder, captures.flows_of(chosen[:-1] or chosen, 1000), captures.SIZES["64 B"])
    program = Drywalld(scale.machine, captures.devices(folder), folder / "drywall", all_policies(count))
    done = threading.Event()
    swaps, troubles = [], []

    def swap() -> None:
        while not done.is_set():
            began = time.monotonic()
            try:
                program.appliance.apply(drywall.policy(chosen[-1], 9000 + len(swaps) % 2))
            except (AssertionError, OSError) as error:
                troubles.append(str(error))
                return
            swaps.append(time.monotonic() - began)
            done.wait(max(0.0, 1 / PER_SECOND - swaps[-1]))

    swapper = threading.Thread(target=swap)
    try:
        if swapping:
            swapper.start()
        found = window(program, scale.warm_up, scale.window)
        if troubles:
            raise CannotRun(troubles[0])
        return {"Mpps per core": found["Mpps per core"], "ns/packet": found["ns/packet"]}
    finally:
        done.set()
        if swapping:
            swapper.join()
        program.stop()


def on_wire(question: Question, case: dict[str, str], folder: Path, scale: Scale) -> None:
    line = wire.Wire(scale.machine)
    try:
        program = Drywalld(scale.machine, wire.devices(wire.AF_PACKET), folder / "drywall", all_policies(WIRE_POLICIES), namespace=line.box)
        try:
            files = []
            for name, ports in (("a", "[8000, 9000]"), ("b", "[8000, 9001]")):
                files.append(folder / f"{name}.yaml")
                files[-1].write_text(policies.policy("swapped", "role == 'server'",
                                                     f"action: Allow; protocol: UDP; destination: {{ports: {ports}}}",
                                                     f"action: Allow; protocol: UDP; source: {{ports: {ports}}}", order=10))
            profile = line.packets(rules(1, (UDP, TCP)), "128").replace(f"count: {wire.FLOWS // wire.STREAMS}", "count: 5")
            repeats = max(1, scale.rounds)
            seconds = 1.25 * scale.swaps / repeats / PER_SECOND  # a request may take longer than its turn
            process, report = line.generate(folder, profile, "--appliance", program.appliance.socket, "--between", *files,
                                            "--swaps-per-second", str(PER_SECOND), "--repeats", str(repeats), "--rate", "20kpps",
                                            "-d", wire.milliseconds(seconds), "--warm-up", "500ms", command="swap")
            record(question, case, line.finished(process, report, 60 + 4 * seconds * repeats))
        finally:
            program.stop()
    finally:
        line.delete()


def record(question: Question, case: dict[str, str], report: dict) -> None:
    figures = {figure["name"]: figure["samples"] for figure in report["figures"]}
    for contender, suffix in ((STILL, " without swaps"), (SWAPPING, " while swapping")):
        row = question.row(case, contender)
        for ours, theirs, scale in (("packets lost", "lost", 1), ("neither or both", "judged by neither or both", 1),
                                    ("longest gap, ms", "longest gap of a flow", 1e-6)):
            if figures.get(theirs + suffix):
                row.samples[ours] = [value * scale for value in figures[theirs + suffix]]
    row.samples["swaps"] = [report["details"]["swaps"]]


def blank() -> Question:
    return Question(NAME, "What does the traffic feel of a change?", METHOD,
                        [Figure("Mpps per core", ""), Figure("ns/packet", "", LOWER, 1), Figure("swaps", "", digits=0), Figure("packets lost", "", LOWER, 0),
                         Figure("neither or both", "", LOWER, 0), Figure("longest gap, ms", "", LOWER, 2)], reference=STILL, ours=(STILL, SWAPPING))


def run(scale: Scale) -> Question:
    question = blank()
    turns = [({"device": MEMORY, "policies": f"{count:,}"}, contender,
              functools.partial(on_memory, scale=scale, count=count, swapping=contender == SWAPPING))
             for count in scale.policies for contender in (STILL, SWAPPING)]
    alternate(question, scale.rounds, turns)
    behind_interfaces(question, scale)
    return question


def behind_interfaces(question: Question, scale: Scale) -> None:
    case = {"device": PACKET, "policies": f"{WIRE_POLICIES:,}"}

    def whole(folder: Path) -> dict[str, float]:
        on_wire(question, case, folder, scale)
        return {}

    question.row(case, STILL)
    alternate(question, 1, [(case, SWAPPING, whole)])
    still, swapped = question.row(case, STILL), question.row(case, SWAPPING)
    if still.could_not_run is None and not still.samples:
        still.could_not_run = swapped.could_not_run
    counted = int(sum(swapped.samples.get("swaps", [0])))
    lost = swapped.samples.get("packets lost")
    question.goals.append(Goal(f"{counted:,} swaps: packets lost", float(sum(lost)) if lost else None, 0, LOWER, digits=0))
    gaps = [row.median("longest gap, ms") for row in (swapped, still)]
    question.goals.append(Goal(f"{counted:,} swaps: longest gap of a flow beyond that without swaps, ms (medians)",
                               None if None in gaps else gaps[0] - gaps[1], 1, LOWER))
