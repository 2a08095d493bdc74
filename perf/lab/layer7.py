"""Requests that are filtered by method and path: Drywall in the wire beside nginx as a reverse proxy, real programs at both ends."""

from __future__ import annotations

import contextlib
import functools
import random
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from perf.lab import cores
from perf.lab.forwarders import Drywalld, Machine
from perf.lab.plan import Scale, alternate
from perf.lab.report import LOWER, CannotRun, Figure, Goal, Question
from perf.lab.wire import AF_PACKET, DRIVERS, DRYWALL_PACKET, DRYWALL_XDP, NAPI, bind_napi, devices, steer
from perf.peers import nginx
from tests.lab.netns import Namespace
from tests.lab.wire import BOX_PORTS, LEFT, RIGHT, whole_frames

NAME = "layer7"
PORT, ANSWER = 8080, 200
CONNECTIONS = 50
# The client always asks SERVER: the web server itself, or the proxy, which has a server BEHIND it.
CLIENT, SERVER, BEHIND, BOX_BEHIND = "10.77.0.11", "10.77.0.21", "10.78.0.21", "10.78.0.1"
BUSY, NGINX, BRIDGE = f"{DRYWALL_PACKET}, busy", "nginx", "Linux bridge, no rules"
PER_CORE, DELAY = "requests/s per core of work", "latency p50, us"
KEPT, EACH = "kept", "one for each"
METHOD = f"""\
`wrk` on one CPU asks a web server there (nginx, {ANSWER} bytes an answer) for paths below those that policy allows, {CONNECTIONS} connections at a time; the contender has the
other CPU, with a veth pair to either side. Drywall lies in the wire (one worker, `idle: backoff`, or `busy`, which takes a whole CPU and answers at once); nginx is a reverse proxy with one worker that keeps its connections to
the server. Both allow GET below so many paths, and nothing else: before anything is measured, a request that is not allowed must fail. *Work* is the CPU time of the contender's
own process, of the interfaces' NAPI threads where XDP is used, and of the softirqs of its CPU, at most that CPU (a softirq that interrupts the process is in both figures: a bound from above), so what a contender leaves idle is
not counted; the client and the server share the other CPU, and are the limit of *requests/s*.
*Latency*: one connection, one request after the other. Connections are *kept*, or there is *one for each* request."""


