"""A bad wire between a host and its segment: frames are lost, doubled and overtaken, by a seed. (Not every kernel has netem.)

    host eth0 ══ hN [ a thread that forwards ] bad0 ══ bad1 ─ bridge
"""

from __future__ import annotations

import contextlib
import random
import select
import socket
import threading
import time

from tests.lab.wire import Host, Wire, whole_frames

ALL_PROTOCOLS = 3
PACKET_OUTGOING = 4
LARGEST_FRAME = 65536


class BadWire:
    """In both directions: of a hundred frames so many are lost, doubled, and held back until some have overtaken them."""

    def __init__(self, wire: Wire, host: Host, *, seed: int, lost: float = 2, doubled: float = 2, held: float = 10) -> None:
        self._wire, self._host, self._random = wire, host, random.Random(seed)
        self._shares = lost / 100, doubled / 100, held / 100
        self.spoiled = 0  # frames
        namespace, port = wire.segments[host.segment], f"h{host.number}"
        whole_frames(host.namespace, "eth0")
        namespace.ip(f"link set {port} nomaster\nlink set {port} promisc on\n"
                     "link add bad0 type veth peer name bad1\nlink set bad0 up promisc on\nlink set bad1 master br0 up")
        whole_frames(namespace, "bad1")
        with namespace.inside():
            self._sockets = [self._raw(interface) for interface in (port, "bad0")]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    @staticmethod
    def _raw(interface: str) -> socket.socket:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        made.bind((interface, ALL_PROTOCOLS))
        return made

    def _forward(self) -> None:
        held: list[tuple[float, socket.socket, bytes]] = []
        while not self._stop.is_set():
            ready, _, _ = select.select(self._sockets, [], [], 0.002)
            for one in ready:
                other = self._sockets[1 - self._sockets.index(one)]
                frame, where = one.recvfrom(LARGEST_FRAME)
                if where[2] == PACKET_OUTGOING:
                    continue
                for due in self._fate():
                    held.append((time.monotonic() + due, other, frame))
            now = time.monotonic()
            for _, to, frame in (entry for entry in held if entry[0] <= now):
                with contextlib.suppress(OSError):  # an interface that is gone
                    to.send(frame)
            held = [entry for entry in held if entry[0] > now]

    def _fate(self) -> list[float]:
        """How long each copy is held."""
        lost, doubled, late = self._shares
        chance = self._random.random()
        self.spoiled += chance < lost + doubled + late
        if chance < lost:
            return []
        if chance < lost + doubled:
            return [0, 0.001]
        return [0.004] if chance < lost + doubled + late else [0]

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        for one in self._sockets:
            one.close()
        namespace = self._wire.segments[self._host.segment]
        namespace.ip(f"link del bad0\nlink set h{self._host.number} master br0")
