"""What becomes of traffic when something fails; what systemd hears; what the process may still do."""

import contextlib
import os
import pwd
import re
import resource
import socket
import time
import unittest
from pathlib import Path

from tests.e2e.case import WireCase, eventually, on_every_driver
from tests.lab import policies
from tests.lab.appliance import ROOT, Appliance, drops
from tests.lab.flood import Flood
from tests.lab.frames import UDP, datagram, udp
from tests.lab.stopped_thread import StoppedThread
from tests.lab.traffic import DROPPED, OPEN

EXIT_INVALID, EXIT_HUNG = 3, 5
CAP_NET_ADMIN = 1 << 12
DENY_ALL = policies.policy("nothing", "all()", policies.DENY)


class NotifySocket:
    """What systemd would listen on."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0.01)
        self.messages: list[str] = []

    def heard(self, text: str) -> int:
        with contextlib.suppress(OSError):
            while True:
                self.messages.append(self._socket.recv(4096).decode())
        return sum(text in message for message in self.messages)


class FailingCase(WireCase):
    """Each test has an appliance of its own."""

    shares_an_appliance = False

    def setUp(self) -> None:
        pass

    def another(self, extra: str = "", change=lambda text: text) -> Appliance:
        appliance = Appliance(self.wire.box, driver=self.driver, extra=extra)
        appliance.config.write_text(change(appliance.config.read_text()))
        self.addCleanup(appliance.forget)
        self.addCleanup(appliance.stop)
        self.appliance = appliance  # whose log is shown when the test fails
        return appliance

    def status(self) -> dict:
        return self.appliance.get("/v1/status").json

    def worker(self) -> int:
        return next(int(tid) for tid, thread in self.appliance.threads().items() if thread["Name"] == "worker-0")


@on_every_driver
class Closed(FailingCase):
    extra = "hardening: {seccomp: enforce}\n"

    def test_nothing_arrives_from_before_the_start_until_after_the_end(self):
        appliance = self.another(self.extra).start()
        appliance.apply(self.endpoints())
        appliance.apply(DENY_ALL)
        self.assertEqual(appliance.stop(), 0, appliance.log())
        client, server = self.host("frontend"), self.host("database")
        frame = b"\xff" * 6 + datagram(client.v4, server.v4, UDP, udp(client.v4, server.v4, 4000, 8080, b"drywall-leak"))[6:]
        with Flood((client.namespace, "eth0"), (server.namespace, "eth0"), frame) as flood:
            self.assertTrue(eventually(lambda: flood.sent > 50))
            for end in (appliance.stop, appliance.kill):
                appliance.start()
                self.assertTrue(eventually(lambda: drops(appliance.stats()).get("policy_deny", 0) > 50),
                                "the flood is not seen")
                end()
            after = flood.sent
            self.assertTrue(eventually(lambda: flood.sent > after + 50))
        self.assertEqual(flood.arrived.total(), 0)

    def test_it_holds_no_right_that_it_does_not_need_on_any_thread(self):
        appliance = self.another(self.extra).start()
        allowed = CAP_NET_ADMIN if self.driver == "net_af_packet" else CAP_NET_ADMIN | 1 << 39 | 1 << 21
        threads = appliance.threads()
        self.assertGreater(len(threads), 5)
        for tid, thread in threads.items():
            about = f"{tid} {thread['Name']}"
            self.assertEqual(int(thread["CapEff"], 16) & ~allowed, 0, about)
            self.assertEqual(int(thread["CapPrm"], 16) & ~allowed, 0, about)
            self.assertEqual(thread["NoNewPrivs"], "1", about)
            self.assertEqual(thread["Seccomp"], "2", about)


class Watched(FailingCase):
    def started(self, extra: str = "", change=lambda text: text) -> NotifySocket:
        appliance = self.another(extra, change)
        notify = NotifySocket(appliance.folder / "notify")
        appliance.environment = {"NOTIFY_SOCKET": str(appliance.folder / "notify"), "WATCHDOG_USEC": "1000000"}
        appliance.start()
        self.assertTrue(eventually(lambda: notify.heard("READY=1")), notify.messages)
        return notify

    def test_a_worker_that_hangs_is_named_within_a_second_and_the_watchdog_starves(self):
        notify = self.started()
        self.assertEqual(self.status()["state"], "ready")
        self.assertRegex(self.appliance.drywall("status").stdout, r"\Astate ready since ")
        with StoppedThread(self.worker()):
            began = time.monotonic()
            self.assertTrue(eventually(lambda: self.status()["state"] == "degraded", timeout=3))
            self.assertLess(time.monotonic() - began, 1.5, "a second, and room for a busy machine")
            reason = self.status()["reasons"][0]
            self.assertEqual((reason["trouble"], reason["worker"]), ("worker-hung", 0))
            shown = self.appliance.drywall("status").stdout
            self.assertRegex(shown, r"\Astate degraded since .*\n  worker 0 \(CPU \d+\) has not turned for ")
            self.assertIn('drywall_state{state="degraded"} 1\n', self.appliance.get("/metrics").text)
            self.assertTrue(eventually(lambda: notify.heard("STATUS=DEGRADED: worker 0")))
            fed = notify.heard("WATCHDOG=1")
            time.sleep(0.6)  # it is fed every quarter of a second
            self.assertEqual(notify.heard("WATCHDOG=1"), fed)
        self.assertTrue(eventually(lambda: self.status()["state"] == "ready"))
        self.assertTrue(eventually(lambda: notify.heard("WATCHDOG=1") > fed))
        self.assertEqual(len(re.findall("degraded: worker 0", self.appliance.log())), 1, "said once")
        self.assertEqual(self.appliance.stop(), 0)
        self.assertEqual(notify.heard("STOPPING=1"), 1)

    def test_a_hung_worker_ends_the_process_where_that_is_configured(self):
        self.started(change=lambda text: text.replace("workers:\n", "workers:\n  hung: exit\n"))
        with StoppedThread(self.worker()) as worker:
            worker.wait_until_gone(5)
        self.assertEqual(self.appliance.wait_for_exit(5), EXIT_HUNG)
        self.assertIn("worker 0 (CPU", self.appliance.log())

    def test_a_state_directory_that_can_not_be_written_degrades_it(self):
        appliance = self.another(change=lambda text: re.sub(r"(?m)^  directory: \S+", "  directory: /proc/drywall", text))
        appliance.start()
        self.assertTrue(eventually(lambda: self.status()["state"] == "degraded"))
        self.assertEqual([reason["trouble"] for reason in self.status()["reasons"]], ["store"])
        self.assertIn('drywall_degraded_reasons{trouble="store"} 1\n', appliance.get("/metrics").text)


class Open(FailingCase):
    def damaged(self, extra: str) -> Appliance:
        appliance = self.another(extra)
        state = appliance.folder / "state"
        state.mkdir()
        (state / "state.db").write_bytes(b"this is no database" * 1000)
        return appliance

    def test_policies_that_can_not_be_brought_back_stop_the_start_unless_it_shall_fail_open(self):
        closed = self.damaged("posture: closed\n")
        closed.spawn()
        self.assertEqual(closed.wait_for_exit(), EXIT_INVALID)

        self.damaged("fail: open\n").start()
        self.serve("database")
        self.assertEqual(self.tcp("frontend", "database"), OPEN)
        self.assertTrue(eventually(lambda: self.status()["state"] == "degraded"))
        status = self.status()
        self.assertEqual((status["fail"], status["reasons"][0]["trouble"]), ("open", "nothing-enforced"))
        self.assertTrue(status["safety"]["open"])
        shown = self.appliance.drywall("status").stdout
        self.assertIn("NOTHING IS ENFORCED", shown)
        self.assertIn("FAIL OPEN", shown)
        self.assertIn("drywall_fail_open 1\n", self.appliance.get("/metrics").text)
        self.assertIn("FAIL OPEN", self.appliance.log())


class OutOfMemory(FailingCase):
    ROOM = 8 << 20  # bytes beyond what the process has

    @staticmethod
    def thousands_of_endpoints() -> str:
        return policies.documents(*(
            f"{policies.API}\nkind: WorkloadEndpoint\nmetadata: {{name: w{i}, namespace: default, labels: {{one: w{i}, of: g{i % 400}}}}}\n"
            f"spec: {{node: wire, ipNetworks: [10.{100 + i // 65536}.{i // 256 % 256}.{i % 256}/32]}}\n" for i in range(8000)))

    @contextlib.contextmanager
    def little_memory(self):
        """What the kernel holds a process's data to is what its allocator can't get beyond."""
        pid = self.appliance.process.pid
        in_use = int(re.search(r"VmData:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) << 10
        before = resource.prlimit(pid, resource.RLIMIT_DATA, (in_use + self.ROOM, resource.RLIM_INFINITY))
        try:
            yield
        finally:
            resource.prlimit(pid, resource.RLIMIT_DATA, before)

    def test_a_change_that_finds_no_memory_is_refused_and_the_old_policy_stays(self):
        appliance = self.another().start()
        appliance.apply(policies.documents(self.endpoints(), policies.only_backend_reaches_database()))
        before = appliance.generation()
        everything = policies.documents(policies.policy("everything", "all()", policies.ALLOW, order=1), self.thousands_of_endpoints())
        with self.little_memory():
            answer = appliance.request("POST", "/v1/resources?force=true", everything)
        self.assertEqual(answer.status, 503, answer.text)
        self.assertIn("not enough memory", answer.text)
        self.assertEqual(appliance.generation(), before)
        self.serve("database")
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        self.assertEqual(self.tcp("frontend", "database"), DROPPED)
        appliance.apply(everything)
        self.assertEqual(self.tcp("frontend", "database"), OPEN)


class AsAnotherUser(FailingCase):
    def test_it_runs_as_the_user_that_is_configured_and_carries_link_state_all_the_same(self):
        nobody = pwd.getpwnam("nobody")
        appliance = self.another("hardening: {user: nobody, seccomp: enforce}\n")
        os.chown(appliance.folder, nobody.pw_uid, nobody.pw_gid)
        appliance.start()
        for thread in appliance.threads().values():
            self.assertEqual(set(thread["Uid"].split()), {str(nobody.pw_uid)}, thread["Name"])
            self.assertEqual(int(thread["CapEff"], 16), CAP_NET_ADMIN, thread["Name"])
        self.assertEqual(appliance.socket.stat().st_uid, nobody.pw_uid)
        self.serve("database")
        self.assertEqual(self.tcp("frontend", "database"), OPEN)
        self.wire.segments["left"].ip("link set up0 down")
        self.addCleanup(lambda: self.wire.segments["left"].ip("link set up0 up"))
        outside = lambda: self.wire.box.run("cat", "/sys/class/net/out0/flags").stdout
        self.assertTrue(eventually(lambda: int(outside() or "0x1", 16) & 1 == 0), "out0 stays up")

    def test_it_needs_no_root_with_the_capabilities_that_the_unit_gives(self):
        nobody = pwd.getpwnam("nobody")
        unit = (ROOT / "config/systemd/drywalld.service").read_text()
        given = re.search(r"(?m)^AmbientCapabilities=(.*)$", unit).group(1).lower().replace("cap_", "+").replace(" ", ",")
        self.assertIn("LimitMEMLOCK=infinity\n", unit)
        if resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] != resource.RLIM_INFINITY:
            given += ",+ipc_lock"  # instead of the limit, which this machine does not let anybody raise
        appliance = self.another("hardening: {seccomp: enforce}\n")
        os.chown(appliance.folder, nobody.pw_uid, nobody.pw_gid)
        appliance.started_by = (
            "setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--no-new-privs",
            f"--bounding-set=-all,{given}", f"--inh-caps=-all,{given}", f"--ambient-caps=-all,{given}")
        appliance.start()
        for thread in appliance.threads().values():
            self.assertEqual(int(thread["CapEff"], 16), CAP_NET_ADMIN, thread["Name"])
            self.assertEqual(int(thread["CapAmb"], 16), 0, thread["Name"])
        self.serve("database")
        self.assertEqual(self.tcp("frontend", "database"), OPEN)

    def test_a_user_that_is_not_there_is_named(self):
        appliance = self.another("hardening: {user: nobody-at-all}\n")
        appliance.spawn()
        self.assertEqual(appliance.wait_for_exit(), EXIT_INVALID)
        self.assertIn("there is no user 'nobody-at-all'", appliance.log())


if __name__ == "__main__":
    unittest.main()