class Box:
    """A client, a server, and a box between them with an interface to each."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._namespaces: list[Namespace] = []
        self._processes: list[subprocess.Popen] = []
        self._logs: list[Path] = []
        try:
            self.client, self.box, self.server = (self._namespace(role) for role in ("client", "box", "server"))
            for side, end in ((LEFT, self.client), (RIGHT, self.server)):
                interface = BOX_PORTS[side]
                self.box.ip(f"link add {interface} type veth peer name eth0 netns {end.name}\nlink set {interface} up")
                end.ip("link set lo up\nlink set eth0 up")
                steer(end, "eth0", machine.other_core)
                steer(self.box, interface, machine.core)
                whole_frames(self.box, interface)
                whole_frames(end, "eth0")
            self.client.ip(f"addr add {CLIENT}/24 dev eth0")
        except BaseException:
            self.delete()
            raise

    def _namespace(self, role: str) -> Namespace:
        namespace = Namespace(role)
        self._namespaces.append(namespace)
        namespace.sysctl(ipv6__conf__default__disable_ipv6=1, ipv6__conf__all__disable_ipv6=1, core__somaxconn=4096,
                         ipv4__tcp_max_syn_backlog=4096, ipv4__tcp_tw_reuse=1, ipv4__ip_local_port_range="1024 65000")
        return namespace

    def nginx(self, folder: Path, name: str, text: str, namespace: Namespace, address: str, cpu: int) -> subprocess.Popen:
        if shutil.which("nginx") is None:
            raise CannotRun("nginx is not installed (Debian: nginx-light)")
        file, said = folder / f"{name}.conf", folder / f"{name}.said"
        file.write_text(text)
        folder.chmod(0o755)
        with said.open("w") as log:
            process = namespace.popen("taskset", "-c", cpu, "nginx", "-e", folder / f"{name}.log", "-c", file, stdout=log, stderr=log)
        self._processes.append(process)
        deadline = time.monotonic() + 20
        while True:
            with namespace.inside():
                probe = socket.socket()
            probe.settimeout(1)
            with contextlib.closing(probe):
                if probe.connect_ex((address, PORT)) == 0:
                    return process
            if process.poll() is not None or time.monotonic() > deadline:
                raise CannotRun(f"nginx does not listen: {said.read_text().strip()[-300:]}")
            time.sleep(0.05)

    def serve(self, folder: Path, address: str) -> None:
        self.server.ip(f"addr add {address}/24 dev eth0")
        self.nginx(folder, "server", nginx.server(folder, address, PORT, ANSWER), self.server, address, self.machine.other_core)

    def ask(self, *words: str) -> subprocess.CompletedProcess:
        return self.client.run("taskset", "-c", str(self.machine.other_core), *words, timeout=120)

    def delete(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for namespace in self._namespaces:
            namespace.delete()


class Work:
    """CPU seconds that a contender took; `seconds` of its own process."""

    def __init__(self, cpu: int, seconds) -> None:
        self._cpu, self._seconds = cpu, seconds

    def spent(self) -> float:
        return self._seconds() + cores.softirq_seconds(self._cpu)


def paths(count: int) -> list[str]:
    """As interfaces have them; the same in every run."""
    made = random.Random(8)
    word = lambda: "".join(made.choices("abcdefghijklmnopqrstuvwxyz", k=made.randint(3, 12)))  # noqa: E731
    return [f"/api/v{i % 7}/" + "/".join(word() for _ in range(made.randint(1, 3))) + f"-{i}" for i in range(count)]


def policies(allowed: list[str]) -> str:
    """One endpoint, and a policy of rules with ten paths each."""
    rules = "".join("  - {action: Allow, protocol: TCP, destination: {ports: [" + str(PORT) + "]}, http: {methods: [GET], paths: [" +
                    ", ".join(f"{{prefix: {path}}}" for path in allowed[first:first + 10]) + "]}}\n" for first in range(0, len(allowed), 10))
    return ("apiVersion: projectcalico.org/v3\nkind: WorkloadEndpoint\nmetadata: {name: server, labels: {role: server}}\nspec: {orchestrator: lab, node: lab, "
            f"workload: server, ipNetworks: [{SERVER}/32], profiles: [projectcalico-default-allow]}}\n---\n"
            "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: web}\nspec:\n  order: 1\n  selector: role == 'server'\n"
            f"  types: [Ingress]\n  ingress:\n{rules}")


def worker_seconds(process: subprocess.Popen) -> float:
    """Of nginx's worker, the child of the process that was started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return sum(cores.thread_seconds(int(child), [int(child)]) for child in children)


@contextlib.contextmanager
def running(contender: str, box: Box, folder: Path, allowed: list[str]) -> Iterator[Work]:
    core = box.machine.core
    if contender == NGINX:
        box.box.ip(f"addr add {SERVER}/24 dev {BOX_PORTS[LEFT]}\naddr add {BOX_BEHIND}/24 dev {BOX_PORTS[RIGHT]}\nlink set lo up")
        box.serve(folder, BEHIND)
        process = box.nginx(folder, "proxy", nginx.proxy(folder, SERVER, PORT, BEHIND, allowed), box.box, SERVER, core)
        yield Work(core, functools.partial(worker_seconds, process))
        return
    box.serve(folder, SERVER)
    if contender == BRIDGE:
        box.box.ip("link add br0 type bridge mcast_snooping 0 forward_delay 0\nlink set br0 up\n" +
                   "\n".join(f"link set {interface} master br0" for interface in BOX_PORTS.values()))
        yield Work(core, lambda: 0.0)
        return
    program = Drywalld(box.machine, devices(DRIVERS.get(contender, AF_PACKET)), folder / "drywall", policies(allowed), namespace=box.box,
                       idle="busy" if contender == BUSY else "backoff")
    try:
        if contender != DRYWALL_XDP:
            yield Work(core, program.polling_seconds)
            return
        bind_napi(box.box, core)
        yield Work(core, lambda: program.polling_seconds() + cores.kernel_seconds(NAPI))
    finally:
        program.stop()


def check(box: Box, allowed: list[str], filters: bool) -> None:
    """What is measured does what it should."""
    def code(path: str, *words: str) -> str:
        done = box.ask("curl", "--silent", "--max-time", "3", "--output", "/dev/null", "--write-out", "%{http_code}", *words, f"http://{SERVER}:{PORT}{path}")
        return done.stdout

    for path in allowed[:3] + allowed[-3:]:
        if code(f"{path}/1") != "200":
            raise CannotRun(f"GET {path}/1 is not answered, and should be")
    for path, words in ((f"{allowed[0]}/1", ("--request", "DELETE")), ("/admin", ())):
        if filters and code(path, *words) == "200":
            raise CannotRun(f"{' '.join(words)} {path} is answered, and should not be")


