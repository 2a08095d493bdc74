"""What the checks look at: the files of this checkout, as git sees them."""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@lru_cache(maxsize=None)
def files() -> tuple[str, ...]:
    """Every file that is in git, or would be: new files count, ignored ones do not."""
    try:
        listed = subprocess.check_output(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, text=True, stderr=subprocess.DEVNULL).split("\0")
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        listed = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
                  if not path.relative_to(ROOT).parts[0].startswith(("build", ".git"))]
    return tuple(sorted(name for name in listed if name and (ROOT / name).is_file()))


def matching(*suffixes: str, under: tuple[str, ...] = ("",)) -> list[str]:
    return [name for name in files() if name.endswith(suffixes) and name.startswith(under)]


def cpp_files() -> list[str]:
    return matching(".h", ".cpp")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def build_folder() -> Path:
    return Path(os.environ.get("DRYWALL_BUILD", ROOT / "build"))


def jobs() -> int:
    return os.cpu_count() or 1
