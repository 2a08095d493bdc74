"""Servers that speak protocols: HTTP, TLS and DNS, each a thread in a namespace; stop() ends it."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from pathlib import Path

from tests.lab.netns import Namespace


class _Threaded(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # with v4 mapped into it
        super().server_bind()

    def handle_error(self, *_) -> None:  # clients go away in the middle of what they say
        pass


class _Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        self.server.seen.append(f"{self.command} {self.path}")
        body = f"{self.command} {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_) -> None:
        pass


class WebServer:
    """Answers each request with its method and path, and remembers them in `seen`. With a certificate: over TLS."""

    def __init__(self, namespace: Namespace, port: int, certificate: Path | None = None) -> None:
        with namespace.inside():
            self._server = _Threaded(("::", port), _Pages)
        self._server.seen = []
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def seen(self) -> list[str]:
        """What reached it, as it read it."""
        return self._server.seen

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def certificate(folder: Path, name: str) -> Path:
    """A key and a certificate that it signs itself, in one file."""
    pem = folder / f"{name}.pem"
    key = folder / f"{name}.key"
    made = folder / f"{name}.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", made, "-days", "2", "-subj", f"/CN={name}"], check=True, capture_output=True)
    pem.write_text(key.read_text() + made.read_text())
    return pem


def _labels(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


def question(name: str, family: int = 4, identification: int = 7) -> bytes:
    """A query for the name's addresses."""
    return struct.pack("!6H", identification, 0x0100, 1, 0, 0, 0) + _labels(name) + struct.pack("!2H", 1 if family == 4 else 28, 1)


def _read_name(message: bytes) -> tuple[str, int]:
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), at + 1


class Resolver:
    """Knows names: {"name": address} or {"name": "other.name"} for an alias. Over UDP and TCP, port 53."""

    def __init__(self, namespace: Namespace, names: dict[str, str], ttl: int = 60) -> None:
        self._names = names
        self._ttl = ttl
        with namespace.inside():
            self._udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            self._udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            self._udp.bind(("::", 53))
            resolver = self

            class Stream(socketserver.StreamRequestHandler):
                def handle(self) -> None:
                    while size := self.rfile.read(2):
                        answer = resolver.answer(self.rfile.read(*struct.unpack("!H", size)))
                        self.wfile.write(struct.pack("!H", len(answer)) + answer)

            self._tcp = _Threaded(("::", 53), Stream)
        for target in (self._datagrams, self._tcp.serve_forever):
            threading.Thread(target=target, daemon=True).start()

    def answer(self, query: bytes) -> bytes:
        name, end = _read_name(query)
        kind, _ = struct.unpack("!2H", query[end:end + 4])
        records, wanted = [], name
        while wanted in self._names and not _is_address(self._names[wanted]):
            records.append(self._record(wanted, 5, _labels(self._names[wanted])))
            wanted = self._names[wanted]
        address = self._names.get(wanted)
        if address and (":" in address) == (kind == 28):
            family = socket.AF_INET6 if kind == 28 else socket.AF_INET
            records.append(self._record(wanted, kind, socket.inet_pton(family, address)))
        head = query[:2] + struct.pack("!5H", 0x8180, 1, len(records), 0, 0)
        return head + query[12:end + 4] + b"".join(records)

    def _record(self, name: str, kind: int, data: bytes) -> bytes:
        return _labels(name) + struct.pack("!HHIH", kind, 1, self._ttl, len(data)) + data

    def _datagrams(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                query, sender = self._udp.recvfrom(4096)
                if not query:
                    return
                self._udp.sendto(self.answer(query), sender)

    def stop(self) -> None:
        self._tcp.shutdown()
        self._tcp.server_close()
        with contextlib.suppress(OSError):
            self._udp.shutdown(socket.SHUT_RDWR)
        self._udp.close()


def _is_address(text: str) -> bool:
    return ":" in text or text.replace(".", "").isdigit()
