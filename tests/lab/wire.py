"""Two segments with hosts, and a box between them that is the only way from one to the other.

    host ─┐                                              ┌─ host
    host ─┤ bridge, up0 ══ in0 [ the appliance ] out0 ══ up0, bridge ├─ host
    host ─┘      left                box               right        └─ host

Every box in the picture is a network namespace. All hosts are in one subnet (10.77.0.0/24, fd77::/64), as on both sides
of a bump in the wire. Without an appliance in the box nothing crosses.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.lab.netns import LabError, Namespace

V4, V6 = "10.77.0.{}", "fd77::{}"
LEFT, RIGHT = "left", "right"
BOX_PORTS = {LEFT: "in0", RIGHT: "out0"}


@dataclass
class Host:
    name: str
    segment: str
    number: int
    labels: dict[str, str]
    namespace: Namespace
    addresses: list[str] = field(default_factory=list)

    @property
    def v4(self) -> str:
        return V4.format(self.number)

    @property
    def v6(self) -> str:
        return V6.format(self.number)

    def address(self, family: int) -> str:
        return self.v4 if family == 4 else self.v6


class Wire:
    def __init__(self, prefix: str | None = None) -> None:
        self._prefix = prefix
        self.hosts: dict[str, Host] = {}
        self._namespaces: list[Namespace] = []
        try:
            self.box = self._namespace("box")
            self.box.ip("link set lo up")
            self.segments = {side: self._segment(side) for side in (LEFT, RIGHT)}
        except BaseException:
            self.delete()
            raise

    def _namespace(self, role: str) -> Namespace:
        namespace = Namespace(role, self._prefix)
        self._namespaces.append(namespace)
        # Quiet: what nobody sends on purpose (router solicitations, DAD, MLD reports) would be in every count. The first
        # report of a group leaves at once and cannot be turned off; the repetitions come at random within eleven days.
        namespace.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__default__router_solicitations=0,
                         ipv6__conf__default__autoconf=0,
                         ipv6__conf__default__mldv2_unsolicited_report_interval=10**9)
        return namespace

    def _segment(self, side: str) -> Namespace:
        segment = self._namespace(side)
        for quiet in (segment, self.box):
            quiet.sysctl(ipv6__conf__default__disable_ipv6=1, ipv6__conf__all__disable_ipv6=1)
        segment.ip("link add br0 type bridge mcast_snooping 0 forward_delay 0\nlink set br0 up")
        segment.ip(f"link add up0 type veth peer name {BOX_PORTS[side]} netns {self.box.name}\n"
                   "link set up0 master br0 up")
        self.box.ip(f"link set {BOX_PORTS[side]} up")
        whole_frames(segment, "up0")
        return segment

    def host(self, name: str, segment: str, number: int, **labels: str) -> Host:
        namespace = self._namespace(name)
        self.segments[segment].ip(
            f"link add h{number} type veth peer name eth0 netns {namespace.name}\nlink set h{number} master br0 up")
        namespace.ip("link set lo up\nlink set eth0 up\n"
                     f"addr add {V4.format(number)}/24 dev eth0\naddr add {V6.format(number)}/64 dev eth0 nodad")
        host = Host(name, segment, number, labels, namespace)
        self.hosts[name] = host
        return host

    def delete(self) -> None:
        for namespace in reversed(self._namespaces):
            namespace.delete()
        self._namespaces.clear()


def whole_frames(namespace: Namespace, interface: str) -> None:
    """A veth leaves checksums, segmentation and VLAN tags to a card that is not there: its peer would hand over frames of up
    to 64 kB whose checksums are wrong, and without their tags. That is right between kernels, but not towards a program that
    takes frames as they are."""
    settings = ("tx", "off", "txvlan", "off", "tx-vlan-stag-hw-insert", "off")
    done = namespace.run("ethtool", "-K", interface, *settings)
    if done.returncode != 0:
        raise LabError(f"ethtool -K {interface} {' '.join(settings)}: {done.stderr.strip()}")