def script(folder: Path, allowed: list[str], connections: str) -> Path:
    """For wrk: one path after the other, from all over the set."""
    asked = random.Random(9).sample(allowed, min(len(allowed), 1000))
    file = folder / "paths.lua"
    close = ", Connection = 'close'" if connections == EACH else ""
    file.write_text("local requests, at = {}, 0\ninit = function()\n" +
                    "".join(f"  requests[#requests + 1] = wrk.format('GET', '{path}/12345', {{Host = 'shop.example.com', Accept = '*/*'{close}}})\n" for path in asked) +
                    "end\nrequest = function()\n  at = at % #requests + 1\n  return requests[at]\nend\n")
    return file


def wrk(box: Box, file: Path, connections: int, seconds: float) -> tuple[float, dict[str, float]]:
    if shutil.which("wrk") is None:
        raise CannotRun("wrk is not installed")
    whole = max(1, round(seconds))  # it takes no parts of seconds
    done = box.ask("wrk", "-t1", f"-c{connections}", f"-d{whole}s", "--latency", "-s", str(file), f"http://{SERVER}:{PORT}/")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if done.returncode != 0 or rate is None or float(rate[1]) <= 0:
        raise CannotRun(f"wrk: {(done.stderr or done.stdout).strip()[-200:]}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    if bad:
        raise CannotRun(f"{bad[1]} requests were refused that are allowed")
    units = {"us": 1.0, "ms": 1e3, "s": 1e6}
    found = {percent: float(value) * units[unit] for percent, value, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", done.stdout)}
    return float(rate[1]), found


def measure(folder: Path, *, scale: Scale, patterns: int, connections: str, contender: str) -> dict[str, float]:
    allowed = paths(patterns)
    box = Box(scale.machine)
    try:
        with running(contender, box, folder, allowed) as work:
            check(box, allowed, contender != BRIDGE)
            file = script(folder, allowed, connections)
            wrk(box, file, CONNECTIONS, 1)
            began, spent = time.monotonic(), work.spent()
            rate, _ = wrk(box, file, CONNECTIONS, 2 * scale.window)
            took = time.monotonic() - began
            spent = min(work.spent() - spent, took)
            _, delays = wrk(box, file, 1, 2 * scale.window)
            return {PER_CORE: rate * took / spent if spent > 0 else 0.0, "requests/s": rate, DELAY: delays["50"], "latency p99, us": delays["99"]}
    finally:
        box.delete()


def run(scale: Scale) -> Question:
    contenders = (BRIDGE, DRYWALL_PACKET, BUSY, DRYWALL_XDP, NGINX)
    question = Question(NAME, "Requests, by method and path", METHOD, [
        Figure(PER_CORE, "", digits=0), Figure("requests/s", "", digits=0), Figure(DELAY, "", LOWER, 0), Figure("latency p99, us", "", LOWER, 0)],
        reference=NGINX, ours=(DRYWALL_PACKET, BUSY, DRYWALL_XDP), floors=(BRIDGE,))
    cases = [{"paths": f"{count:,}", "connections": connections} for count in scale.paths for connections in (KEPT, EACH)]
    turns = [(case, contender, functools.partial(measure, scale=scale, patterns=int(case["paths"].replace(",", "")),
                                                 connections=case["connections"], contender=contender))
             for case in cases for contender in contenders]
    alternate(question, scale.wire_rounds, turns)
    for case in cases:
        said = f"{case['paths']} paths, connections {case['connections']}"
        for ours in (DRYWALL_PACKET, DRYWALL_XDP):
            question.goals.append(Goal(f"{ours} / {NGINX}, {said}, {PER_CORE}", question.ratio(PER_CORE, case, ours, NGINX), 5))
    question.notes.append("Added latency (p50 beside the bridge's, us): " + "; ".join(
        f"{case['paths']} paths, {case['connections']}: " + ", ".join(added(question, case, contender) for contender in contenders[1:]) for case in cases) + ".")
    return question


def added(question: Question, case: dict[str, str], contender: str) -> str:
    one, floor = (question.row(case, name).median(DELAY) for name in (contender, BRIDGE))
    return f"{contender} " + (f"{one - floor:+.0f}" if one is not None and floor is not None else "-")
