"""Frames in capture files: what net_pcap replays for ever, so that a forwarder is never short of packets."""

from __future__ import annotations

import struct
from pathlib import Path

from perf.peers.rules import SERVER, Rule
from tests.lab import frames

IMIX = (60, 590, 60, 60, 590, 60, 60, 1514, 590, 60, 60, 590)  # 7:4:1 of 64, 594 and 1518 bytes with the check sequence
SIZES = {"64 B": (60,), "IMIX": IMIX}
_HEADERS = 14 + 20 + 8


def udp_frame(source: str, destination: str, source_port: int, destination_port: int, size: int) -> bytes:
    """An Ethernet frame of `size` bytes without the frame check sequence."""
    return frames.datagram(source, destination, frames.UDP,
                           frames.udp(source, destination, source_port, destination_port, bytes(size - _HEADERS)))


def write(path: Path, all_frames: list[bytes]) -> None:
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in all_frames:
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def both_ways(folder: Path, flows: list[tuple[str, int, str, int]], sizes: tuple[int, ...], *, answers: bool = True) -> None:
    """One file per port, inside.pcap and outside.pcap: a packet of each flow, and its answer; without answers the same packets on both."""
    there, back = [], []
    for i, (source, source_port, destination, destination_port) in enumerate(flows):
        size = sizes[i % len(sizes)]
        there.append(udp_frame(source, destination, source_port, destination_port, size))
        back.append(udp_frame(destination, source, destination_port, source_port, size) if answers else there[-1])
    write(folder / "inside.pcap", there)
    write(folder / "outside.pcap", back)


def flows_of(rules: list[Rule], count: int) -> list[tuple[str, int, str, int]]:
    """`count` flows that meet rules from all over the set."""
    met = [rules[i * len(rules) // count] if len(rules) >= count else rules[i % len(rules)] for i in range(count)]
    return [(rule.client, 1024 + i, SERVER, rule.port) for i, rule in enumerate(met)]


def devices(folder: Path, queues: int = 1) -> list[str]:
    """Two devices that replay the files and throw away what is sent; for more queues the file is replayed on each."""
    return [f"net_pcap{i}," + ",".join([f"rx_pcap={folder / name}.pcap"] * queues) + ",infinite_rx=1"
            for i, name in enumerate(["inside", "outside"])]
