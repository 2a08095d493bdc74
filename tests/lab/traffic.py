"""Programs that talk through the wire: servers that echo, probes that say what became of a connection."""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import os
import socket
import struct
import threading
import time

from tests.lab.frames import checksum
from tests.lab.netns import Namespace

OPEN, DROPPED, REFUSED = "open", "dropped", "refused"
SO_RCVBUFFORCE = 33


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class EchoServer:
    """Answers every TCP connection, or every UDP datagram, with what it got. A thread; stop() ends it."""

    def __init__(self, namespace: Namespace, port: int, *, udp: bool = False) -> None:
        kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
        with namespace.inside():
            self._socket = socket.socket(socket.AF_INET6, kind)  # with v4 mapped into it
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._socket.bind(("::", port))
        self._stopped = threading.Event()
        self._connections: set[socket.socket] = set()
        if not udp:
            self._socket.listen(128)
        self._thread = threading.Thread(target=self._datagrams if udp else self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._connections.add(connection)
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)
        self._connections.discard(connection)
        connection.close()

    def _datagrams(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        while not self._stopped.is_set():
            try:
                data, sender = self._socket.recvfrom(65536)
                self._socket.sendto(data, sender)
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL) or self._stopped.is_set():
                    return

    def stop(self) -> None:
        self._stopped.set()
        for end in (self._socket, *tuple(self._connections)):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it
        self._thread.join(2)
        self._socket.close()


def connect(namespace: Namespace, address: str, port: int, timeout: float = 5.0) -> socket.socket:
    with namespace.inside():
        client = socket.socket(family_of(address), socket.SOCK_STREAM)
    client.settimeout(timeout)
    try:
        client.connect((address, port))
    except BaseException:
        client.close()
        raise
    return client


def exchange(connection: socket.socket, data: bytes = b"ping through the wire") -> bool:
    """Whether the echo came back whole, within the connection's timeout."""
    try:
        connection.sendall(data)
        received = b""
        while len(received) < len(data):
            part = connection.recv(len(data) - len(received))
            if not part:
                return False
            received += part
    except OSError:
        return False
    return received == data


def tcp(namespace: Namespace, address: str, port: int, timeout: float = 2.0) -> str:
    """One connection with one exchange over it."""
    try:
        with connect(namespace, address, port, timeout) as connection:
            return OPEN if exchange(connection) else DROPPED
    except ConnectionRefusedError:
        return REFUSED
    except OSError:
        return DROPPED


def udp(namespace: Namespace, address: str, port: int, timeout: float = 2.0) -> str:
    """One datagram and its echo; the port's absence is told by an ICMP error."""
    with namespace.inside():
        client = socket.socket(family_of(address), socket.SOCK_DGRAM)
    with client:
        client.settimeout(timeout)
        client.connect((address, port))
        try:
            client.send(b"ping")
            return OPEN if client.recv(100) == b"ping" else DROPPED
        except ConnectionRefusedError:
            return REFUSED
        except OSError:
            return DROPPED


def ping(namespace: Namespace, address: str, timeout: float = 2.0, payload: bytes = b"x" * 32) -> str:
    six = ":" in address
    identifier = os.getpid() & 0x7FFF | threading.get_ident() & 0x8000
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    with namespace.inside():
        client = socket.socket(family_of(address), socket.SOCK_RAW, protocol)
    request, reply = (128, 129) if six else (8, 0)
    body = struct.pack("!HH", identifier, 1) + payload
    header = struct.pack("!BBH", request, 0, 0)
    if not six:  # for ICMPv6 the kernel fills it in
        header = struct.pack("!BBH", request, 0, checksum(header + body))
    with client:
        client.sendto(header + body, (address, 0))
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            client.settimeout(left)
            try:
                data = client.recv(65536)
            except OSError:
                return DROPPED
            data = data if six else data[(data[0] & 0x0F) * 4:]
            if data[0] == reply and data[4:] == body:
                return OPEN
    return DROPPED


def all_at_once(questions: dict) -> dict:
    """{key: function} to {key: its answer}; blocked connections wait for their timeouts side by side."""
    if not questions:
        return {}
    with concurrent.futures.ThreadPoolExecutor(min(64, len(questions))) as pool:
        answers = {key: pool.submit(question) for key, question in questions.items()}
        return {key: answer.result() for key, answer in answers.items()}


class RawPort:
    """Frames as they are, on an interface of a namespace: for what no ordinary socket sends."""

    def __init__(self, namespace: Namespace, interface: str) -> None:
        with namespace.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind((interface, 0))
        # The kernel takes VLAN tags out of frames and hands them over beside; ask for both.
        self.socket.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA

    def send(self, frame: bytes) -> None:
        self.socket.send(frame)

    def receive(self, wanted, timeout: float = 3.0) -> bytes | None:
        """The first incoming frame for which `wanted` holds, with its VLAN tag back in place."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, extra, _, sender = self.socket.recvmsg(65536, 256)
            except OSError:
                return None
            if sender[2] == socket.PACKET_OUTGOING:
                continue
            frame = with_tag(frame, extra)
            if wanted(frame):
                return frame
        return None

    def close(self) -> None:
        self.socket.close()


def with_tag(frame: bytes, extra) -> bytes:
    for level, kind, data in extra:
        if level == 263 and kind == 8 and len(data) >= 20:  # struct tpacket_auxdata
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
            if status & (1 << 4):  # TP_STATUS_VLAN_VALID
                tpid = tpid if status & (1 << 6) else 0x8100
                return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
    return frame
