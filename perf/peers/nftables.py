"""The rules as an nftables ruleset with connection tracking, in a namespace that forwards.

The nftables wiki ("Sets", "Concatenations", "Quick reference"): what many rules say alike is one rule that looks a
concatenation of fields up in a set, here with intervals for the networks (the kernel's pipapo set); packets of connections that are there are
accepted before it. A verdict map would be the same lookup: every element's verdict is the same here.

A flowtable (the fast path for connections that are there) is another matter: it takes their packets past the ruleset and counts
nothing of them. The lab has none.
"""

from __future__ import annotations

from perf.peers.rules import SERVER, Rule

TABLE = "drywall_lab"


def _element(rule: Rule, port: int | None = None) -> str:
    return f"{rule.network} . {SERVER} . {rule.protocol} . {port or rule.port}"


def _set(rules: list[Rule]) -> str:
    return ",\n      ".join(map(_element, rules))


def ruleset(rules: list[Rule]) -> str:
    """For `nft -f`: replaces the table with one transaction."""
    return f"""\
table ip {TABLE}
delete table ip {TABLE}
table ip {TABLE} {{
  set allowed {{
    type ipv4_addr . ipv4_addr . inet_proto . inet_service
    flags interval
    elements = {{ {_set(rules)} }}
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state new ip saddr . ip daddr . meta l4proto . th dport @allowed accept
  }}
}}
"""


def change(rule: Rule, before: int, after: int) -> str:
    """For `nft -f`: one rule gets another port."""
    return (f"delete element ip {TABLE} allowed {{ {_element(rule, before)} }}\n"
            f"add element ip {TABLE} allowed {{ {_element(rule, after)} }}\n")


def refill(rules: list[Rule], ports: list[int]) -> str:
    """For `nft -f`: all rules get other ports, in one transaction; what is not named stays."""
    elements = ",\n  ".join(map(_element, rules, ports))
    return f"flush set ip {TABLE} allowed\nadd element ip {TABLE} allowed {{ {elements} }}\n"
