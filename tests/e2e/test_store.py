"""What outlives the process: generations come back before a packet passes, and there is a way back to each of them."""

import contextlib
import os
import subprocess

from tests.e2e.case import WireCase
from tests.lab import policies
from tests.lab.appliance import Appliance, program
from tests.lab.traffic import DROPPED, OPEN

OK, NEGATIVE, USAGE, INVALID, UNREACHABLE, CONFLICT = range(6)


class Store(WireCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve("database")

    def drywall(self, *words, input: str | None = None, code: int = OK) -> str:
        done = self.appliance.drywall(*words, input=input)
        self.assertEqual(done.returncode, code, f"drywall {words}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def restart(self, kill: bool = False) -> None:
        if kill:
            self.appliance.kill()
        else:
            self.assertEqual(self.appliance.stop(), 0)
        self.appliance.start()

    def test_what_was_applied_is_in_force_after_kill_9_and_numbers_go_on(self):
        self.drywall("apply", "-f", "-", "--comment", "CHG-1", "--force", input=policies.only_backend_reaches_database())
        self.assertEqual(self.tcp("frontend", "database", timeout=1), DROPPED)
        before = self.appliance.generation()
        self.restart(kill=True)
        self.assertEqual(self.appliance.generation(), before)
        self.assertEqual(self.tcp("frontend", "database", timeout=1), DROPPED)
        self.assertEqual(self.tcp("backend-1", "database"), OPEN)
        self.assertIn(f"generation {before} of ", self.drywall("status"))
        self.drywall("apply", "-f", "-", input=policies.close_backend())
        self.assertEqual(self.appliance.generation(), before + 1)
        history = self.drywall("history")
        self.assertIn("CHG-1", history)
        self.assertIn("root", history)

    def test_diff_rollback_and_if_generation(self):
        text = policies.only_backend_reaches_database()
        first = self.appliance.generation()
        self.assertIn("+  order: 100", self.drywall("diff", "-f", "-", input=text, code=NEGATIVE))
        self.drywall("apply", "-f", "-", input=text)
        self.drywall("diff", "-f", "-", input=text)
        self.drywall("diff", first, first)
        self.assertIn("-  order: 100", self.drywall("diff", first + 1, first, code=NEGATIVE))
        self.drywall("rollback", first, "--if-generation", first, code=CONFLICT)
        self.assertIn("deleted", self.drywall("rollback", first))
        self.assertEqual(self.appliance.generation(), first + 2)
        self.assertEqual(self.tcp("frontend", "database"), OPEN)
        self.drywall("rollback", 100000, code=NEGATIVE)
        self.assertIn("failed", self.drywall("history", "--audit", "--limit", "1"))

    def test_a_backup_is_restored_as_one_change(self):
        self.drywall("apply", "-f", "-", input=policies.only_backend_reaches_database())
        file = self.appliance.folder / "backup"
        self.drywall("backup", file)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.drywall("delete", "gnp", "database")
        before = self.appliance.generation()
        self.assertIn("created", self.drywall("restore", file))
        self.assertEqual(self.appliance.generation(), before + 1)
        self.assertEqual(self.tcp("frontend", "database", timeout=1), DROPPED)
        file.write_text("no backup")
        self.drywall("restore", file, code=INVALID)

    def test_files_of_the_policy_directory_are_compared_and_not_enforced_again(self):
        folder = self.appliance.folder / "policies"
        folder.mkdir(exist_ok=True)
        (folder / "database.yaml").write_text(policies.only_backend_reaches_database())
        config = self.appliance.config.read_text()
        self.addCleanup(self.appliance.config.write_text, config)
        self.appliance.config.write_text(config + f"policies: {folder}\n")
        self.restart()
        self.assertIn("1 of 1 resources differ", self.drywall("status"))
        self.assertEqual(self.tcp("frontend", "database"), OPEN)

    def test_a_damaged_store_is_not_started_from(self):
        self.appliance.stop()
        self.addCleanup(self.appliance.start)
        file = self.appliance.folder / "state" / "state.db"
        sound = file.read_bytes()
        self.addCleanup(file.write_bytes, sound)
        file.write_bytes(sound[:5000] + bytes(len(sound) - 5000))
        done = subprocess.run([program("drywalld"), "--config", self.appliance.config], capture_output=True, text=True,
                              timeout=30)
        self.assertEqual(done.returncode, INVALID, done.stderr)
        self.assertIn("state.db", done.stderr)
        self.assertIn("drywall backup", done.stderr)


class FullDisk(WireCase):
    """A state directory on a small file system of its own."""

    def test_changes_are_refused_while_the_disk_is_full_and_the_appliance_forwards_on(self):
        self.appliance.stop()
        self.addCleanup(self.appliance.start)
        mount = self.appliance.folder / "small"
        mount.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mount], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", mount], check=False)
        mine = Appliance(self.wire.box)
        self.addCleanup(mine.forget)
        self.addCleanup(mine.stop)
        mine.config.write_text(mine.config.read_text().replace(f"directory: {mine.folder}/state", f"directory: {mount}"))
        mine.start()
        mine.apply(self.endpoints())
        filler = mount / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        self.assertIn("disk is full; free space in", self.refusal(mine))
        self.assertEqual(mine.get("/v1/status").json["store"]["state"], "failing")
        self.serve("database")
        self.assertEqual(self.tcp("frontend", "database"), OPEN)
        os.unlink(filler)
        mine.apply(policies.only_backend_reaches_database())
        self.assertEqual(mine.get("/v1/status").json["store"]["state"], "ok")

    def refusal(self, mine: Appliance) -> str:
        """The answer to the first change for which there is no room."""
        for number in range(200):
            before = mine.generation()
            text = policies.only_backend_reaches_database().replace("order: 100", f"order: {101 + number}")
            answer = mine.request("POST", "/v1/resources", text)
            if answer.status != 200:
                self.assertEqual(answer.status, 503, answer.text)
                self.assertEqual(mine.generation(), before)
                return answer.text
        self.fail("the disk was never full")
