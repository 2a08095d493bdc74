"""A steady stream of frames across the appliance, and what arrives of it."""

from __future__ import annotations

import threading
from collections import Counter

from tests.lab.netns import Namespace
from tests.lab.traffic import RawPort


class Flood:
    """Sends its frames in turn, one a millisecond, by one interface, and counts those that arrive at another, unchanged."""

    def __init__(self, enter: tuple[Namespace, str], leave: tuple[Namespace, str], *frames: bytes) -> None:
        self._frames = frames
        self._out, self._in = RawPort(*enter), RawPort(*leave)
        self.sent = 0
        self.paused = False
        self.arrived: Counter[bytes] = Counter(dict.fromkeys(frames, 0))
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._collect)]

    def __enter__(self) -> "Flood":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._out.close()
        self._in.close()

    def _send(self) -> None:
        while not self._stopped.wait(0.001):
            if self.paused:
                continue
            self._out.send(self._frames[self.sent % len(self._frames)])
            self.sent += 1

    def _collect(self) -> None:
        while not self._stopped.is_set():
            if frame := self._in.receive(self._frames.__contains__, timeout=0.1):
                self.arrived[frame] += 1
