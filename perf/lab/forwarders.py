"""Programs that forward between two DPDK devices of their own: each started on one CPU, its packets counted, its CPU time taken."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from perf.lab import cores
from perf.lab.report import CannotRun
from perf.peers import l3fwd_acl
from perf.peers.rules import Rule
from tests.lab.appliance import Appliance
from tests.lab.netns import Here, LabError

_numbers = itertools.count(1)
START_DEADLINE = 60.0


@dataclass(frozen=True)
class Machine:
    """What a forwarder is given."""

    core: int                # polls
    other_core: int = 0      # everything else
    memory_mb: int = 1024
    buffers: int = 131072


class DpdkProgram:
    """A program of DPDK's: counted through its telemetry socket."""

    def __init__(self, machine: Machine, command: list[str], eal: list[str], devices: list[str], arguments: list[str],
                 namespace=None) -> None:
        self.machine = machine
        self._prefix = f"drywall-lab-{os.getpid()}-{next(_numbers)}"
        line = [*command, *eal, "--no-huge", "-m", str(machine.memory_mb), "--no-pci", f"--file-prefix={self._prefix}"]
        for device in devices:
            line += ["--vdev", device]
        self._log = tempfile.TemporaryFile()  # not a pipe: nobody reads while it runs
        self.process = (namespace or Here()).popen(*line, "--", *arguments, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log)
        try:
            self._socket = self._connect()
        except BaseException:
            self.stop()
            raise

    @property
    def _runtime(self) -> Path:
        return Path(os.environ.get("RUNTIME_DIRECTORY", "/var/run/dpdk")) / self._prefix

    def output(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + START_DEADLINE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise CannotRun(f"{self.name} ended with {self.process.returncode} at its start: {self.output()[-200:]}")
            try:
                client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                client.settimeout(10)
                client.connect(str(self._runtime / "dpdk_telemetry.v2"))
                client.recv(65536)  # its greeting
                self._socket = client
                if self.forwards():
                    return client
                client.close()
            except OSError:
                client.close()
            time.sleep(0.1)
        raise CannotRun(f"{self.name} did not forward within {START_DEADLINE:.0f} s: {self.output()[-200:]}")

    name = "a DPDK program"
    _waits_for_traffic = True  # its devices have some from the start

    def forwards(self) -> bool:
        """Its ports are started: the telemetry answers before that."""
        if not self._waits_for_traffic:
            return len(self._ask("/ethdev/list")) == 2
        before = self.transmitted()
        time.sleep(0.2)
        return self.transmitted() > before

    def _ask(self, question: str) -> dict:
        self._socket.send(question.encode())
        return json.loads(self._socket.recv(1 << 20))[question.split(",")[0]]

    def transmitted(self) -> int:
        return sum((self._ask(f"/ethdev/stats,{port}") or {}).get("opackets", 0) for port in (0, 1))

    def received(self) -> int:
        return sum((self._ask(f"/ethdev/stats,{port}") or {}).get("ipackets", 0) for port in (0, 1))

    def polling_seconds(self) -> float:
        return cores.thread_seconds(self.process.pid, cores.bound_threads(self.process.pid, self.machine.core))

    def check(self) -> None:
        if self.process.poll() is not None:
            raise CannotRun(f"{self.name} ended with {self.process.returncode}: {self.output()[-200:]}")

    def stop(self) -> None:
        """By the end of its input (testpmd), or SIGTERM."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        self._log.close()
        shutil.rmtree(self._runtime, ignore_errors=True)


class Testpmd(DpdkProgram):
    """dpdk-testpmd in io mode: hands packets through and looks at none."""

    name = "testpmd io"

    def __init__(self, machine: Machine, devices: list[str], namespace=None, waits_for_traffic: bool = True) -> None:
        self._waits_for_traffic = waits_for_traffic
        if shutil.which("dpdk-testpmd") is None:
            raise CannotRun("dpdk-testpmd is not installed (Debian: dpdk-dev)")
        super().__init__(machine, ["dpdk-testpmd"], ["--lcores", f"0@{machine.other_core},1@{machine.core}"], devices,
                         ["--nb-cores=1", "--forward-mode=io", "--burst=32", "--auto-start", f"--total-num-mbufs={machine.buffers}"],
                         namespace)


class L3fwdAcl(DpdkProgram):
    """DPDK's sample l3fwd with its ACL lookup."""

    name = "l3fwd-acl"

    def __init__(self, machine: Machine, devices: list[str], folder: Path, rules: list[Rule]) -> None:
        program = os.environ.get("DRYWALL_BENCH_L3FWD", "")
        if not program or not Path(program).exists():
            raise CannotRun(os.environ.get("DRYWALL_BENCH_L3FWD_WHY") or "l3fwd was not built: scripts/bench does so from Debian's source package")
        (folder / "l3fwd_ipv4").write_text(l3fwd_acl.ipv4(rules, 0, 1))
        (folder / "l3fwd_ipv6").write_text(l3fwd_acl.IPV6)
        # One lcore: it wants a transmit queue for each, and net_pcap has one.
        super().__init__(machine, [program], ["--lcores", f"0@{machine.core}"], devices,
                         ["-p", "0x3", "-P", "--lookup=acl", "--config", "(0,0,0),(1,0,0)", "--parse-ptype", "--no-numa",
                          f"--rule_ipv4={folder / 'l3fwd_ipv4'}", f"--rule_ipv6={folder / 'l3fwd_ipv6'}"])


def drywall_configuration(folder: Path, devices: list[str], cpus: list[int], machine: Machine, *, idle: str = "busy",
                          distribute: str = "auto", flows: int = 65536) -> str:
    ports = "".join(f'  - {{name: {name}, device: "{device}"}}\n' for name, device in zip(["inside", "outside"], devices))
    return (f"dpdk: {{memory: no-huge, memory-mb: {machine.memory_mb}, packet-buffers: {machine.buffers}}}\n"
            f"ports:\n{ports}pairs: [[inside, outside]]\n"
            f"workers: {{cores: {cpus}, idle: {idle}, distribute: {distribute}}}\nstats-core: {machine.other_core}\n"
            f"control: {{socket: {folder}/api.sock}}\nstate: {{directory: {folder}/state, generations: 10000}}\nposture: open\n"
            f"swap-timeout: 5s\nflows: {{per-worker: {flows}}}\nlog: {{level: info}}\n")


class Drywalld:
    """drywalld with one worker; policies by its API."""

    name = "drywalld"

    def __init__(self, machine: Machine, devices: list[str], folder: Path, policies: str = "", *, namespace=None,
                 cpus: list[int] | None = None, **settings) -> None:
        self.machine = machine
        folder.mkdir(exist_ok=True)
        self.cpus = cpus or [machine.core]
        self.appliance = Appliance(namespace or Here(), folder=folder,
                                   text=drywall_configuration(folder, devices, self.cpus, machine, **settings))
        try:
            self.appliance.start()
            if policies:
                self.appliance.apply(policies)
        except LabError as error:
            self.stop()
            raise CannotRun(str(error)) from None
        except BaseException:
            self.stop()
            raise

    def transmitted(self) -> int:
        return self.appliance.stats()["transmitted"]["packets"]

    def received(self) -> int:
        return self.appliance.stats()["received"]["packets"]

    def polling_seconds(self) -> float:
        """Of its workers: other threads of it may be bound to the other core."""
        threads = [int(task) for task, status in self.appliance.threads().items() if status["Name"].startswith("worker")]
        return cores.thread_seconds(self.appliance.process.pid, threads)

    def check(self) -> None:
        if not self.appliance.running():
            raise CannotRun(f"drywalld ended: {self.appliance.log()[-200:]}")

    def stop(self) -> None:
        """And every packet is accounted for, or the figure is worth nothing."""
        if self.appliance.stop() == 0 and self.appliance.process is not None and not self.appliance.totals():
            raise CannotRun("drywalld told no totals at its end")
        for received, transmitted, dropped in self.appliance.totals():
            if received != transmitted + dropped:
                raise CannotRun(f"drywalld received {received} packets, transmitted {transmitted} and dropped {dropped}")


def window(program, warm_up: float, seconds: float, count=None) -> dict[str, float]:
    """What a program forwards in some seconds, by the clock and by its own CPU time; `count` counts something else than what it sent."""
    count = count or program.transmitted
    time.sleep(warm_up)
    packets, spent, began = count(), program.polling_seconds(), time.monotonic()
    time.sleep(seconds)
    program.check()
    packets, spent, took = count() - packets, program.polling_seconds() - spent, time.monotonic() - began
    if packets <= 0 or spent <= 0:
        raise CannotRun(f"{program.name} forwarded nothing")
    return {"Mpps per core": packets / spent / 1e6, "ns/packet": spent / packets * 1e9, "Mpps by the clock": packets / took / 1e6}
