"""How drywalld starts, what it says when it can not, and how it ends."""

import re
import signal
import tempfile
from pathlib import Path

from tests.e2e.case import PORT, WireCase
from tests.lab import policies
from tests.lab.appliance import Appliance, configuration, program
from tests.lab.traffic import DROPPED, OPEN, EchoServer

EXIT_INVALID, EXIT_DEVICE = 3, 4


class StartErrors(WireCase):
    """The class's own appliance runs beside: what is wrong must be found before it is disturbed."""

    def refused(self, change, code: int, *words: str) -> str:
        """Starts with a configuration changed by `change`; checks exit code and words, and that EAL stayed silent."""
        folder = Path(tempfile.mkdtemp(prefix="drywall-"))
        text = configuration(folder)
        changed = change(text)
        self.assertNotEqual(changed, text, "the test changed nothing")
        appliance = Appliance(self.wire.box, text=changed, folder=folder)
        appliance._own_folder = True
        self.addCleanup(appliance.forget)
        self.addCleanup(appliance.stop)
        appliance.spawn()
        self.assertEqual(appliance.wait_for_exit(), code, appliance.log())
        log = appliance.log()
        for word in words:
            self.assertIn(word, log)
        self.assertNotIn("EAL:", log, "a riddle")
        self.assertRegex(log, r"(?m)^drywalld: ")
        return log

    def test_no_hugepages(self):
        self.refused(lambda text: text.replace("memory: no-huge", "memory: hugepages").replace("256", "1000000"),
                     EXIT_DEVICE, "hugepages", "vm.nr_hugepages", "memory: no-huge")

    def test_unknown_device(self):
        self.refused(lambda text: text.replace("net_af_packet0,", "net_af_paket0,"), EXIT_DEVICE, "port 'inside'",
                     "net_af_paket0")

    def test_interface_that_is_not_there(self):
        self.refused(lambda text: text.replace("iface=in0", "iface=eth99"), EXIT_DEVICE, "port 'inside'", "'eth99'", "in0")

    def test_pci_device_that_is_not_there(self):
        self.refused(lambda text: re.sub(r"net_af_packet0\S+", "0000:ff:1f.7", text), EXIT_DEVICE, "0000:ff:1f.7", "PCI")

    def test_core_that_is_not_there(self):
        self.refused(lambda text: re.sub(r"cores: \[\d+\]", "cores: [1000]", text), EXIT_DEVICE, "core 1000")

    def test_port_name_twice(self):
        log = self.refused(lambda text: text.replace("name: outside", "name: inside"), EXIT_INVALID, "'inside'", "twice")
        self.assertRegex(log, r"drywall\.yaml:\d+:\d+: ")

    def test_socket_path_in_use(self):
        self.refused(lambda text: re.sub(r"(?m)^  socket: \S+", f"  socket: {self.appliance.socket}", text), EXIT_DEVICE,
                     str(self.appliance.socket), "in use")
        self.assertEqual(self.appliance.get("/v1/status").status, 200)

    def test_socket_that_can_not_be_made_is_said_before_a_packet_crosses(self):
        for change in (lambda text: re.sub(r"(?m)^  socket: \S+", f"  socket: {self.appliance.config}", text),
                       lambda text: text.replace("control:\n", "control:\n  group: no-such-group\n")):
            log = self.refused(change, EXIT_DEVICE, "control socket")
            self.assertNotIn("totals:", log, "it had forwarded already")

    def test_more_memory_than_there_is(self):
        self.refused(lambda text: text.replace("memory-mb: 256", "memory-mb: 1048576"), EXIT_DEVICE, "memory-mb: 1048576",
                     "more than the machine has")

    def test_unknown_key(self):
        self.refused(lambda text: text + "unmached: allow\n", EXIT_INVALID, "unmached", "unmatched")

    def test_configuration_that_is_not_there(self):
        done = self.wire.box.run(program("drywalld"), "--config", "/nonexistent/drywall.yaml")
        self.assertEqual(done.returncode, EXIT_INVALID)
        self.assertIn("/nonexistent/drywall.yaml", done.stderr)

    def test_too_little_memory_for_the_packet_buffers(self):
        self.refused(lambda text: text.replace("memory-mb: 256", "memory-mb: 64\n  packet-buffers: 1000000"), EXIT_DEVICE,
                     "memory-mb", "packet-buffers")

    def test_policies_that_are_wrong(self):
        folder = Path(tempfile.mkdtemp(prefix="drywall-"))
        (folder / "bad.yaml").write_text("apiVersion: projectcalico.org/v3\nkind: Nothing\n")
        self.addCleanup((folder / "bad.yaml").unlink)
        self.refused(lambda text: text + f"policies: {folder}\n", EXIT_INVALID, "bad.yaml:2:", "Nothing")

    def test_check_says_whether_it_would_start_and_touches_nothing(self):
        done = self.wire.box.run(program("drywalld"), "--check", "--config", self.appliance.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("valid", done.stdout)


class Life(WireCase):
    def setUp(self) -> None:
        super().setUp()
        server = EchoServer(self.host("cache").namespace, PORT)
        self.addCleanup(server.stop)

    def another(self, extra: str = "") -> Appliance:
        """The class's appliance makes room for one whose life is the test's."""
        self.appliance.stop()
        mine = Appliance(self.wire.box, extra=extra)
        self.addCleanup(self.appliance.start)
        self.addCleanup(mine.forget)
        self.addCleanup(mine.stop)
        return mine

    def test_sigterm_ends_it_with_totals_that_add_up(self):
        mine = self.another().start()
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)
        mine.process.send_signal(signal.SIGTERM)
        self.assertEqual(mine.wait_for_exit(), 0, mine.log())
        self.assertEqual(len(mine.totals()), 1, mine.log())
        received, transmitted, dropped = mine.totals()[0]
        self.assertGreater(received, 5)
        self.assertEqual(received, transmitted + dropped)
        self.assertFalse(mine.socket.exists(), "the socket stays behind")

    def test_sigint_ends_it_too(self):
        mine = self.another().start()
        mine.process.send_signal(signal.SIGINT)
        self.assertEqual(mine.wait_for_exit(), 0, mine.log())

    def test_nothing_crosses_without_it(self):
        mine = self.another().start()
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)
        mine.stop()
        self.assertEqual(self.tcp("frontend", "cache", timeout=1), DROPPED)

    def test_after_kill_9_it_starts_again_on_the_same_socket_and_forwards(self):
        mine = self.another().start()
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)
        mine.kill()
        self.assertTrue(mine.socket.exists(), "nobody was there to remove it")
        mine.start()
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)

    def test_policies_of_its_directory_are_in_force_before_the_first_packet(self):
        folder = tempfile.TemporaryDirectory(prefix="drywall-")
        self.addCleanup(folder.cleanup)
        Path(folder.name, "endpoints.yaml").write_text(self.endpoints())
        Path(folder.name, "policy.yaml").write_text(policies.policy("cache", "app == 'cache'", policies.DENY))
        mine = self.another(extra=f"policies: {folder.name}\n").start()
        self.assertEqual(self.tcp("frontend", "cache", timeout=1), DROPPED)
        self.assertEqual(mine.generation(), 1)

    def test_two_workers_share_the_wire(self):
        mine = self.another()
        mine.config.write_text(re.sub(r"cores: \[(\d+)\]", r"cores: [\1, \1]", mine.config.read_text()))
        mine.start()
        mine.apply(self.endpoints())
        for _ in range(5):
            self.assertEqual(self.tcp("frontend", "cache"), OPEN)
        stats = self.settled_stats(mine)
        self.assertEqual(len(stats["workers"]), 2)
        self.assert_nothing_unaccounted(stats)

    def test_a_busy_worker_forwards_as_well(self):
        mine = self.another()
        mine.config.write_text(mine.config.read_text().replace("idle: backoff", "idle: busy"))
        mine.start()
        self.assertEqual(self.tcp("frontend", "cache"), OPEN)
