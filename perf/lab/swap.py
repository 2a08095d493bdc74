"""How long does a change of the rules take, from the command to the last worker, beside nft -f and a bundle of Open vSwitch?"""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from perf.lab import captures, wire
from perf.lab.forwarders import Drywalld
from perf.lab.openvswitch import OpenVSwitch
from perf.lab.plan import TROUBLE, Case, Measure, Scale, alternate, say
from perf.lab.report import LOWER, CannotRun, Figure, Question
from perf.peers import drywall, nftables, openvswitch
from perf.peers.rules import PORTS, Rule, rules
from tests.lab.appliance import program
from tests.lab.netns import Namespace

NAME = "swap"
DRYWALL, NFT, OVS = "drywall apply", "nft -f", "ovs-ofctl --bundle"
ONE, ALL = "one rule", "every rule"
MOVED = 9000  # the port that a changed rule has in turns
METHOD = """\
From the start of the command to its end; each is told a file that gives one rule another port, or every rule, and back in the next
round. `drywall apply` reads, compiles, checks the tables against themselves, writes the generation to disk and returns when the last worker took it over, while the
worker forwards as fast as it can. `nft -f` changes elements of a set in one transaction; `ovs-ofctl --bundle` sends modifications (one rule) or `replace-flows` (every
rule), and its datapath follows by itself after that. Neither of the two has traffic meanwhile."""


class Contender:
    """`text` is the file of a change; `apply` is what is timed."""

    def __init__(self, folder: Path, chosen: list[Rule]) -> None:
        self._file = folder / "change"
        self._chosen = chosen
        self._last = chosen[-1]         # the rule that is changed alone,
        self._port = self._last.port    # and its port now
        self._shifted = False

    def measure(self, change: str) -> dict[str, float]:
        if change == ONE:
            port = self._last.port if self._port == MOVED else MOVED
            text = self.change(self._port, port)
            self._port = port
        else:
            self._shifted = not self._shifted
            ports = shifted(self._chosen, self._shifted)
            text = self.whole(ports)
            self._port = ports[-1]
        self._file.write_text(text)
        began = time.monotonic()
        self.apply(change)
        return {"ms": (time.monotonic() - began) * 1e3}

    def change(self, before: int, after: int) -> str:
        """The last rule's port is changed."""
        raise NotImplementedError

    def whole(self, ports: list[int]) -> str:
        """Every rule's is."""
        raise NotImplementedError

    def apply(self, change: str) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


def shifted(chosen: list[Rule], moved: bool) -> list[int]:
    """Every rule's port when all are changed: the next one of PORTS, or its own."""
    return [PORTS[(rule.number + (1 if moved else 0)) % len(PORTS)] for rule in chosen]


def run_command(*words) -> None:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
    if done.returncode != 0:
        raise CannotRun(f"{words[0]} said: {done.stderr.strip()[-300:]}")


class OfDrywall(Contender):
    def __init__(self, folder: Path, chosen: list[Rule], scale: Scale) -> None:
        super().__init__(folder, chosen)
        captures.both_ways(folder, captures.flows_of(chosen, 1000), captures.SIZES["64 B"])
        self._program = Drywalld(scale.machine, captures.devices(folder), folder / "drywall",
                                 "---\n".join([drywall.server(), *map(drywall.policy, chosen)]))

    def change(self, before: int, after: int) -> str:
        return drywall.policy(self._last, after)

    def whole(self, ports: list[int]) -> str:
        return "---\n".join(map(drywall.policy, self._chosen, ports))

    def apply(self, change: str) -> None:
        run_command(program("drywall"), "--socket", self._program.appliance.socket, "apply", "--force", "-f", self._file)

    def stop(self) -> None:
        self._program.stop()


class OfNft(Contender):
    def __init__(self, folder: Path, chosen: list[Rule], scale: Scale) -> None:
        super().__init__(folder, chosen)
        self._namespace = Namespace("nft")
        try:
            self._file.write_text(nftables.ruleset(chosen))
            wire.load(self._namespace, self._file)
        except BaseException:
            self._namespace.delete()
            raise

    def change(self, before: int, after: int) -> str:
        return nftables.change(self._last, before, after)

    def whole(self, ports: list[int]) -> str:
        return nftables.refill(self._chosen, ports)

    def apply(self, change: str) -> None:
        wire.load(self._namespace, self._file)

    def stop(self) -> None:
        self._namespace.delete()


class OfOpenVSwitch(Contender):
    def __init__(self, folder: Path, chosen: list[Rule], scale: Scale) -> None:
        super().__init__(folder, chosen)
        self._switch = OpenVSwitch(scale.machine, folder, [])
        self._file.write_text(openvswitch.flows(chosen))
        try:
            self._switch.replace_flows(self._file)
        except BaseException:
            self._switch.stop()
            raise

    def change(self, before: int, after: int) -> str:
        return openvswitch.change(self._last, before, after)

    def whole(self, ports: list[int]) -> str:
        return openvswitch.flows(self._chosen, ports)

    def apply(self, change: str) -> None:
        (self._switch.add_flows if change == ONE else self._switch.replace_flows)(self._file)

    def stop(self) -> None:
        self._switch.stop()


CONTENDERS = {DRYWALL: OfDrywall, NFT: OfNft, OVS: OfOpenVSwitch}


def run(scale: Scale) -> Question:
    question = Question(NAME, "How long does a change take?", METHOD, [Figure("ms", "", LOWER, 1)], reference=NFT, ours=(DRYWALL,))
    for count in scale.policies:
        with ExitStack() as stack:
            turns: list[tuple[Case, str, Measure]] = []
            for change in (ONE, ALL):
                for name in CONTENDERS:
                    question.row(case_of(count, change), name)
            for name, make in CONTENDERS.items():
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="drywall-lab-")))
                try:
                    running = make(folder, rules(count), scale)
                except TROUBLE as error:
                    say(f"  {name}, {count:,} policies: could not run: {str(error)[:300]}")
                    for change in (ONE, ALL):
                        question.row(case_of(count, change), name).could_not_run = str(error)
                    continue
                stack.callback(running.stop)
                turns += [(case_of(count, change), name, lambda _, running=running, change=change: running.measure(change))
                          for change in (ONE, ALL)]
            turns.sort(key=lambda turn: (turn[0]["change"] == ALL,))
            alternate(question, 2 * scale.rounds, turns)
    return question


def case_of(count: int, change: str) -> Case:
    return {"policies": f"{count:,}", "change": change}
