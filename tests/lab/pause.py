"""One thread of a process held still, while the others run: what SIGSTOP can't do, a debugger's attachment can."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from pathlib import Path

from tests.lab.netns import LabError

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WALL = 0x40000000  # waitpid for a thread of another process
SLEEPS = ("35 ", "230 ")  # nanosleep, clock_nanosleep (x86-64)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


def thread_named(pid: int, name: str) -> int:
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise LabError(f"process {pid} has no thread '{name}'")


@contextlib.contextmanager
def paused(pid: int, thread: str):
    """Holds the thread in its sleep, where it has no lock: what is asked meanwhile must not need it."""
    task = thread_named(pid, thread)
    deadline = time.monotonic() + 10
    while not _stopped_asleep(pid, task):
        if time.monotonic() > deadline:
            raise LabError(f"thread '{thread}' never sleeps")
        time.sleep(0.01)
    try:
        yield
    finally:
        _ptrace(PTRACE_DETACH, task)


def _stopped_asleep(pid: int, task: int) -> bool:
    _ptrace(PTRACE_ATTACH, task)
    os.waitpid(task, WALL)
    if Path(f"/proc/{pid}/task/{task}/syscall").read_text().startswith(SLEEPS):
        return True
    _ptrace(PTRACE_DETACH, task)
    return False


def _ptrace(request: int, task: int) -> None:
    if _libc.ptrace(request, task, None, None) != 0:
        raise LabError(f"ptrace: {os.strerror(ctypes.get_errno())}")
