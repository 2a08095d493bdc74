"""drywall-gen on both sides of a box: what it is told, what it reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

from jsonschema import Draft202012Validator

from tests.lab import policies
from tests.lab.appliance import ROOT, Appliance, program
from tests.lab.netns import Namespace
from tests.lab.wire import BOX_PORTS, LEFT, RIGHT, Host

SCHEMA = json.loads((ROOT / "docs" / "drywall-gen-report.schema.json").read_text())
MEASUREMENT = json.loads((ROOT / "docs" / "drywall-gen-measurement.schema.json").read_text())
DEADLINE = 60.0
CLIENT = Host("client", LEFT, 11, {"role": "client"}, None)
SERVER = Host("server", RIGHT, 21, {"role": "server"}, None)


@dataclass
class Run:
    code: int
    out: str
    err: str
    report: dict | None

    def stream(self, name: str) -> dict:
        found, = (stream for stream in self.report["streams"] if stream["name"] == name)
        return found

    def figure(self, name: str) -> dict:
        found, = (figure for figure in self.report["figures"] if figure["name"] == name)
        return found


def trouble_with(report: dict) -> list[str]:
    schema = MEASUREMENT if "figures" in report else SCHEMA
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
            for error in Draft202012Validator(schema).iter_errors(report)]


def run(*words: str | Path, command: str = "run", namespace: Namespace | None = None, profile: str | None = None,
        interrupt_after: float | None = None) -> Run:
    """`drywall-gen run`, or another command, with its report. A profile is its text."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        line = [program("drywall-gen"), "-q", command, "--report", report, *words]
        if profile is not None:
            (Path(folder) / "p.yaml").write_text(profile)
            line += ["-f", Path(folder) / "p.yaml"]
        start = namespace.popen if namespace else lambda *one, **two: subprocess.Popen([str(word) for word in one], **two)
        process = start(*line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                        env={**os.environ, "NO_COLOR": "1"})
        try:
            out, err = process.communicate(timeout=interrupt_after or DEADLINE)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=DEADLINE)
        text = report.read_text() if report.exists() else None
        return Run(process.returncode, out, err, json.loads(text) if text else None)


class Bench:
    """A namespace with the generator's two interfaces, each joined to one of the box's ports."""

    def __init__(self) -> None:
        self.box = Namespace("box")
        self.generator = Namespace("gen")
        for quiet in (self.box, self.generator):
            quiet.sysctl(ipv6__conf__default__disable_ipv6=1, ipv6__conf__all__disable_ipv6=1)
            quiet.ip("link set lo up")
        for side in (LEFT, RIGHT):
            self.generator.ip(f"link add {side} type veth peer name {BOX_PORTS[side]} netns {self.box.name}\n"
                              f"link set {side} up")
            self.box.ip(f"link set {BOX_PORTS[side]} up")

    def delete(self) -> None:
        self.generator.delete()
        self.box.delete()


class ThroughTheAppliance(unittest.TestCase):
    """An appliance between the generator's two interfaces, with a client and a server, and POLICIES between them."""

    POLICIES: tuple[str, ...] = ()
    ADJUST = staticmethod(lambda text: text)  # of the configuration

    @classmethod
    def setUpClass(cls) -> None:
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root, for network namespaces")
        cls.bench = Bench()
        cls.addClassCleanup(cls.bench.delete)
        cls.appliance = Appliance(cls.bench.box, adjust=cls.ADJUST)
        cls.addClassCleanup(cls.appliance.forget)
        cls.addClassCleanup(cls.appliance.stop)
        cls.appliance.start()
        cls.appliance.apply(policies.documents(*(policies.workload(host) for host in (CLIENT, SERVER)), *cls.POLICIES))


def ports() -> str:
    """Of a profile, in the generator's namespace of a Bench."""
    sides = "".join(f"\n- name: {side}\n  device: net_af_packet{i},iface={side},blocksz=65536,framesz=2048,framecnt=4096"
                    for i, side in enumerate((LEFT, RIGHT)))
    return f"ports:{sides}\n"
