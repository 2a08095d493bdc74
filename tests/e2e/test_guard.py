"""Never locked out: people really cut themselves off, through the appliance, and get back in."""

import contextlib
import socket
import threading
import time

from tests.e2e.case import WireCase, eventually
from tests.lab import policies, traffic
from tests.lab.appliance import Answer
from tests.lab.traffic import DROPPED, OPEN

SSH = 22
CUT = policies.policy("cut-management", "app == 'database'", policies.DENY)
SLACK = 1.0  # seconds after the deadline within which everything is back


class Relay:
    """A machine behind the wire that hands its TCP connections on to the control socket: what a person reaches by ssh."""

    def __init__(self, namespace, port: int, socket_path) -> None:
        self._path = str(socket_path)
        with namespace.inside():
            self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("0.0.0.0", port))
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            inner = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                inner.connect(self._path)
            except OSError:
                client.close()
                continue
            for source, sink in ((client, inner), (inner, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Line:
    """A connection across the wire to the relay, kept open: requests one after another."""

    def __init__(self, case: "Guarded", timeout: float = 3.0) -> None:
        self._socket = traffic.connect(case.host("frontend").namespace, case.host("database").v4, SSH, timeout)

    def ask(self, method: str, path: str, body: str = "") -> Answer:
        data = body.encode()
        self._socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: drywall\r\nContent-Length: {len(data)}\r\n\r\n"
                             .encode() + data)
        reader = self._socket.makefile("rb")
        status = int(reader.readline().split()[1])
        length = 0
        while (line := reader.readline().strip()):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return Answer(status, reader.read(length).decode())

    def close(self) -> None:
        self._socket.close()


class Guarded(WireCase):
    """The appliance is managed across its own wire: frontend (left) to a relay on the database machine (right)."""

    def setUp(self) -> None:
        super().setUp()
        relay = Relay(self.host("database").namespace, SSH, self.appliance.socket)
        self.addCleanup(relay.close)
        self.addCleanup(self.let_go)

    def let_go(self) -> None:
        """Nothing waits and nothing is open when the next test begins."""
        if self.confirmation()["state"] == "armed":
            self.appliance.request("POST", "/v1/confirm")
        self.appliance.request("POST", "/v1/safety/close")

    def line(self, timeout: float = 3.0) -> Line:
        line = Line(self, timeout)
        self.addCleanup(line.close)
        return line

    def reaches(self, timeout: float = 0.5) -> bool:
        try:
            line = Line(self, timeout)
        except OSError:
            return False
        try:
            return line.ask("GET", "/v1/status").status == 200
        except (OSError, ValueError, IndexError):
            return False
        finally:
            line.close()

    def confirmation(self) -> dict:
        return self.appliance.get("/v1/confirmation").json

    def cut_off(self, query: str) -> dict:
        answer = self.appliance.request("POST", f"/v1/resources?force=true{'&' if query else ''}{query}", CUT)
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json


class ConfirmOrRevert(Guarded):
    def test_a_person_who_cut_themselves_off_is_back_within_a_second_of_the_deadline(self):
        self.assertTrue(self.reaches())
        before = self.appliance.generation()
        line = self.line()
        started = time.monotonic()
        # The answer to this very request is cut off with the rest: it may or may not arrive.
        threading.Thread(target=self.cut_off_over, args=(line,), daemon=True).start()
        self.assertTrue(eventually(lambda: self.confirmation()["state"] == "armed"))
        self.assertFalse(self.reaches(), "the change did not cut the management path: nothing is proven")
        self.assertTrue(eventually(lambda: self.reaches(0.3), 10))
        took = time.monotonic() - started
        self.assertLess(took, 3 + SLACK + 0.6)
        self.assertGreater(took, 2.5, "it was back before anybody could have confirmed")
        seen = self.confirmation()
        self.assertEqual(seen["state"], "expired")
        self.assertEqual(seen["last_revert"]["previous"], before)
        self.assertGreater(self.appliance.generation(), seen["last_revert"]["generation"])
        late = self.appliance.drywall("confirm")
        self.assertEqual(late.returncode, 7, late.stderr)
        self.assertIn("was taken back", late.stderr)

    @staticmethod
    def cut_off_over(line: Line) -> None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            line.ask("POST", "/v1/resources?force=true&confirm-within=3s", CUT)

    def test_the_next_command_of_the_user_says_that_the_change_was_taken_back(self):
        self.cut_off("confirm-within=1s")
        self.assertTrue(eventually(
            lambda: "note: generation" in self.appliance.drywall("get", "gnp", "-o", "name").stderr, 5))
        self.assertNotIn("note:", self.appliance.drywall("get", "gnp").stderr)
        status = self.appliance.drywall("status")
        self.assertIn("last revert", status.stdout)

    def test_a_confirmation_counts_over_a_new_connection_only(self):
        old = self.line()
        self.assertEqual(old.ask("GET", "/v1/status").status, 200)
        harmless = policies.policy("harmless", "app == 'cache'", policies.ALLOW)
        answer = self.appliance.request("POST", "/v1/resources?confirm-within=30s", harmless)
        self.assertEqual(answer.status, 200, answer.text)
        self.assertIn("apply (waits to be confirmed)", self.appliance.drywall("history").stdout)
        refused = old.ask("POST", "/v1/confirm")
        self.assertEqual(refused.status, 422, refused.text)
        self.assertIn("new connection", refused.text)
        accepted = self.line().ask("POST", "/v1/confirm")
        self.assertEqual(accepted.status, 200, accepted.text)
        self.assertEqual(self.confirmation()["state"], "confirmed")
        self.assertNotIn("waits", self.appliance.drywall("history").stdout)
        self.assertIn("harmless", self.appliance.drywall("get", "gnp", "-o", "name").stdout)

    def test_nothing_else_is_changed_while_a_change_waits(self):
        self.cut_off("confirm-within=30s")
        other = self.appliance.drywall("apply", "-f", "-", input=policies.close_backend())
        self.assertEqual(other.returncode, 6, other.stderr)
        self.assertIn("drywall confirm", other.stderr)
        status = self.appliance.drywall("status").stdout
        self.assertIn("unless:  drywall confirm", status)
        self.assertIn("apply (waits to be confirmed)", self.appliance.drywall("history", "--limit", "1").stdout)
        self.assertEqual(self.appliance.drywall("confirm").returncode, 0)
        other = self.appliance.drywall("apply", "-f", "-", input=policies.close_backend())
        self.assertEqual(other.returncode, 0, other.stderr)

    def test_at_a_terminal_what_can_deny_more_waits_to_be_confirmed_by_itself(self):
        file = self.appliance.folder / "change.yaml"
        file.write_text(policies.close_backend(staged=True))
        code, told = self.appliance.drywall_at_terminal("apply", "-f", file)
        self.assertEqual((code, self.confirmation()["state"] == "armed"), (0, False), told)
        file.write_text(policies.close_backend(staged=False))
        code, told = self.appliance.drywall_at_terminal("apply", "-f", file)
        self.assertEqual(code, 0, told)
        self.assertIn("(in 10m00s) unless:  drywall confirm", told)
        self.assertEqual(self.confirmation()["state"], "armed")
        self.assertEqual(self.appliance.drywall("confirm").returncode, 0)
        code, told = self.appliance.drywall_at_terminal("delete", "gnp", "close-backend", "--no-confirm")
        self.assertEqual((code, self.confirmation()["state"]), (0, "confirmed"), told)
        file.write_text(policies.close_backend(staged=False))
        done = self.appliance.drywall("apply", "-f", file)
        self.assertEqual((done.returncode, self.confirmation()["state"]), (0, "confirmed"), "a script is not asked")
        self.assertNotIn("confirm", done.stdout)

    def test_the_evidence_counts_anew_when_a_change_in_front_of_it_is_taken_back(self):
        self.appliance.apply(policies.close_backend(staged=True))
        before = self.appliance.generation()
        self.assertEqual(self.last_edit(), before)
        first = policies.policy("first", "app == 'backend'", policies.ALLOW, order=1)
        answer = self.appliance.request("POST", "/v1/resources?force=true&confirm-within=10m", first)
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(self.last_edit(), before + 1)
        self.assertEqual(self.appliance.drywall("rollback", before).returncode, 0)
        self.assertEqual(self.confirmation()["state"], "withdrawn")
        self.assertEqual(self.last_edit(), before + 2)

    def last_edit(self) -> int:
        return self.appliance.get("/v1/check?name=close-backend").json["last_edit"]["generation"]

    def test_a_trip_wire_takes_the_change_back_early(self):
        self.serve("database")
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        self.cut_off("confirm-within=10m&revert-if=newly-denied%3E0")
        started = time.monotonic()
        self.assertTrue(eventually(lambda: self.tcp("backend-1", "database", timeout=0.5) == OPEN, 10))
        self.assertLess(time.monotonic() - started, 5)
        seen = self.confirmation()
        self.assertEqual(seen["state"], "tripped")
        self.assertIn("newly-denied>0: ", seen["cause"])
        self.assertIn(self.host("database").v4, seen["cause"])


class Restarts(Guarded):
    def test_a_killed_appliance_starts_with_the_last_confirmed_generation(self):
        self.assertTrue(self.reaches())
        self.cut_off("confirm-within=10m")
        self.assertFalse(self.reaches())
        self.appliance.kill()
        self.appliance.start()
        self.assertTrue(eventually(self.reaches))
        seen = self.confirmation()
        self.assertEqual(seen["state"], "interrupted")
        self.assertEqual(self.appliance.drywall("confirm").returncode, 7)
        self.assertEqual(self.appliance.drywall("get", "gnp", "-o", "name").stdout, "")

    def test_the_rescue_flag_starts_it_with_the_safety_open_until_both_are_gone(self):
        self.cut_off("")
        self.assertFalse(self.reaches())
        flag = self.appliance.folder / "state" / "rescue"
        self.appliance.stop()
        flag.touch()
        self.appliance.start()
        self.assertTrue(self.reaches())
        self.assertIn("THE SAFETY IS OPEN", self.appliance.log())
        still = self.appliance.drywall("safety", "close")
        self.assertEqual(still.returncode, 6, still.stderr)
        flag.unlink()
        closed = self.appliance.drywall("safety", "close")
        self.assertEqual(closed.returncode, 0, closed.stderr)
        self.assertFalse(self.reaches())


    def test_an_open_safety_outlives_a_restart_and_still_ends_in_its_time(self):
        self.cut_off("")
        opened = time.monotonic()
        self.assertEqual(self.appliance.drywall("safety", "open", "--for", "5s", "--reason", "CHG-8").returncode, 0)
        self.appliance.kill()
        self.appliance.start()
        still = self.appliance.get("/v1/safety").json
        self.assertTrue(still["open"] and still["reason"] == "CHG-8", still)
        self.assertLessEqual(still["seconds_left"], 5)
        self.assertTrue(eventually(self.reaches, 3))
        self.assertTrue(eventually(lambda: not self.appliance.get("/v1/safety").json["open"], 10))
        self.assertGreater(time.monotonic() - opened, 4.9, "it ended before its time")
        self.assertLess(time.monotonic() - opened, 5 + SLACK + 0.6)
        self.assertFalse(self.reaches())


class Guards(Guarded):
    def test_what_would_cut_a_management_path_is_refused_by_name_and_forced_on_record(self):
        self.assertTrue(self.reaches())
        self.assertTrue(eventually(lambda: any(
            flow["dest_port"] == SSH for flow in self.appliance.get("/v1/flows").json["flows"])))
        refused = self.appliance.drywall("apply", "-f", "-", input=CUT)
        self.assertEqual(refused.returncode, 6, refused.stderr)
        self.assertIn("a management path of the last hour would be cut", refused.stderr)
        self.assertIn("frontend", refused.stderr)
        self.assertIn("tcp/22", refused.stderr)
        self.assertTrue(self.reaches())
        forced = self.appliance.drywall("apply", "--force", "-f", "-", input=CUT)
        self.assertEqual(forced.returncode, 0, forced.stderr)
        self.assertFalse(self.reaches())
        self.assertIn("forced: cuts off 1 management path(s)", self.appliance.log())

    def test_check_calls_nothing_safe_that_would_cut_a_management_path(self):
        self.appliance.apply(policies.policy("cut-management", "app == 'database'", policies.DENY, staged=True))
        self.assertTrue(self.reaches())
        few = ("--min-time", "0s", "--min-connections", "1")

        def flows() -> list:
            return [flow for flow in self.appliance.get(f"/v1/flows?to-port={SSH}").json["flows"]]

        self.assertTrue(eventually(lambda: any(flow["pending_action"] == "deny" for flow in flows())))
        acknowledged = [word for flow in flows() for word in ("--ack", str(flow["id"]))]
        for what in ("cut-management", "--all"):
            told = self.appliance.drywall("check", "promote", what, *few, *acknowledged)
            self.assertEqual(told.returncode, 1, told.stdout)
            self.assertIn("NOT SAFE", told.stdout)
            self.assertIn("a way by which the site is managed would be cut", told.stdout)
            self.assertIn("tcp/22", told.stdout)

    def test_a_drill_tells_it_and_publishes_nothing(self):
        self.assertTrue(self.reaches())
        self.assertTrue(eventually(lambda: any(
            flow["dest_port"] == SSH for flow in self.appliance.get("/v1/flows").json["flows"])))
        before = self.appliance.get("/v1/status").json
        told = self.appliance.drywall("drill")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("tcp/22", told.stdout)
        self.assertIn("guard       refuses it", told.stdout)
        self.assertIn(f"way back    drywall rollback {before['generation']}", told.stdout)
        after = self.appliance.get("/v1/status").json
        self.assertEqual((after["generation"], after["swaps"]), (before["generation"], before["swaps"]))
        self.assertTrue(self.reaches())


class Safety(Guarded):
    def test_while_it_is_open_everything_passes_is_counted_and_it_ends_by_itself(self):
        self.serve("database")
        self.cut_off("")
        self.assertEqual(self.tcp("backend-1", "database", timeout=0.5), DROPPED)
        opened = self.appliance.drywall("safety", "open", "--for", "3s", "--reason", "CHG-7 went wrong")
        self.assertEqual(opened.returncode, 0, opened.stderr)
        self.assertIn("NOTHING IS ENFORCED (CHG-7 went wrong", opened.stdout)
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        self.assertIn("SAFETY OPEN", self.appliance.drywall("status").stdout)
        stats = self.settled_stats()
        self.assertGreater(stats["only_observed"]["packets"], 0)
        self.assert_nothing_unaccounted(stats)
        self.assertTrue(eventually(lambda: self.tcp("backend-1", "database", timeout=0.3) == DROPPED, 8))
        self.assertFalse(self.appliance.get("/v1/safety").json["open"])

    def test_the_safety_net_is_shown_as_what_it_is_with_what_it_caught(self):
        self.serve("database")
        self.appliance.apply(policies.safety_net())
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        nets = eventually(lambda: [net for net in self.appliance.get("/v1/safety").json["safety_nets"] if net["flows"]])
        self.assertEqual([net["policy"] for net in nets], ["gnp:safety-net"])
        self.assertGreater(nets[0]["caught"]["packets"], 0)
        self.assertIn("safety net: gnp:safety-net", self.appliance.drywall("status").stdout)
        self.assertIn("(safety net)", self.appliance.drywall("stats", "--rules").stdout)
        review = self.appliance.drywall("review", "safety-net")
        self.assertEqual(review.returncode, 0, review.stderr)
        caught = [line.split() for line in review.stdout.splitlines() if "tcp/8080" in line]
        self.assertTrue(caught, review.stdout)
        self.assertEqual(caught[0][1], "safety-net")
        self.assertIn("workloadendpoint/default/backend-1", caught[0])
        self.assertIn("workloadendpoint/default/database", caught[0])
