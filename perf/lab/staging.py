"""What do staged policies cost the traffic? One drywalld, and staged policies that come and go while it forwards."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from perf.lab import captures
from perf.lab.forwarders import Drywalld, window
from perf.lab.plan import Scale, alternate
from perf.lab.report import LOWER, CannotRun, Figure, Goal, Question
from perf.peers import drywall
from perf.peers.rules import rules

NAME = "staging"
NONE, AGAIN = "0 staged", "0 staged, again"
RULES, FLOWS = 100, 1000
ESTABLISHED, DENIED = "established", "denied"
METHOD = f"""\
One worker on `net_pcap` devices as above, 64-byte frames, {RULES} enforced rules; the staged policies are applied and deleted between the windows of one process, so that all
of them have the same memory. *Established* packets belong to {FLOWS:,} connections, each *denied* one is judged by itself. `{AGAIN}` is the same as the first row: their
difference is the noise. The instructions per packet are the same number, whatever is staged ([below](#instructions-per-packet))."""


class Staged:
    def __init__(self, folder: Path, scale: Scale, traffic: str) -> None:
        chosen = rules(RULES)
        flows = captures.flows_of(chosen, FLOWS)
        if traffic == DENIED:
            flows = [(client, port, server, 9000) for client, port, server, _ in flows]
        # An answer would be allowed, and what it answers would be a packet of its connection.
        captures.both_ways(folder, flows, captures.SIZES["64 B"], answers=traffic == ESTABLISHED)
        self._scale, self._traffic = scale, traffic
        self._program = Drywalld(scale.machine, captures.devices(folder), folder / "drywall", drywall.stateful(chosen))
        # What is denied is received and not transmitted.
        self._count = self._program.received if traffic == DENIED else self._program.transmitted

    def measure(self, count: int) -> dict[str, float]:
        text = drywall.staged(count)
        if text:
            self._program.appliance.apply(text)
        try:
            time.sleep(self._scale.warm_up)
            before = self._program.transmitted()  # what came before the policies was let pass
            found = window(self._program, 0, self._scale.window, self._count)
            passed = self._program.transmitted() - before
            if (passed == 0) == (self._traffic == ESTABLISHED):
                raise CannotRun(f"of the packets that are {self._traffic}, {passed} passed")
            return found
        finally:
            if text:
                answer = self._program.appliance.request("POST", "/v1/delete?force=true", text)
                if answer.status != 200:
                    raise AssertionError(f"delete was answered {answer.status}: {answer.text[:300]}")

    def stop(self) -> None:
        self._program.stop()


def label(count: int) -> str:
    return f"{count:,} staged"


def run(scale: Scale) -> Question:
    question = Question(NAME, "What do staged policies cost?", METHOD,
                        [Figure("Mpps per core", "", digits=3), Figure("ns/packet", "", LOWER, 1)],
                        reference=NONE, ours=(NONE, AGAIN, *map(label, scale.staged)))
    for traffic in (ESTABLISHED, DENIED):
        with tempfile.TemporaryDirectory(prefix="drywall-lab-") as folder:
            running = Staged(Path(folder), scale, traffic)
            try:
                turns = [({"packets": traffic}, label(count), lambda _, count=count: running.measure(count)) for count in scale.staged]
                turns.append(({"packets": traffic}, AGAIN, lambda _: running.measure(0)))
                alternate(question, 2 * scale.rounds, turns)
            finally:
                running.stop()
        case = {"packets": traffic}
        noise = question.ratio("Mpps per core", case, AGAIN, NONE)
        most = label(scale.staged[-1])
        question.goals.append(Goal(f"{traffic}: {most} / none", question.ratio("Mpps per core", case, most, NONE), 0.99, digits=3,
                                   note=f"between equals: {noise:.3f}" if noise is not None else ""))
    return question

