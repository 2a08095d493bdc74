"""A set of rules that every contender of the perf lab is given in its own language: a perimeter in front of one server.

Rule i lets the clients of one /24 network reach one port of the server, by UDP or TCP; what no rule allows is denied. Each
rule has a network of its own, so that none can be merged with another, and the packets of the lab meet rules from all over the set.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

SERVER = "10.200.0.9"
CLIENTS = "10.0.0.0/10"  # the networks of all rules lie in it
PORTS = range(8000, 8010)
MOST = 1 << 14           # /24 networks in CLIENTS
UDP, TCP = "udp", "tcp"
_FIRST_CLIENT = int(ipaddress.ip_address("10.0.0.5"))


@dataclass(frozen=True)
class Rule:
    number: int
    protocol: str

    @property
    def network(self) -> str:
        return f"10.{self.number >> 8}.{self.number & 255}.0/24"

    @property
    def client(self) -> str:
        """An address that the rule lets pass."""
        return str(ipaddress.ip_address(_FIRST_CLIENT + (self.number << 8)))

    @property
    def port(self) -> int:
        return PORTS[self.number % len(PORTS)]


def rules(count: int, protocols: tuple[str, ...] = (UDP,)) -> list[Rule]:
    """With two protocols every other rule has the second one."""
    if not 0 < count <= MOST:
        raise ValueError(f"{count} rules: 1-{MOST} are possible")
    return [Rule(i, protocols[i % len(protocols)]) for i in range(count)]


def spread(chosen: list[Rule], most: int) -> list[Rule]:
    """At most so many of them, from all over the set."""
    step = max(1, len(chosen) / most)
    return [chosen[int(i * step)] for i in range(min(most, len(chosen)))]
