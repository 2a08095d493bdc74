"""Resources as text: the endpoints of a wire's hosts, and the policies that the tests talk about."""

from __future__ import annotations

from tests.lab.wire import Host

API = "apiVersion: projectcalico.org/v3"


def documents(*texts: str) -> str:
    return "---\n".join(texts)


def workload(host: Host, profile: str | None = "projectcalico-default-allow") -> str:
    labels = "".join(f"\n    {key}: {value}" for key, value in host.labels.items())
    profiles = f"\n  profiles: [{profile}]" if profile else ""
    return f"""\
{API}
kind: WorkloadEndpoint
metadata:
  name: {host.name}
  namespace: default
  labels:{labels}
spec:
  orchestrator: lab
  node: wire
  workload: {host.name}
  interfaceName: eth0
  ipNetworks: [{host.v4}/32, "{host.v6}/128"]{profiles}
"""


def policy(name: str, selector: str, *rules: str, order: float = 100, direction: str = "ingress",
           staged: bool = False, action: str | None = None) -> str:
    """A global policy; each rule is the inside of one list item, lines separated by ';'."""
    listed = "".join(f"\n    - {rule.replace(';', chr(10) + '     ')}" for rule in rules)
    return f"""\
{API}
kind: {"Staged" if staged else ""}GlobalNetworkPolicy
metadata:
  name: {name}
spec:{f"{chr(10)}  stagedAction: {action}" if action else ""}
  order: {order}
  selector: {selector}
  types: [{direction.capitalize()}]
  {direction}:{listed or " []"}
"""


FROM_BACKEND = "action: Allow; protocol: TCP; source: {selector: env == 'prod' && app == 'backend'}; destination: {ports: [8080]}"
DENY = "action: Deny"
ALLOW = "action: Allow"


def only_backend_reaches_database() -> str:
    return policy("database", "env == 'prod' && app == 'database'", FROM_BACKEND, DENY)


def close_backend(staged: bool = True) -> str:
    return policy("close-backend", "app == 'backend'", DENY, order=200, staged=staged)


def safety_net() -> str:
    return f"""\
{API}
kind: GlobalNetworkPolicy
metadata:
  name: safety-net
spec:
  order: 100000
  selector: all()
  types: [Ingress, Egress]
  ingress:
    - action: Allow
  egress:
    - action: Allow
"""
