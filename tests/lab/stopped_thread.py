"""One thread of a process that stands still while all others go on: what a device that hangs does to a worker."""

from __future__ import annotations

import ctypes
import os
import time

from tests.lab.netns import LabError

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, thread: int) -> None:
    if _libc.ptrace(request, thread, None, None) != 0:
        raise LabError(f"ptrace({request:#x}, {thread}): {os.strerror(ctypes.get_errno())}")


class StoppedThread:
    """From entering to leaving; both by the same thread of the test."""

    def __init__(self, thread: int) -> None:
        self._thread = thread

    def __enter__(self) -> "StoppedThread":
        _ptrace(PTRACE_SEIZE, self._thread)
        _ptrace(PTRACE_INTERRUPT, self._thread)
        os.waitpid(self._thread, WALL)
        return self

    def wait_until_gone(self, timeout: float) -> None:
        """A process can't be waited for while a thread of it is held."""
        deadline = time.monotonic() + timeout
        while os.waitpid(self._thread, WALL | os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                raise LabError(f"thread {self._thread} is still there")
            time.sleep(0.01)

    def __exit__(self, *_exception) -> None:
        try:
            _ptrace(PTRACE_DETACH, self._thread)
        except LabError:
            pass  # the process is gone
