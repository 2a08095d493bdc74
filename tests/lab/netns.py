"""Network namespaces: made under names that nobody else uses, entered by a thread, and always taken away again."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import itertools
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

PLACE = Path("/run/netns")
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)
_alive: dict[str, "Namespace"] = {}


class LabError(Exception):
    """The machine did not let the lab be built; nothing that a test could be blamed for."""


def ip(commands: str, namespace: str | None = None) -> None:
    """A batch of `ip` commands, one a line, inside a namespace."""
    where = ["-n", namespace] if namespace else []
    done = subprocess.run(["ip", *where, "-batch", "-"], input=commands, text=True, capture_output=True)
    if done.returncode != 0:
        raise LabError(f"ip {' '.join(where)}: {done.stderr.strip()}\nin:\n{commands}")


def die_with_parent() -> None:
    """For preexec_fn: the kernel ends this child when the process that started it is gone, however it went."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Namespace:
    """dw-<pid>-<number>-<role>: the pid says whose it is, so that what a killed run left behind can be told apart.

    With a `prefix` of its own a namespace may outlive the process; then somebody has to delete it by that name.
    """

    def __init__(self, role: str, prefix: str | None = None) -> None:
        sweep()
        self.role = role
        self.name = f"{prefix}-{role}" if prefix else f"dw-{os.getpid()}-{next(_numbers)}-{role}"
        self.outlives = prefix is not None
        ip(f"netns add {self.name}")
        _alive[self.name] = self
        self._fd = os.open(PLACE / self.name, os.O_RDONLY | os.O_CLOEXEC)

    def delete(self) -> None:
        if _alive.pop(self.name, None) is None:
            return
        os.close(self._fd)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)

    @contextlib.contextmanager
    def inside(self):
        """The calling thread stands in this namespace. Sockets made meanwhile stay in it for good."""
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(self._fd)
            yield
        finally:
            _enter(back)
            os.close(back)

    def ip(self, commands: str) -> None:
        ip(commands, self.name)

    def sysctl(self, **values: int | str) -> None:
        with self.inside():
            for key, value in values.items():
                Path("/proc/sys/net", key.replace("__", "/")).write_text(str(value))

    def command(self, *words: str | Path) -> list[str]:
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def run(self, *words: str | Path, **options) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(*words), text=True, capture_output=True, **options)

    def popen(self, *words: str | Path, **options) -> subprocess.Popen:
        if self.outlives:
            return subprocess.Popen(self.command(*words), start_new_session=True, **options)
        return subprocess.Popen(self.command(*words), preexec_fn=die_with_parent, **options)


class Here:
    """Where the process stands already: for what needs no interface of its own."""

    def command(self, *words: str | Path) -> list[str]:
        return [str(word) for word in words]

    def popen(self, *words: str | Path, **options) -> subprocess.Popen:
        return subprocess.Popen(self.command(*words), preexec_fn=die_with_parent, **options)


def _enter(fd: int) -> None:
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise LabError(f"setns: {os.strerror(ctypes.get_errno())}")


def sweep() -> None:
    """Takes away what runs that were killed have left: their process is gone."""
    for entry in PLACE.glob("dw-*") if PLACE.is_dir() else ():
        owner = re.match(r"dw-(\d+)-", entry.name)
        if owner and not Path("/proc", owner.group(1)).exists():
            subprocess.run(["ip", "netns", "del", entry.name], capture_output=True)


def leave_all() -> None:
    """What stands now stays when the process ends."""
    _alive.clear()


@atexit.register
def delete_all() -> None:
    for namespace in list(_alive.values()):
        namespace.delete()


def clean_up_on_signals() -> None:
    """SIGTERM and SIGHUP end the program the way an exception does, so that everything is cleaned up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
