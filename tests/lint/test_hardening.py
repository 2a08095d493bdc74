"""What is built: programs in which a mistake in memory is hard to make use of (docs/security.md, "The programs")."""

import json
import re
import subprocess
import unittest
from pathlib import Path

from tests.lint import tree

PROGRAMS = ("app/drywalld/drywalld", "app/drywall/drywall")


def readelf(program: Path, *what: str) -> str:
    return subprocess.run(["readelf", "--wide", *what, str(program)], text=True, capture_output=True, check=True).stdout


def build_options() -> dict[str, str]:
    text = (tree.build_folder() / "meson-info/intro-buildoptions.json").read_text()
    return {option["name"]: option["value"] for option in json.loads(text)}


class Hardening(unittest.TestCase):
    def programs(self) -> list[Path]:
        found = [tree.build_folder() / program for program in PROGRAMS]
        missing = [str(program) for program in found if not program.exists()]
        if missing:
            self.skipTest(f"not built: {' '.join(missing)}")
        return found

    def each(self, holds, what: str) -> None:
        for program in self.programs():
            self.assertTrue(holds(program), f"{program.name}: {what}")

    def test_they_can_lie_anywhere_in_memory(self):
        self.each(lambda program: re.search(r"Type:\s+DYN", readelf(program, "-h"))
                  and re.search(r"FLAGS_1.*\bPIE\b", readelf(program, "-d")), "is not a position-independent executable")

    def test_what_the_loader_wrote_is_read_only_afterwards(self):
        self.each(lambda program: "GNU_RELRO" in readelf(program, "-l"), "has no RELRO segment")
        self.each(lambda program: re.search(r"FLAGS_1.*\bNOW\b", readelf(program, "-d")), "binds lazily")

    def test_no_stack_can_be_executed(self):
        self.each(lambda program: re.search(r"GNU_STACK.* RW +0x", readelf(program, "-l")), "has an executable stack")

    def test_no_segment_can_be_written_and_executed(self):
        self.each(lambda program: not re.search(r"LOAD.* RWE ", readelf(program, "-l")), "has a segment that is both")

    def test_stack_frames_are_guarded(self):
        self.each(lambda program: "__stack_chk_fail" in readelf(program, "--dyn-syms"), "has no stack protector")

    def test_calls_and_jumps_land_where_they_may(self):
        """The note that says so of the whole program is not there: the C library's own start files lack it (Debian 12)."""
        def begins_with_the_mark(program: Path) -> bool:
            code = subprocess.run(["objdump", "--disassemble=main", "--no-show-raw-insn", str(program)], text=True,
                                  capture_output=True, check=True).stdout
            return re.search(r"<main>:\n\s*[0-9a-f]+:\s+endbr64", code) is not None

        self.each(begins_with_the_mark, "was not built with -fcf-protection")

    def test_sizes_of_buffers_are_checked_by_the_c_library(self):
        options = build_options()
        if options["b_sanitize"] != "none" or options["optimization"] == "0":
            self.skipTest("only in optimised builds without sanitizers")
        self.each(lambda program: re.search(r"__(memcpy|snprintf|vsnprintf|read|recv|strncpy|memset|memmove)_chk\b",
                                            readelf(program, "--dyn-syms")), "calls no checked function")
        self.each(lambda program: "_ZSt21__glibcxx_assert_fail" in readelf(program, "--dyn-syms"),
                  "has no assertions of the C++ library")

    def test_the_flags_that_leave_no_trace_are_given_to_every_source(self):
        commands = json.loads((tree.build_folder() / "compile_commands.json").read_text())
        for command in commands:
            for flag in ("-fstack-clash-protection", "-fstack-protector-strong", "-fcf-protection"):
                self.assertIn(flag, command["command"], command["file"])


if __name__ == "__main__":
    unittest.main()
