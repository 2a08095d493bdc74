"""The same traffic through real interfaces (veth): Drywall, nftables and Open vSwitch with DPDK, all with connection tracking."""

from __future__ import annotations

import functools
from pathlib import Path

from perf.lab import wire
from perf.lab.plan import Scale, alternate
from perf.lab.report import LOWER, Figure, Goal, Question
from perf.lab.wire import (DRYWALL_PACKET, DRYWALL_XDP, NFTABLES, OVS_PACKET, OVS_XDP, ROUTING, TESTPMD_PACKET, TESTPMD_XDP)
from perf.peers.rules import TCP, UDP, rules

NAME = "interfaces"
FLOORS = (TESTPMD_PACKET, TESTPMD_XDP, ROUTING)
FIREWALLS = (DRYWALL_PACKET, DRYWALL_XDP, NFTABLES, OVS_PACKET, OVS_XDP)
PER_CORE, NEW = "kpps per core of work", "new connections/s"
METHOD = f"""\
`drywall-gen` on one CPU, the contender on the other, veth pairs between them (net_af_packet, net_af_xdp in copy mode; nftables in a namespace that routes, as
the kernel here has no connection tracking for bridges). 64-byte frames of {wire.FLOWS:,} UDP connections, both ways, at the greatest rate of which no more than {wire.LOSS} is lost
(`drywall-gen ndr`); half of the rules are for UDP, half for TCP. *Work* of a program that polls is its CPU, all the time; of nftables
and routing that of the softirqs on their CPU, whatever ran there when they came (in ticks of 4 ms). So a program that polls has a lower bound where the generator is
the limit, or another program took its CPU. *Latency*: 20 kpps of 128 bytes.
*New connections*: TCP, one exchange of 64 bytes and the close, 200 at a time, both ends in the generator. The rows with `-` decide nothing: they are what the device
or the kernel's routing takes. A packet that the kernel routes is never copied; each of a DPDK program's is, twice, with system calls: on network cards, which DPDK drives
without the kernel, that share falls away, and nothing here says how much."""


def measure(folder: Path, *, scale: Scale, count: int | None, contender: str) -> dict[str, float]:
    chosen = rules(count or 10, (UDP, TCP))
    line = wire.Wire(scale.machine)
    try:
        box = wire.start(contender, line, folder, chosen)
        try:
            delay = wire.latency(line, folder, chosen, scale.window)
            return (wire.throughput(line, box, folder, chosen, "64", scale.warm_up, scale.window) | delay |
                    wire.new_connections(line, box, folder, chosen, scale.window))
        finally:
            box.stop()
    finally:
        line.delete()


def blank() -> Question:
    return Question(NAME, "The same through real interfaces", METHOD, [
        Figure(PER_CORE, "", digits=0), Figure("kpps", "", digits=0), Figure("latency p50, us", "", LOWER, 0),
        Figure("latency p99, us", "", LOWER, 0), Figure(NEW, "", digits=0), Figure("new connections per core of work", "", digits=0)],
        reference=NFTABLES, ours=(DRYWALL_PACKET, DRYWALL_XDP), floors=FLOORS)


def run(scale: Scale) -> Question:
    question = blank()
    turns = []
    for count in (None, *scale.wire_rules):
        case = {"rules": "-" if count is None else f"{count:,}"}
        for contender in FLOORS if count is None else FIREWALLS:
            turns.append((case, contender, functools.partial(measure, scale=scale, count=count, contender=contender)))
    alternate(question, scale.wire_rounds, turns)
    mark_generators_limit(question)
    hold_to_goals(question, {"rules": f"{scale.wire_rules[-1]:,}"})
    return question


def mark_generators_limit(question: Question) -> None:
    """drywall-gen's own rule: what is nearer than 1.2 times to what it reached at all says nothing of the contender."""
    rates = {(row.contender, row.case["rules"]): row.median("kpps") for row in question.rows if row.samples}
    if not rates:
        return
    most = max(rates.values())
    near = [f"{contender} ({count})" for (contender, count), rate in rates.items() if rate * 1.2 > most]
    question.notes.append(f"Nearer than 1.2 times to the most that the generator brought through ({most:,.0f} kpps), so perhaps its limit and not theirs, in "
                          f"*kpps*: {', '.join(near)}.")


def hold_to_goals(question: Question, case: dict[str, str]) -> None:
    none, rules_said = {"rules": "-"}, f"{case['rules']} rules"
    for ours, floor in ((DRYWALL_PACKET, TESTPMD_PACKET), (DRYWALL_XDP, TESTPMD_XDP)):
        question.goals.append(Goal(f"{ours}, {rules_said} / {floor}, packets", question.ratio(PER_CORE, case, ours, floor, none), 0.9))
    pairs = ((DRYWALL_PACKET, OVS_PACKET), (DRYWALL_XDP, OVS_XDP))
    for ours, switch in pairs:
        for peer, times in ((switch, 3), (NFTABLES, 5)):
            question.goals.append(Goal(f"{ours} / {peer}, {rules_said}, packets per core of work", question.ratio(PER_CORE, case, ours, peer), times))
    for ours, switch in pairs:
        for peer in (switch, NFTABLES):
            question.goals.append(Goal(f"{ours} / {peer}, {rules_said}, new connections/s", question.ratio(NEW, case, ours, peer), 3))
