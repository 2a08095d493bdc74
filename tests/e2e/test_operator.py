"""The operator's command and the API: what they say, what they refuse, and what they leave alone."""

import json
import os
import stat
import subprocess
import tempfile
from pathlib import Path

from tests.e2e.case import PORT, WireCase, eventually
from tests.lab import policies
from tests.lab.appliance import Appliance, program
from tests.lab.netns import die_with_parent
from tests.lab.traffic import DROPPED, OPEN

OK, NEGATIVE, USAGE, INVALID, UNREACHABLE, CONFLICT, REFUSED = range(7)


class Operator(WireCase):
    def drywall(self, *words, input: str | None = None, code: int = OK):
        done = self.appliance.drywall(*words, input=input)
        self.assertEqual(done.returncode, code, f"drywall {words}\n{done.stdout}{done.stderr}")
        return done

    def file(self, text: str, name: str = "policy.yaml") -> Path:
        folder = tempfile.TemporaryDirectory(prefix="drywall-")
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / name
        path.write_text(text)
        return path


class Changes(Operator):
    def test_apply_says_created_then_unchanged_then_configured(self):
        path = self.file(policies.only_backend_reaches_database())
        self.assertIn("created", self.drywall("apply", "-f", path).stdout)
        self.assertIn("unchanged", self.drywall("apply", "-f", path).stdout)
        path.write_text(path.read_text().replace("order: 100", "order: 150"))
        self.assertIn("configured", self.drywall("apply", "-f", path).stdout)

    def test_an_apply_that_changes_nothing_makes_no_generation(self):
        path = self.file(policies.only_backend_reaches_database())
        self.drywall("apply", "-f", path)
        before = self.appliance.generation()
        self.drywall("apply", "-f", path)
        self.assertEqual(self.appliance.generation(), before)

    def test_a_whole_directory_or_standard_input_is_one_generation(self):
        path = self.file(policies.only_backend_reaches_database(), "a.yaml")
        (path.parent / "b.yaml").write_text(policies.close_backend())
        before = self.appliance.generation()
        self.drywall("apply", "-f", path.parent)
        self.assertEqual(self.appliance.generation(), before + 1)
        self.drywall("apply", "-f", "-", input=policies.safety_net())
        self.assertEqual(self.appliance.generation(), before + 2)

    def test_a_bad_policy_is_named_by_file_line_and_column_and_changes_nothing(self):
        good = policies.only_backend_reaches_database()
        before = self.appliance.generation()
        bad = good.replace("  order: 100", "  ordre: 100").replace("name: database", "name: other")
        path = self.file(policies.documents(good, bad), "bad.yaml")
        line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if "ordre" in text)
        done = self.drywall("apply", "-f", path, code=INVALID)
        self.assertEqual(done.stdout, "")
        self.assertIn(f"{path}:{line}:3:", done.stderr)
        self.assertIn("\n      ordre: 100\n      ^\n  did you mean 'order'?\n", done.stderr)
        self.assertEqual(self.appliance.generation(), before)
        self.assertNotIn("GlobalNetworkPolicy", json.dumps(self.appliance.get("/v1/resources").json["items"]))

    def test_each_kind_of_mistake_is_refused_where_it_stands(self):
        good = policies.only_backend_reaches_database()
        mistakes = {
            "duplicate key": good.replace("  order: 100\n", "  order: 100\n  order: 100\n"),
            "octal number": good.replace("order: 100", "order: 022"),
            "wrong type": good.replace("order: 100", "order: [100]"),
            "unknown selector": good.replace("app == 'database'", "app === 'database'"),
            "unknown action": good.replace("action: Deny", "action: Reject"),
            "port out of range": good.replace("[8080]", "[65536]"),
            "unknown kind": good.replace("kind: GlobalNetworkPolicy", "kind: GlobalNetworkPolice"),
        }
        before = self.appliance.generation()
        for mistake, text in mistakes.items():
            with self.subTest(mistake):
                self.assertNotEqual(text, good)
                done = self.appliance.drywall("apply", "-f", "-", input=text)
                self.assertEqual(done.returncode, INVALID, done.stdout + done.stderr)
                self.assertRegex(done.stderr, r":\d+:\d+: ")
                self.assertEqual(self.appliance.generation(), before)

    def test_rules_on_requests_are_refused_where_no_connection_is_followed(self):
        good = policies.only_backend_reaches_database()
        text = good.replace("action: Allow", "action: Allow\n      http: {methods: [GET]}").replace(
            "spec:", "spec:\n  doNotTrack: true\n  applyOnForward: true")
        self.assertNotEqual(text, good)
        done = self.drywall("apply", "-f", "-", input=text, code=REFUSED)
        self.assertRegex(done.stderr, r":\d+:\d+: .*http")
        self.assertNotIn("GlobalNetworkPolicy", json.dumps(self.appliance.get("/v1/resources").json["items"]))

    def test_deleting_what_is_not_there_is_a_negative_answer(self):
        self.drywall("delete", "gnp", "nobody", code=NEGATIVE)

    def test_a_change_on_another_generation_than_believed_is_a_conflict(self):
        path = self.file(policies.only_backend_reaches_database())
        self.drywall("apply", "-f", path, "--if-generation", self.appliance.generation() + 7, code=CONFLICT)
        self.drywall("apply", "-f", path, "--if-generation", self.appliance.generation())

    def test_an_ignored_staged_policy_can_not_be_promoted(self):
        self.appliance.apply(f"{policies.API}\nkind: StagedGlobalNetworkPolicy\nmetadata:\n  name: later\n"
                             "spec:\n  stagedAction: Ignore\n  selector: all()\n")
        self.drywall("promote", "later", code=REFUSED)

    def test_promoting_what_is_not_staged_is_a_negative_answer(self):
        self.drywall("promote", "nobody", code=NEGATIVE)

    def test_who_changed_something_is_logged(self):
        self.drywall("apply", "-f", self.file(policies.only_backend_reaches_database()))
        self.assertTrue(eventually(lambda: "uid 0" in self.appliance.log()), self.appliance.log())


