"""The rules as a rule file of DPDK's l3fwd in ACL mode.

DPDK's sample applications guide, "L3 Forwarding": lines with @ deny and lines with R name the port to leave by; without a
default rule for the rest, what no line matches is dropped. It knows no connections, so that answers have lines of their own.
"""

from __future__ import annotations

from perf.peers.rules import SERVER, Rule

PROTOCOLS = {"tcp": "0x06/0xff", "udp": "0x11/0xff"}
# The sample refuses to start without any rule for IPv6. This prefix is for documentation (RFC 3849).
IPV6 = "R2001:db8:0:0:0:0:0:0/32 0:0:0:0:0:0:0:0/0 0 : 65535 0 : 65535 0x00/0x00 0\n"


def ipv4(rules: list[Rule], inside: int, outside: int) -> str:
    """The clients are behind the port `inside`, the server is behind `outside`."""
    lines = []
    for rule in rules:
        protocol = PROTOCOLS[rule.protocol]
        lines.append(f"R{rule.network} {SERVER}/32 0 : 65535 {rule.port} : {rule.port} {protocol} {outside}\n"
                     f"R{SERVER}/32 {rule.network} {rule.port} : {rule.port} 0 : 65535 {protocol} {inside}\n")
    return "".join(lines)
