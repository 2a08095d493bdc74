#!/usr/bin/env python3
"""The demo's story. Started by scripts/demo, which has built what it needs."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.lab import netns, traffic
from tests.lab.appliance import ROOT, Appliance, drops, program, rule
from tests.lab.wire import LEFT, RIGHT, Wire

POLICIES = "config/demo"
KEPT = Path("/run/drywall-demo")  # what --keep leaves: the daemon's folder, and the ids of its processes
PREFIX = "drywall-demo"
HERE = Path(__file__).resolve().parent

RACK_A = {"frontend": 11, "backend-1": 12, "backend-dev": 13, "batch": 14}
RACK_B = {"database": 21, "backend-2": 22, "cache": 23}
SERVICES = {"database": 8080, "backend-2": 8080, "cache": 6379, "backend-1": 8080}
OK, NO, SAME_SIDE = "✓", "✗", "·"
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Broken(Exception):
    """The wire did not do what was foretold."""


def paint(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def say(text: str = "") -> None:
    print(text, flush=True)


def chapter(number: int, title: str) -> None:
    say(f"\n{paint('1;34', f'── {number} ' + '─' * 3)} {paint('1', title)}")


def true(claim: str) -> None:
    say(f"  {paint('32', '✓')} {claim}")


def hold(condition: bool, claim: str, otherwise: str = "") -> None:
    """A claim is shown only when it holds."""
    if not condition:
        raise Broken(f"it does not hold that {claim}" + (f": {otherwise}" if otherwise else ""))
    true(claim)


def names(pairs) -> str:
    return ", ".join(f"{source} → {destination}" for source, destination in sorted(pairs)) or "none"


class Demo:
    def __init__(self, keep: bool) -> None:
        self.keep = keep
        prefix = PREFIX if keep else None
        self.wire = Wire(prefix)
        self.folder = KEPT if keep else Path(tempfile.mkdtemp(prefix="drywall-demo-"))
        self.folder.mkdir(exist_ok=True)
        self.processes: list[subprocess.Popen] = []
        for rack, side in ((RACK_A, LEFT), (RACK_B, RIGHT)):
            for name, number in rack.items():
                self.wire.host(name, side, number)
        self.appliance = Appliance(self.wire.box, folder=self.folder)

    # The stage.

    def start(self) -> None:
        for name, port in SERVICES.items():
            process = self.wire.hosts[name].namespace.popen(
                sys.executable, HERE / "server.py", name, port, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self.processes.append(process)
        for process in self.processes:
            if process.stdout.readline().strip() != "listening":
                raise Broken("a service did not start")
        self.appliance.start()
        self.processes.append(self.appliance.process)
        if self.keep:
            (KEPT / "processes").write_text("\n".join(str(process.pid) for process in self.processes))

    def clean_up(self) -> None:
        if self.appliance.process is not None:
            self.appliance.stop()
        for process in self.processes:
            process.kill()
            process.wait()
        self.wire.delete()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What the audience sees.

    def drywall(self, *words: str, code: int = 0) -> str:
        """A command as typed, and what it printed. Any other exit code than `code` is not what was foretold."""
        say(f"\n  {paint('2', '$')} {paint('1', 'drywall ' + shlex.join(words))}")
        done = subprocess.run([program("drywall"), "--socket", self.appliance.socket, *words], cwd=ROOT, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)
        for line in (done.stdout + done.stderr).splitlines():
            say(f"    {line}")
        if done.returncode != code:
            raise Broken(f"`drywall {shlex.join(words)}` ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def connects(self, source: str, destination: str) -> bool:
        """A real program of one host asks a real program of another."""
        words = [sys.executable, HERE / "client.py", self.wire.hosts[destination].v4, SERVICES[destination]]
        return self.wire.hosts[source].namespace.run(*words).returncode == 0

    def measure(self) -> dict[tuple[str, str], bool]:
        across = [(source, destination) for source in (*RACK_A, *RACK_B) for destination in SERVICES
                  if (source in RACK_A) != (destination in RACK_A)]
        return traffic.all_at_once({pair: (lambda p=pair: self.connects(*p)) for pair in across})

    def show(self, matrix: dict[tuple[str, str], bool], before: dict[tuple[str, str], bool] | None = None) -> None:
        say("\n  Measured just now, one real TCP connection each (rows connect to columns):\n")
        say("    " + " " * 12 + "".join(f"{name + ':' + str(port):>16}" for name, port in SERVICES.items()))
        for source in (*RACK_A, *RACK_B):
            cells = ""
            for destination in SERVICES:
                pair = (source, destination)
                mark = SAME_SIDE if pair not in matrix else OK if matrix[pair] else NO
                changed = before is not None and pair in matrix and matrix[pair] != before[pair]
                text = f"{'→ ' if changed else ''}{mark}"
                cells += " " * (16 - len(text)) + paint({OK: "32", NO: "31"}.get(mark, "2"), text)
            say(f"    {source:<12}{cells}")
        legend = f"{SAME_SIDE} same rack: does not cross the wire"
        if before is not None and matrix != before:
            legend += "   → changed"
        say(f"    {paint('2', legend)}\n")


def ended(before: dict, after: dict) -> set:
    return {pair for pair in before if before[pair] and not after[pair]}


def begun(before: dict, after: dict) -> set:
    return {pair for pair in before if not before[pair] and after[pair]}


def foretold(demo: Demo) -> set[tuple[str, str]]:
    """Connections of the current generation that live, and would die."""
    flows = demo.appliance.get("/v1/flows?enforced=allow&pending=deny").json["flows"]
    generation = demo.appliance.generation()
    return {(flow["source_name"], flow["dest_name"]) for flow in flows if flow["generation"] == generation}


def wait_for(question, timeout: float = 10.0):
    deadline = time.monotonic() + timeout
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def settled(demo: Demo) -> dict:
    """The counters, once nothing is on its way any more."""
    stats = demo.appliance.stats()
    for _ in range(100):
        time.sleep(0.1)
        before, stats = stats, demo.appliance.stats()
        if before["received"] == stats["received"] and before["judged"] == stats["judged"]:
            return stats
    raise Broken("packets keep coming, though nobody sends")


def the_wire(demo: Demo) -> None:
    chapter(1, "A wire, and an appliance in it")
    say("""
        rack A                                                       rack B
    frontend     10.77.0.11 ─┐                                ┌─ 10.77.0.21  database
    backend-1    10.77.0.12 ─┤          ┌──────────┐          │
    backend-dev  10.77.0.13 ─┼── inside ┤ drywalld ├ outside ─┼─ 10.77.0.22  backend-2
    batch        10.77.0.14 ─┘          └──────────┘          └─ 10.77.0.23  cache

  Each host is a network namespace with real programs in it. There is no other way across than through
  drywalld: DPDK, polling two AF_PACKET ports on veth interfaces.""")
    demo.start()
    demo.drywall("status")
    demo.drywall("apply", "-f", f"{POLICIES}/00-endpoints.yaml")


def enforce(demo: Demo) -> dict:
    chapter(2, "A policy is enforced")
    say("  Only production's backends may reach production's database, on TCP 8080.")
    demo.drywall("apply", "-f", f"{POLICIES}/10-database.yaml")
    matrix = demo.measure()
    demo.show(matrix)
    reach = {source for source in RACK_A if matrix[(source, "database")]}
    hold(reach == {"backend-1"}, "of rack A only backend-1 reaches the database", f"those who do: {sorted(reach)}")
    blocked = {pair for pair, connected in matrix.items() if not connected and pair[1] != "database"}
    hold(not blocked, "nothing else is in anyone's way", names(blocked))
    return matrix


def rehearse(demo: Demo, before: dict) -> set:
    chapter(3, "Another one is rehearsed")
    say("  What if nobody could connect to a backend any more? The policy is staged: matched on every packet,\n"
        "  counted, and not enforced.")
    demo.drywall("apply", "-f", f"{POLICIES}/20-close-backend.yaml")
    matrix = demo.measure()
    demo.show(matrix, before)
    hold(matrix == before, "the wire behaves exactly as before", f"changed: {names(ended(before, matrix) | begun(before, matrix))}")
    expected = {pair for pair in before if before[pair] and pair[1] in ("backend-1", "backend-2")}
    wait_for(lambda: foretold(demo) >= expected)
    say("\n  But Drywall knows what would happen, from the connections that were just made:")
    demo.drywall("flows", "--pending", "deny", "--enforced", "allow")
    demo.drywall("stats", "--staged")
    demo.drywall("stats", "--rules")
    dying = foretold(demo)
    say()
    hold(dying == expected, f"frontend → backend-2 is foretold to die, and so are {names(dying - {('frontend', 'backend-2')})}",
         f"expected {names(expected)}, foretold {names(dying)}")
    counted = rule(settled(demo), "sgnp:close-backend|deny|0")
    hold(counted["would_deny"]["packets"] > 0 and counted["enforced"]["packets"] == 0,
         f"the staged rule has counted {counted['would_deny']['packets']} packets, and stopped none")
    return dying


def promote(demo: Demo, before: dict, dying: set) -> dict:
    chapter(4, "It is promoted")
    say("  It is refused at first: backend-2 would lose every connection that it had, and that is seldom meant.")
    demo.drywall("promote", "close-backend", code=6)
    demo.drywall("promote", "close-backend", "--force")
    matrix = demo.measure()
    demo.show(matrix, before)
    hold(ended(before, matrix) == dying, "exactly what was foretold has died, and nothing else",
         f"died: {names(ended(before, matrix))}; foretold: {names(dying)}")
    hold(not begun(before, matrix), "nothing was opened")
    say("\n  Asked why, the same classifier names the rule; exit code 1 says that it would be denied.")
    demo.drywall("trace", "tcp", "10.77.0.11", "10.77.0.22:8080", code=1)
    return matrix


def safety_net(demo: Demo, before: dict) -> None:
    chapter(5, "A safety net is hung below")
    say("  Allow everything, at order 100000: below every other policy.")
    demo.drywall("apply", "-f", f"{POLICIES}/90-safety-net.yaml")
    matrix = demo.measure()
    demo.show(matrix, before)
    hold(matrix == before, "it masks nothing: what is denied above it stays denied",
         f"changed: {names(ended(before, matrix) | begun(before, matrix))}")
    stats = settled(demo)
    lost = stats["received"]["packets"] - stats["transmitted"]["packets"] - sum(drops(stats).values())
    hold(lost == 0, f"it loses nothing: {stats['received']['packets']} packets received = "
         f"{stats['transmitted']['packets']} transmitted + {sum(drops(stats).values())} dropped, each under its reason",
         f"{lost} packets are missing")
    hold(set(drops(stats)) <= {"policy_deny", "non_ip"}, f"the reasons: {drops(stats)}")
    hold(stats["flows"]["records_lost"] == 0, "no flow record was lost")


def take_back(demo: Demo, first: dict, old_connection: socket.socket) -> None:
    chapter(6, "It is taken back")
    demo.drywall("delete", "gnp", "close-backend")
    matrix = demo.measure()
    demo.show(matrix)
    hold(matrix == first, "everything works again as in the beginning",
         f"changed: {names(ended(first, matrix) | begun(first, matrix))}")
    old_connection.settimeout(3)
    old_connection.sendall(b"still here?\n")
    hold(old_connection.recv(100).startswith(b"cache: still here?"),
         f"a connection from frontend to cache, opened before the first policy, has lived through all "
         f"{demo.appliance.generation()} generations")


def play(demo: Demo) -> None:
    the_wire(demo)
    old_connection = traffic.connect(demo.wire.hosts["frontend"].namespace, demo.wire.hosts["cache"].v4, SERVICES["cache"])
    with old_connection:
        first = enforce(demo)
        dying = rehearse(demo, first)
        promoted = promote(demo, first, dying)
        safety_net(demo, promoted)
        take_back(demo, first, old_connection)


def farewell(demo: Demo) -> None:
    chapter(7, "The end")
    hold(demo.appliance.stop() == 0, "drywalld ended when it was asked to; its last words:")
    for line in demo.appliance.log().splitlines()[-4:]:
        say(f"    {paint('2', line)}")


def what_to_try(demo: Demo) -> None:
    enter = f"ip netns exec {PREFIX}"
    say(f"""
  Everything is still running. Try:

    export PATH=$PATH:{program('drywall').parent} DRYWALL_SOCKET={demo.appliance.socket}
    drywall get                         drywall stats                    drywall flows --follow
    drywall matrix --diff               drywall apply -f {POLICIES}/20-close-backend.yaml
    {enter}-frontend {HERE}/client.py 10.77.0.22 8080
    {enter}-box ip -s link show in0
    curl -s --unix-socket $DRYWALL_SOCKET http://localhost/v1/stats | jq .drops

  scripts/demo --clean takes it away.""")


def clean_kept() -> bool:
    """Ends what a run with --keep left, by the process ids that it noted."""
    found = KEPT.exists()
    noted = KEPT / "processes"
    for pid in noted.read_text().split() if noted.exists() else []:
        command = Path("/proc", pid, "cmdline")
        words = command.read_bytes() if command.exists() else b""
        if b"drywalld" in words or b"demo.d/server.py" in words:  # not a stranger who has the number now
            os.kill(int(pid), signal.SIGTERM)
            wait_for(lambda p=pid: not Path("/proc", p).exists())
    for entry in netns.PLACE.glob(f"{PREFIX}-*"):
        found = True
        subprocess.run(["ip", "netns", "del", entry.name], capture_output=True)
    shutil.rmtree(KEPT, ignore_errors=True)
    return found


def main() -> int:
    netns.clean_up_on_signals()
    if "--clean" in sys.argv:
        say("taken away" if clean_kept() else "nothing was left")
        return 0
    keep = "--keep" in sys.argv
    clean_kept()
    started = time.monotonic()
    demo = Demo(keep)
    done = False
    try:
        play(demo)
        done = True
        if not keep:
            farewell(demo)
    except (Broken, netns.LabError, AssertionError, OSError, KeyError, json.JSONDecodeError) as trouble:
        done = False
        say(f"\n{paint('31', 'The demo did not keep its word:')} {type(trouble).__name__}: {trouble}")
        say("drywalld's last words:\n" + "\n".join(demo.appliance.log().splitlines()[-15:]))
    finally:
        if done and keep:
            netns.leave_all()
        else:
            demo.clean_up()
    if not done:
        return 1
    if keep:
        what_to_try(demo)
    say(f"\n{paint('1;32', 'Everything that was shown was measured, and held.')} ({time.monotonic() - started:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
