"""drywalld in the box of a wire, its API, and the operator's command."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.netns import LabError, Namespace
from tests.lab.wire import BOX_PORTS, LEFT, RIGHT

ROOT = Path(__file__).resolve().parents[2]
START_DEADLINE = 60.0  # a sanitized build on a busy machine is slow
STOP_DEADLINE = 30.0

# Room for a second of traffic while a loaded machine lets the worker wait.
DEVICES = {
    "net_af_packet": "net_af_packet{number},iface={interface},blocksz=65536,framesz=2048,framecnt=4096",
    "net_af_xdp": "net_af_xdp{number},iface={interface}",
}


def build_folder() -> Path:
    return Path(os.environ.get("DRYWALL_BUILD", ROOT / "build"))


def program(name: str) -> Path:
    """The daemon or the command: from the environment (DRYWALLD, DRYWALL), or from the build folder."""
    path = Path(os.environ.get(name.upper()) or build_folder() / "app" / name / name)
    if not path.exists():
        raise LabError(f"{path} is not built; run scripts/build")
    return path


def has_af_xdp() -> bool:
    try:
        socket.socket(44, socket.SOCK_RAW, 0).close()
    except OSError:
        return False
    return True


@dataclass
class Answer:
    status: int
    text: str
    content_type: str = ""

    @property
    def json(self):
        return json.loads(self.text)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def device(driver: str, side: str) -> str:
    return DEVICES[driver].format(number=0 if side == LEFT else 1, interface=BOX_PORTS[side])


def configuration(folder: Path, driver: str = "net_af_packet", extra: str = "", memory_mb: int = 256,
                  inside: str = "", outside: str = "") -> str:
    """A drywall.yaml for the box; `extra` is appended, and must not repeat a key; the last two are keys of the ports."""
    cpus = sorted(os.sched_getaffinity(0))
    return f"""\
dpdk:
  memory: no-huge
  memory-mb: {memory_mb}
ports:
  - name: inside
    device: {device(driver, LEFT)}
    {inside}
  - name: outside
    device: {device(driver, RIGHT)}
    {outside}
pairs:
  - [inside, outside]
workers:
  cores: [{cpus[-1]}]
  idle: backoff
stats-core: {cpus[0]}
control:
  socket: {folder}/api.sock
  view-socket: {folder}/ro.sock
