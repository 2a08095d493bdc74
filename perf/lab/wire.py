"""The same traffic through real interfaces: a box between the generator's two, on kernel interfaces of network namespaces.

    drywall-gen ─ left ══ in0 [ the contender ] out0 ══ right ─ drywall-gen        (every ══ is a veth pair)

Two CPUs: the box has one, the generator the other. Receive packet steering (the kernel's Documentation/networking/scaling.rst) has the
kernel's share of a packet done by the CPU of whoever receives it; where XDP is used, the interfaces' NAPI threads are bound there.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from pathlib import Path

from perf.lab import cores
from perf.lab.forwarders import Drywalld, Machine, Testpmd
from perf.lab.openvswitch import OpenVSwitch
from perf.lab.report import CannotRun
from perf.peers import drywall, nftables, openvswitch
from perf.peers.rules import CLIENTS, SERVER, TCP, UDP, Rule, spread
from tests.lab import generator
from tests.lab.appliance import program
from tests.lab.netns import Namespace
from tests.lab.wire import BOX_PORTS, LEFT, RIGHT, whole_frames

AF_PACKET, AF_XDP = "net_af_packet", "net_af_xdp"
_OPTIONS = {AF_PACKET: ",blocksz=65536,framesz=2048,framecnt=4096", AF_XDP: ""}
NAPI = tuple(f"napi/{interface}-" for interface in BOX_PORTS.values())  # kernel threads
FLOWS = 1000
LOSS = "2%"
STREAMS = 5  # one for each port of the UDP rules
GATEWAYS = {LEFT: ("169.254.1.1", "169.254.1.2"), RIGHT: ("169.254.2.1", "169.254.2.2")}


def steer(namespace: Namespace, interface: str, cpu: int) -> None:
    done = namespace.run("sh", "-c", f"echo {1 << cpu:x} > /sys/class/net/{interface}/queues/rx-0/rps_cpus")
    if done.returncode != 0:
        raise CannotRun(f"the kernel steers no packets of {interface}: {done.stderr.strip()}")


def bind_napi(box: Namespace, cpu: int) -> None:
    """Of the box's interfaces, once a program for XDP is attached to them."""
    for interface in BOX_PORTS.values():
        box.run("sh", "-c", f"echo 1 > /sys/class/net/{interface}/threaded")
    cores.bind(NAPI, cpu)


def devices(driver: str) -> list[str]:
    return [f"{driver}{number},iface={BOX_PORTS[side]}{_OPTIONS[driver]}" for number, side in enumerate((LEFT, RIGHT))]


def mac(namespace: Namespace, interface: str) -> str:
    return json.loads(namespace.run("ip", "-j", "link", "show", interface).stdout)[0]["address"]


