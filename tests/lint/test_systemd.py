"""The systemd unit: systemd finds nothing wrong with it, and rates it as docs/security.md says."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.lint import tree

UNIT = "config/systemd/drywalld.service"
DROP_INS = "config/systemd/drop-ins"
MOST = 2.5


def analyze(*words: str) -> tuple[int, str]:
    done = subprocess.run(["systemd-analyze", *words], text=True, capture_output=True)
    return done.returncode, done.stdout + done.stderr


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class Systemd(unittest.TestCase):
    def unit(self, *drop_ins: Path) -> Path:
        """The unit where its program and its manual page need not be installed."""
        folder = Path(tempfile.mkdtemp(prefix="drywall-"))
        self.addCleanup(shutil.rmtree, folder)
        text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", tree.read(UNIT))
        unit = folder / "drywalld.service"
        unit.write_text(re.sub(r"(?m)^Documentation=.*\n", "", text))
        place = folder / "drywalld.service.d"
        place.mkdir()
        for drop_in in drop_ins:
            shutil.copy(drop_in, place)
        return unit

    def test_systemd_finds_nothing_wrong(self):
        for drop_in in sorted((tree.ROOT / DROP_INS).glob("*.conf")):
            code, output = analyze("verify", str(self.unit(drop_in)))
            self.assertEqual((code, output), (0, ""), drop_in.name)

    def test_it_is_rated_as_it_is_documented(self):
        code, output = analyze("security", "--offline=true", str(self.unit()))
        rated = re.search(r"Overall exposure level for drywalld\.service: ([0-9.]+)", output)
        self.assertTrue(rated, output)
        self.assertLessEqual(float(rated.group(1)), MOST, output)
        self.assertIn(f"rates it at {rated.group(1)}", tree.read("docs/security.md"))

    def test_what_the_unit_gives_is_what_the_appliance_needs(self):
        unit = tree.read(UNIT)
        for line in ("Type=notify", "WatchdogSec=2s", "Restart=always", "AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN"):
            self.assertIn(f"\n{line}\n", unit)


if __name__ == "__main__":
    unittest.main()
