"""The rules as Calico policy for drywalld.

docs/policy.md: a server behind the wire is a WorkloadEndpoint, and a list of rules is one policy, its rules in order; what a
connection's first packet was allowed the rest of it is, too. Stateless: `doNotTrack` policies judge each packet of a HostEndpoint by
itself, so that answers need rules of their own.
"""

from __future__ import annotations

from perf.peers.rules import SERVER, Rule

_API = "apiVersion: projectcalico.org/v3"


def _document(kind: str, name: str, labels: str, spec: str) -> str:
    return f"{_API}\nkind: {kind}\nmetadata: {{name: {name}{labels}}}\nspec:\n{spec}"


def _rule(rule: Rule) -> str:
    return (f"  - {{action: Allow, protocol: {rule.protocol.upper()}, source: {{nets: [{rule.network}]}}, "
            f"destination: {{ports: [{rule.port}]}}}}\n")


def _answer(rule: Rule) -> str:
    return (f"  - {{action: Allow, protocol: {rule.protocol.upper()}, source: {{ports: [{rule.port}]}}, "
            f"destination: {{nets: [{rule.network}]}}}}\n")


def server() -> str:
    return _document("WorkloadEndpoint", "server", ", labels: {role: server}",
                     f"  {{orchestrator: lab, node: lab, workload: server, ipNetworks: [{SERVER}/32], "
                     "profiles: [projectcalico-default-allow]}\n")


def stateful(rules: list[Rule]) -> str:
    return "---\n".join([server(), *(
        _document("GlobalNetworkPolicy", f"perimeter-{i}", "",
                  f"  order: {i}\n  selector: role == 'server'\n  types: [Ingress]\n  ingress:\n" + "".join(map(_rule, part)))
        for i, part in enumerate(_parts(rules)))])


def stateless(rules: list[Rule]) -> str:
    return "---\n".join([
        _document("HostEndpoint", "server", ", labels: {role: server}", f"  {{node: lab, expectedIPs: [{SERVER}]}}\n"), *(
            _document("GlobalNetworkPolicy", f"perimeter-{i}", "",
                      f"  order: {i}\n  selector: role == 'server'\n  doNotTrack: true\n  applyOnForward: true\n"
                      "  types: [Ingress, Egress]\n  ingress:\n" + "".join(map(_rule, part)) +
                      "  egress:\n" + "".join(map(_answer, part)))
            for i, part in enumerate(_parts(rules)))])


def _parts(rules: list[Rule]) -> list[list[Rule]]:
    """A policy has at most 1,024 rules."""
    return [rules[i:i + 1000] for i in range(0, len(rules), 1000)]


def policy(rule: Rule, port: int | None = None) -> str:
    """One policy with one rule; with another port than the rule's it is a change of it."""
    text = _rule(rule) if port is None else _rule(rule).replace(f"ports: [{rule.port}]", f"ports: [{port}]")
    return _document("GlobalNetworkPolicy", f"rule-{rule.number}", "",
                     "  selector: role == 'server'\n  types: [Ingress]\n  ingress:\n" + text)


def staged(count: int) -> str:
    """Staged policies that would deny some of what is allowed."""
    return "---\n".join(
        _document("StagedGlobalNetworkPolicy", f"staged-{i}", "",
                  f"  order: {i % 90}\n  selector: role == 'server'\n  types: [Ingress]\n  ingress:\n"
                  f"  - {{action: Deny, protocol: TCP, source: {{nets: [10.{i % 64}.0.0/16]}}, destination: {{ports: [{1 + i}]}}}}\n")
        for i in range(count))