class Questions(Operator):
    def setUp(self) -> None:
        super().setUp()
        self.appliance.apply(policies.documents(policies.only_backend_reaches_database(), policies.close_backend()))

    def test_every_command_that_shows_something_speaks_json_too(self):
        for words in (["get"], ["get", "gnp"], ["get", "gnp", "database"], ["status"], ["stats"], ["flows"], ["matrix"],
                      ["matrix", "--pending"], ["matrix", "--diff"],
                      ["trace", "tcp", self.host("frontend").v4, f"{self.host('backend-2').v4}:{PORT}"]):
            with self.subTest(" ".join(words)):
                done = self.appliance.drywall("-o", "json", *words)
                self.assertIn(done.returncode, (OK, NEGATIVE), done.stderr)
                self.assertIsInstance(json.loads(done.stdout), dict)
                self.assertEqual(done.stderr, "")

    def test_what_get_prints_as_yaml_can_be_applied_again(self):
        text = self.drywall("-o", "yaml", "get").stdout
        self.assertIn("unchanged", self.drywall("apply", "-f", "-", input=text).stdout)

    def test_trace_tells_both_worlds_and_its_exit_code_the_verdict(self):
        source, destination = self.host("frontend"), self.host("backend-2")
        words = ("trace", "tcp", source.v4, f"{destination.v4}:{PORT}")
        self.assertIn("close-backend", self.drywall(*words).stdout)
        self.drywall(*words, "--pending", code=NEGATIVE)
        self.drywall("trace", "tcp", source.v4, f"{self.host('database').v4}:{PORT}", code=NEGATIVE)
        self.drywall("trace", "tcp", self.host("backend-1").v6, f"[{self.host('database').v6}]:{PORT}")

    def test_trace_and_the_wire_agree(self):
        for name in ("database", "backend-2", "cache"):
            self.serve(name)
        for source in ("frontend", "backend-1", "backend-dev"):
            for destination in ("database", "backend-2", "cache"):
                with self.subTest(f"{source} to {destination}"):
                    done = self.appliance.drywall(
                        "trace", "tcp", self.host(source).v4, f"{self.host(destination).v4}:{PORT}")
                    self.assertEqual(self.tcp(source, destination, timeout=1), OPEN if done.returncode == OK else DROPPED)

    def test_the_matrix_marks_what_promotion_would_change(self):
        diff = json.loads(self.drywall("-o", "json", "matrix", "--diff", "--port", f"tcp/{PORT}").stdout)
        names = diff["endpoints"]
        changed = {(row["source"], names[column]) for row in diff["rows"]
                   for column, cell in enumerate(row["cells"]) if cell["differs"]}
        self.assertTrue(changed)
        self.assertTrue(all("backend" in destination for _, destination in changed), changed)

    def test_following_flows_shows_new_ones(self):
        self.serve("cache")
        follower = subprocess.Popen([program("drywall"), "--socket", self.appliance.socket, "flows", "--follow"],
                                    stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)
        seen = []

        def shown():
            seen.append(follower.stdout.readline())
            return "cache" in seen[-1]

        self.assertTrue(eventually(shown), seen)


class Api(Operator):
    def test_the_socket_is_for_owner_and_group_only(self):
        mode = os.stat(self.appliance.socket).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o660)

    def test_curl_can_ask(self):
        done = subprocess.run(["curl", "-sS", "--unix-socket", str(self.appliance.socket), "http://localhost/v1/status"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["dataplane"], "running")

    def test_what_does_not_exist_is_404_and_the_wrong_method_405(self):
        self.assertEqual(self.appliance.get("/v1/nothing").status, 404)
        self.assertEqual(self.appliance.request("PUT", "/v1/status").status, 405)

    def test_an_oversized_request_is_refused_and_the_next_one_served(self):
        try:
            answer = self.appliance.request("POST", "/v1/resources", "x" * (65 << 20))
            self.assertEqual(answer.status, 413)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before it was all sent
        self.assertEqual(self.appliance.get("/v1/status").status, 200)

    def test_without_an_appliance_the_command_says_so(self):
        nobody = Appliance(self.wire.box, text="")
        self.addCleanup(nobody.forget)
        done = nobody.drywall("status")
        self.assertEqual(done.returncode, UNREACHABLE)
        self.assertIn(str(nobody.socket), done.stderr)

    def test_data_that_nobody_got_is_no_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([program("drywall"), "--socket", self.appliance.socket, "get"], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, UNREACHABLE)
        self.assertIn("standard output", done.stderr)

    def test_a_wrong_command_line_is_a_usage_error(self):
        self.assertIn("no command 'frobnicate'", self.drywall("frobnicate", code=USAGE).stderr)
        self.assertIn("no format 'pdf'", self.drywall("get", "-o", "pdf", code=USAGE).stderr)
        self.assertIn("status does not write yaml", self.drywall("status", "-o", "yaml", code=USAGE).stderr)
        self.drywall("apply", code=USAGE)
        self.drywall("delete", "gnp", code=USAGE)
