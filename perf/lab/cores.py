"""What a program took of the CPU that it was given."""

from __future__ import annotations

import os
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")


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


def busy_seconds(cpu: int) -> float:
    """Time that a CPU spent on programs of ordinary priority, the kernel and its softirqs; in ticks' resolution.

    Programs that are nice are left out: on a machine that is shared they belong to somebody else.
    """
    for text in Path("/proc/stat").read_text().splitlines():
        if text.startswith(f"cpu{cpu} "):
            user, _nice, system, _idle, _iowait, irq, softirq = map(int, text.split()[1:8])
            return (user + system + irq + softirq) * TICK
    raise ValueError(f"/proc/stat knows no CPU {cpu}")
