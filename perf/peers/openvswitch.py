"""The rules as OpenFlow with connection tracking for Open vSwitch's userspace datapath (DPDK).

ovs-fields(7) and the "OVS Conntrack Tutorial": a first table sends untracked IP through `ct`, a second lets what is established pass
and looks new connections up among the rules, each of which commits. The configuration follows "Using Open vSwitch with DPDK" and "PMD Threads":
one PMD thread on the CPU that the system under test has, its queues pinned there.
"""

from __future__ import annotations

from perf.peers.rules import SERVER, Rule

INSIDE, OUTSIDE = 1, 2  # OpenFlow ports
ZONE = 1


def _flow(rule: Rule, port: int | None = None) -> str:
    return (f"table=1,priority=50,ct_state=+trk+new,{rule.protocol},in_port={INSIDE},nw_src={rule.network},nw_dst={SERVER},"
            f"tp_dst={port or rule.port}")


def flows(rules: list[Rule], ports: list[int] | None = None) -> str:
    """For `ovs-ofctl add-flows` and `replace-flows`; with other ports than the rules' own, if they are given."""
    lines = [f"table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1,zone={ZONE})",
             "table=0,priority=0,actions=drop",
             f"table=1,priority=100,ct_state=+trk+est,ip,in_port={INSIDE},actions=output:{OUTSIDE}",
             f"table=1,priority=100,ct_state=+trk+est,ip,in_port={OUTSIDE},actions=output:{INSIDE}",
             "table=1,priority=0,actions=drop"]
    lines += [f"{_flow(rule, port)},actions=ct(commit,zone={ZONE}),output:{OUTSIDE}" for rule, port in zip(rules, ports or [rule.port for rule in rules])]
    return "\n".join(lines) + "\n"


def change(rule: Rule, before: int, after: int) -> str:
    """For `ovs-ofctl --bundle add-flows`: one rule gets another port."""
    return (f"delete_strict {_flow(rule, before)}\n"
            f"add {_flow(rule, after)},actions=ct(commit,zone={ZONE}),output:{OUTSIDE}\n")
