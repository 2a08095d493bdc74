"""What a program took of the CPU that it was given."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")


PRIORITY = -10


@contextlib.contextmanager
def ahead_of_others():
    """This process and all that it starts, and the kernel's softirq threads, go before other programs on a machine that is shared."""
    threads = _named(("ksoftirqd/",))
    before = {thread: os.getpriority(os.PRIO_PROCESS, thread) for thread in (0, *threads)}
    group = Path("/proc/self/autogroup")  # a session's programs share one priority against those of others (sched(7))
    try:
        for thread in before:
            os.setpriority(os.PRIO_PROCESS, thread, PRIORITY)
        if group.exists():
            group.write_text(str(PRIORITY))
        yield
    finally:
        if group.exists():
            group.write_text("0")
        for thread, priority in before.items():
            os.setpriority(os.PRIO_PROCESS, thread, priority)


def bind(names: tuple[str, ...], cpu: int) -> None:
    """Kernel threads of devices of ours whose names begin so: to that CPU, ahead of others."""
    for thread in _named(names):
        os.sched_setaffinity(thread, {cpu})
        os.setpriority(os.PRIO_PROCESS, thread, PRIORITY)


def _named(names: tuple[str, ...]) -> list[int]:
    found = []
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # it has ended
            if comm.read_text().startswith(names):
                found.append(int(comm.parent.name))
    return found


def bound_threads(pid: int, cpu: int) -> list[int]:
    """Those that may run on that CPU and no other: a poll-mode program's polling threads."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            if os.sched_getaffinity(int(task.name)) == {cpu}:
                found.append(int(task.name))
        except OSError:
            continue  # it has ended
    return found


def thread_seconds(pid: int, threads: list[int]) -> float:
    """CPU time in nanoseconds' resolution: what other programs took of the CPU meanwhile is not in it."""
    return sum(int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0]) for thread in threads) / 1e9


def kernel_seconds(names: tuple[str, ...]) -> float:
    """CPU time of kernel threads whose names begin so: what they do is in no softirq."""
    return sum(thread_seconds(thread, [thread]) for thread in _named(names))


def softirq_seconds(cpu: int) -> float:
    """What a CPU spent in interrupts, in ticks' resolution; whatever ran there when they came."""
    for text in Path("/proc/stat").read_text().splitlines():
        if text.startswith(f"cpu{cpu} "):
            irq, softirq = map(int, text.split()[6:8])
            return (irq + softirq) * TICK
    raise ValueError(f"/proc/stat knows no CPU {cpu}")