state:
  directory: {folder}/state
{extra}"""


class Appliance:
    """One running drywalld. Start it with a configuration's text; stop() is safe to call at any time."""

    _spawned: list["Appliance"] = []

    def __init__(self, namespace: Namespace, *, driver: str = "net_af_packet", extra: str = "",
                 text: str | None = None, folder: Path | None = None, inside: str = "", outside: str = "",
                 adjust=lambda text: text) -> None:
        self.namespace = namespace
        self._own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="drywall-"))
        self.socket = self.folder / "api.sock"
        self.view_socket = self.folder / "ro.sock"
        self.config = self.folder / "drywall.yaml"
        self.log_file = self.folder / "drywalld.log"
        self.config.write_text(text if text is not None else
                               adjust(configuration(self.folder, driver, extra, inside=inside, outside=outside)))
        self.process: subprocess.Popen | None = None
        self.environment: dict[str, str] = {}  # beside the test's own
        self.started_by: tuple[str, ...] = ()  # a command that ends in running what follows

    def __enter__(self) -> "Appliance":
        return self.start()

    def __exit__(self, *_exception) -> None:
        self.stop()
        self.forget()

    def start(self) -> "Appliance":
        self.spawn()
        self.wait_until_ready()
        return self

    def spawn(self) -> subprocess.Popen:
        log = open(self.log_file, "ab")
        with log:
            self.process = self.namespace.popen(
                *self.started_by, program("drywalld"), "--config", self.config, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self.environment})
        self._spawned.append(self)
        return self.process

    @classmethod
    def all_spawned(cls) -> list["Appliance"]:
        """Those that run, and those that have ended since this was asked last."""
        spawned = list(dict.fromkeys(cls._spawned))
        cls._spawned[:] = [one for one in spawned if one.running()]
        return spawned

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def totals(self) -> list[tuple[int, int, int]]:
        """Received, passed on (without resets of its own) and dropped packets, as each of its ends said."""
        said = re.findall(r"totals: received (\d+) packets .*?, transmitted (\d+) packets \(\d+ bytes\)"
                          r"(?:, of them resets of its own: (\d+))?, dropped (\d+) packets", self.log())
        return [(int(received), int(sent) - int(resets or 0), int(dropped)) for received, sent, resets, dropped in said]

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_DEADLINE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise LabError(f"drywalld ended with {self.process.returncode} at its start:\n{self.log()}")
            try:
                if self.get("/v1/status").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise LabError(f"drywalld did not become ready within {START_DEADLINE:.0f} s:\n{self.log()}")

    def wait_for_exit(self, timeout: float = STOP_DEADLINE) -> int:
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise LabError(f"drywalld did not end within {timeout:.0f} s:\n{self.log()}") from None

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait_for_exit()

    def threads(self) -> dict[str, dict[str, str]]:
        """What the kernel says of every thread: {its id: {"Name": ..., "CapEff": ...}}."""
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended: one that served a connection
                lines = (task / "status").read_text().splitlines()
                found[task.name] = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def forget(self) -> None:
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    # The API.

    def request(self, method: str, path: str, body: str | None = None, headers: dict | None = None,
                socket: Path | None = None) -> Answer:
        connection = UnixConnection(socket or self.socket)
        try:
            connection.request(method, path, body=body.encode() if body is not None else None, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(errors="replace"), response.headers.get("Content-Type", ""))
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def apply(self, yaml: str, source: str = "test.yaml") -> dict:
        # A lab cuts machines off all the time; what guards against that has tests of its own.
        answer = self.request("POST", f"/v1/resources?source={source}&force=true", yaml)
        if answer.status != 200:
            raise AssertionError(f"apply was answered {answer.status}: {answer.text}")
        return answer.json

    def delete(self, kind: str, name: str) -> dict:
        answer = self.request("DELETE", f"/v1/resources/{kind}/{name}?force=true")
        if answer.status != 200:
            raise AssertionError(f"delete was answered {answer.status}: {answer.text}")
        return answer.json

    def stats(self) -> dict:
        return self.get("/v1/stats").json

    def generation(self) -> int:
        return self.get("/v1/status").json["generation"]

    # The operator's command.

    def drywall(self, *words: str | Path, input: str | None = None, timeout: float = 60.0) -> subprocess.CompletedProcess:
        environment = {**os.environ, "NO_COLOR": "1"}
        return subprocess.run([str(program("drywall")), "--socket", str(self.socket), *map(str, words)],
                              input=input if input is not None else "", text=True, capture_output=True,
                              timeout=timeout, env=environment)

    def drywall_at_terminal(self, *words: str | Path, timeout: float = 20.0) -> tuple[int, str]:
        """The exit code and everything that was written, when a person sits at a terminal."""
        ours, theirs = os.openpty()
        with open(ours, "rb", buffering=0) as terminal:
            process = subprocess.Popen([str(program("drywall")), "--socket", str(self.socket), *map(str, words)],
                                       stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "NO_COLOR": "1"})
            os.close(theirs)
            written = b""
            with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
                while data := terminal.read(65536):
                    written += data
            return process.wait(timeout), written.decode().replace("\r\n", "\n")


def drops(stats: dict) -> dict[str, int]:
    return {drop["reason"]: drop["packets"] for drop in stats["drops"] if drop["packets"]}


def rule(stats: dict, text: str) -> dict:
    """The counts of the one rule whose text contains `text`; zeros when there is none yet."""
    found = [one for one in stats["rules"] if text in one["rule"]]
    if len(found) > 1:
        raise AssertionError(f"'{text}' names {len(found)} rules: {[one['rule'] for one in found]}")
    zero = {"packets": 0, "bytes": 0}
    return found[0] if found else dict.fromkeys(("enforced", "pending", "would_deny", "would_allow"), zero)
