"""Open vSwitch with DPDK as processes of our own: a database and a switch with folders of their own, ended by their ids.

Configured as perf/peers/openvswitch.py says. Nothing of an Open vSwitch that the machine may run itself is touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from perf.lab.forwarders import Machine
from perf.lab.report import CannotRun
from tests.lab.netns import Here

SWITCH = Path("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk")
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
BRIDGE = "br0"
START_DEADLINE = 60.0


class OpenVSwitch:
    """A bridge with two DPDK ports; without devices, a bridge without ports (for what only the flow tables cost)."""

    def __init__(self, machine: Machine, folder: Path, devices: list[str], namespace=None) -> None:
        if not SWITCH.exists() or shutil.which("ovsdb-server") is None:
            raise CannotRun("Open vSwitch with DPDK is not installed (Debian: openvswitch-switch-dpdk)")
        self.machine = machine
        self.folder = folder / "ovs"
        self.folder.mkdir()
        self._prefix = f"drywall-lab-ovs-{os.getpid()}"
        self._place = namespace or Here()
        self._processes: list[subprocess.Popen] = []
        self._environment = {**os.environ, "OVS_RUNDIR": str(self.folder), "OVS_DBDIR": str(self.folder),
                             "OVS_LOGDIR": str(self.folder), "OVS_SYSCONFDIR": str(self.folder)}
        self._database = f"unix:{self.folder}/db.sock"
        try:
            self._start(devices)
        except BaseException:
            self.stop()
            raise

    def _start(self, devices: list[str]) -> None:
        self._tool("ovsdb-tool", "create", self.folder / "conf.db", SCHEMA)
        self._spawn("ovsdb-server", self.folder / "conf.db", f"--remote=p{self._database}", f"--unixctl={self.folder}/db.ctl",
                    f"--log-file={self.folder}/ovsdb.log")
        self._wait_for(self.folder / "db.sock")
        self.vsctl("--no-wait", "init")
        # Without hugepages, as everybody in the lab; memory and CPUs as "Using Open vSwitch with DPDK" says.
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                   f"other_config:dpdk-extra=--no-huge --legacy-mem -m {self.machine.memory_mb} --no-pci --file-prefix={self._prefix}",
                   f"other_config:pmd-cpu-mask={hex(1 << self.machine.core)}",
                   f"other_config:dpdk-lcore-mask={hex(1 << self.machine.other_core)}", "other_config:userspace-tso-enable=false")
        self.switch = self._spawn(SWITCH, self._database, f"--unixctl={self.folder}/switch.ctl", f"--log-file={self.folder}/switch.log")
        self._wait_for(self.folder / "switch.ctl")
        self.vsctl("add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev", "fail_mode=secure")
        for number, device in enumerate(devices, 1):
            self.vsctl("add-port", BRIDGE, f"dpdk{number}", "--", "set", "Interface", f"dpdk{number}", "type=dpdk",
                       f"options:dpdk-devargs={device}", f"ofport_request={number}")
            error = self.vsctl("get", "Interface", f"dpdk{number}", "error").strip()
            if error not in ("[]", '""'):
                raise CannotRun(f"Open vSwitch does not take {device.split(',')[0]}: {error}")

    def _spawn(self, *words) -> subprocess.Popen:
        self._processes.append(self._place.popen(*words, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                                 stderr=subprocess.DEVNULL, cwd=self.folder))
        return self._processes[-1]

    def _wait_for(self, file: Path) -> None:
        deadline = time.monotonic() + START_DEADLINE
        while not file.exists():
            self.check()
            if time.monotonic() > deadline:
                raise CannotRun(f"Open vSwitch did not start within {START_DEADLINE:.0f} s: {self.said()}")
            time.sleep(0.05)

    def said(self) -> str:
        with contextlib.suppress(OSError):
            lines = [line for line in (self.folder / "switch.log").read_text(errors="replace").splitlines() if "|ERR|" in line or "|EMER|" in line]
            return " ".join(lines[-3:])[-300:]
        return ""

    def _tool(self, *words) -> str:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env=self._environment, timeout=START_DEADLINE, check=False)
        if done.returncode != 0:
            raise CannotRun(f"{words[0]} said: {done.stderr.strip()[:300]} {self.said()}")
        return done.stdout

    def vsctl(self, *words) -> str:
        return self._tool("ovs-vsctl", f"--db={self._database}", "--timeout=30", *words)

    def appctl(self, *words) -> str:
        return self._tool("ovs-appctl", f"--target={self.folder}/switch.ctl", *words)

    def ofctl(self, *words) -> str:
        return self._tool("ovs-ofctl", "-O", "OpenFlow14", *words)

    @property
    def bridge(self) -> str:
        return f"unix:{self.folder}/{BRIDGE}.mgmt"

    def replace_flows(self, file: Path) -> None:
        self.ofctl("--bundle", "replace-flows", self.bridge, file)

    def add_flows(self, file: Path) -> None:
        self.ofctl("--bundle", "add-flows", self.bridge, file)

    def check(self) -> None:
        for process in self._processes:
            if process.poll() is not None:
                raise CannotRun(f"{process.args[0]} ended with {process.returncode}: {self.said()}")

    def stop(self) -> None:
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(Path("/var/run/dpdk") / self._prefix, ignore_errors=True)