class Wire(generator.Bench):
    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine
        try:
            for side in (LEFT, RIGHT):
                steer(self.generator, side, machine.other_core)
                steer(self.box, BOX_PORTS[side], machine.core)
                whole_frames(self.box, BOX_PORTS[side])
                whole_frames(self.generator, side)
            self.macs = {side: mac(self.box, BOX_PORTS[side]) for side in (LEFT, RIGHT)}
            self.generator_macs = {side: mac(self.generator, side) for side in (LEFT, RIGHT)}
        except BaseException:
            self.delete()
            raise

    def returned(self) -> int:
        """Packets that left the box, towards the generator's interfaces."""
        with self.generator.inside():
            lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
        return sum(int(line.split(":")[1].split()[1]) for line in lines if line.split(":")[0].strip() in (LEFT, RIGHT))

    # What the generator is told.

    def _ports(self) -> str:
        return generator.ports() + f"cores: [{self.machine.other_core}]\n"

    def _ethernet(self, side: str) -> str:
        return f"ethernet: {{source: '{self.generator_macs[side]}', destination: '{self.macs[side]}'}}"

    def packets(self, rules: list[Rule], size: str) -> str:
        """UDP there and back: connections of both directions, spread over all UDP rules."""
        streams = []
        udp = [rule for rule in rules if rule.protocol == UDP]
        for port in sorted({rule.port for rule in udp})[:STREAMS]:
            met = spread([rule for rule in udp if rule.port == port], FLOWS // STREAMS)
            clients = "[" + ", ".join(rule.client for rule in met) + "]"
            common = f"weight: 1, size: {size}, flows: {{count: {FLOWS // STREAMS}}}"
            streams.append(f"- {{name: there-{port}, from: left, to: right, {common}, {self._ethernet(LEFT)}, "
                           f"ip: {{source: {clients}, destination: {SERVER}}}, udp: {{source-port: 1024-2023, destination-port: {port}}}}}\n")
            streams.append(f"- {{name: back-{port}, from: right, to: left, {common}, {self._ethernet(RIGHT)}, "
                           f"ip: {{source: {SERVER}, destination: {clients}}}, udp: {{source-port: {port}, destination-port: 1024-2023}}}}\n")
        return self._ports() + "streams:\n" + "".join(streams)

    def connections(self, rules: list[Rule], concurrent: int) -> str:
        tcp = [rule for rule in rules if rule.protocol == TCP]
        port = tcp[0].port
        clients = "[" + ", ".join(rule.client for rule in spread([rule for rule in tcp if rule.port == port], 200)) + "]"
        # A server's answer has the addresses of the profile the other way round, and a box that routes wants its own in front on each side.
        ethernet = f"ethernet: {{source: '{self.macs[RIGHT]}', destination: '{self.macs[LEFT]}'}}"
        return self._ports() + (f"connections:\n- {{name: new, from: left, to: right, rate: max, concurrent: {concurrent}, request: 64, response: 64, "
                                f"{ethernet}, ip: {{source: {clients}, destination: {SERVER}}}, "
                                f"tcp: {{source-port: 1024-65535, destination-port: {port}}}}}\n")

    def generate(self, folder: Path, profile: str, *words: str, command: str = "run") -> tuple[subprocess.Popen, Path]:
        (folder / "profile.yaml").write_text(profile)
        report = folder / "report.json"
        report.unlink(missing_ok=True)
        process = self.generator.popen(program("drywall-gen"), "-q", command, "--report", report, "-f", folder / "profile.yaml", *words,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return process, report

    @staticmethod
    def finished(process: subprocess.Popen, report: Path, deadline: float = 120.0) -> dict:
        try:
            out, err = process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise CannotRun(f"drywall-gen did not end within {deadline:.0f} s") from None
        if process.returncode not in (0, 1) or not report.exists():
            raise CannotRun(f"drywall-gen ended with {process.returncode}: {err.strip()[-200:]} {out.strip()[-100:]}")
        return json.loads(report.read_text())


class Forwarding:
    """The kernel routes in the box's namespace; nftables judges what it forwards, unless there are no rules."""

    def __init__(self, wire: Wire, folder: Path, rules: list[Rule] | None) -> None:
        box = wire.box
        self._core = wire.machine.core
        box.sysctl(ipv4__ip_forward=1)
        for side, net in ((LEFT, CLIENTS), (RIGHT, f"{SERVER}/32")):
            port = BOX_PORTS[side]
            ours, theirs = GATEWAYS[side]
            box.sysctl(**{f"ipv4__conf__{port}__rp_filter": 0, f"ipv4__conf__{port}__send_redirects": 0})
            box.ip(f"addr add {ours}/30 dev {port}\n"
                   f"neigh add {theirs} lladdr {wire.generator_macs[side]} dev {port} nud permanent\n"
                   f"route add {net} via {theirs} dev {port}")
        if rules is not None:
            file = folder / "ruleset.nft"
            file.write_text(nftables.ruleset(rules))
            load(box, file)

    def work(self) -> float:
        return cores.softirq_seconds(self._core)

    def stop(self) -> None:
        pass  # it goes with the namespace


class PollMode:
    """A program that polls: its CPU is spent, whatever it does with it, and nobody could use what it leaves."""

    def __init__(self, running) -> None:
        self._running = running

    def work(self) -> float:
        return time.monotonic()

    def stop(self) -> None:
        self._running.stop()


def load(namespace: Namespace, file: Path) -> None:
    done = namespace.run("nft", "-f", file)
    if done.returncode != 0:
        raise CannotRun(f"nft said: {done.stderr.strip()[:300]}")


TESTPMD_PACKET, TESTPMD_XDP = "testpmd io, AF_PACKET", "testpmd io, AF_XDP"
DRYWALL_PACKET, DRYWALL_XDP = "Drywall, AF_PACKET", "Drywall, AF_XDP"
OVS_PACKET, OVS_XDP = "OVS-DPDK, AF_PACKET", "OVS-DPDK, AF_XDP"
NFTABLES, ROUTING = "nftables", "Linux routing, no rules"
DRIVERS = {TESTPMD_PACKET: AF_PACKET, TESTPMD_XDP: AF_XDP, DRYWALL_PACKET: AF_PACKET, DRYWALL_XDP: AF_XDP, OVS_PACKET: AF_PACKET,
           OVS_XDP: AF_XDP}


def start(contender: str, wire: Wire, folder: Path, rules: list[Rule]) -> Forwarding | PollMode:
    driver = DRIVERS.get(contender)
    if driver is None:
        return Forwarding(wire, folder, rules if contender == NFTABLES else None)
    if contender.startswith("testpmd"):
        running = Testpmd(wire.machine, devices(driver), wire.box, waits_for_traffic=False)
    elif contender.startswith("Drywall"):
        running = Drywalld(wire.machine, devices(driver), folder / "drywall", drywall.stateful(rules), namespace=wire.box)
    else:
        running = OpenVSwitch(wire.machine, folder, devices(driver), wire.box)
        (folder / "flows").write_text(openvswitch.flows(rules))
        try:
            running.replace_flows(folder / "flows")
        except BaseException:
            running.stop()
            raise
    if driver == AF_XDP:
        bind_napi(wire.box, wire.machine.core)
    return PollMode(running)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.0f}ms"


def settled(wire: Wire, process: subprocess.Popen, packets: int) -> None:
    """The warm-up is under way: so many packets came back."""
    deadline, before = time.monotonic() + 20, wire.returned()
    while wire.returned() - before < packets:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise CannotRun(f"nothing comes back: {process.communicate()[1].strip()[-200:]}")
        time.sleep(0.02)


def bearable(wire: Wire, folder: Path, rules: list[Rule], size: str, seconds: float) -> float:
    """Packets per second of which no more than LOSS is lost: drywall-gen's search.

    More would measure something else: packets that come faster keep the kernel's half of an AF_PACKET device so busy on the box's CPU that the
    program behind it hardly runs.
    """
    process, report = wire.generate(folder, wire.packets(rules, size) + "drain: 30ms\n", "--repeats", "1", "--trials", "1", "--width", "5%", "--loss",
                                    LOSS, "-d", milliseconds(seconds), "--short-trial", milliseconds(seconds / 2), "--least", "5kpps",
                                    "--most", "2Mpps", command="ndr")
    found, = (figure for figure in wire.finished(process, report)["figures"] if figure["name"] == "PDR")
    if not found["samples"] or not found["samples"][0]:
        raise CannotRun(f"it loses more than {LOSS} at any rate")
    return found["samples"][0]


def throughput(wire: Wire, box, folder: Path, rules: list[Rule], size: str, warm_up: float, seconds: float) -> dict[str, float]:
    """What leaves the box at that rate, and what the box's CPU does for it."""
    rate = bearable(wire, folder, rules, size, seconds / 4)
    process, report = wire.generate(folder, wire.packets(rules, size), "--rate", f"{rate:.0f}pps", "-d", milliseconds(warm_up + seconds + 0.5),
                                    "--drain", "100ms")
    settled(wire, process, 2000)
    time.sleep(warm_up)
    packets, work, began = wire.returned(), box.work(), time.monotonic()
    time.sleep(seconds)
    packets, work, took = wire.returned() - packets, box.work() - work, time.monotonic() - began
    wire.finished(process, report)
    if packets <= 0 or work <= 0:
        raise CannotRun("nothing came back")
    return {"kpps per core of work": packets / work / 1e3, "kpps": packets / took / 1e3}


def latency(wire: Wire, folder: Path, rules: list[Rule], seconds: float, rate: str = "20kpps") -> dict[str, float]:
    process, report = wire.generate(folder, wire.packets(rules, "128"), "--rate", rate, "-d", milliseconds(seconds), "--warm-up", "300ms",
                                    "--drain", "200ms")
    found = [stream["latency"] for stream in wire.finished(process, report)["streams"] if stream["received"]["packets"]]
    if not found:
        raise CannotRun("nothing came back")
    return {f"latency {name}, us": statistics.median(latency[f"{name}_ns"] for latency in found) / 1e3 for name in ("p50", "p99")}


def new_connections(wire: Wire, box, folder: Path, rules: list[Rule], seconds: float) -> dict[str, float]:
    process, report = wire.generate(folder, wire.connections(rules, 200), "-d", milliseconds(seconds + 1.2), "--drain", "200ms")
    settled(wire, process, 500)
    work, began = box.work(), time.monotonic()
    time.sleep(seconds)
    used = (box.work() - work) / (time.monotonic() - began)
    made, = wire.finished(process, report)["connections"]
    if not made["established"]:
        raise CannotRun(f"no connection was established of {made['opened']}")
    rate = made["established_per_second"]
    return {"new connections/s": rate, "new connections per core of work": rate / max(used, 0.001)}
