"""Scripts, manual pages, documents and the dependency list."""

import re
import shutil
import subprocess
import unittest
from pathlib import Path, PurePosixPath

from tests.lint import tree

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
MARKER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
PLACES_OF_INDEXES = ("README.md", "docs/architecture.md")
MOST_LINES = 800


def run(command: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=tree.ROOT, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def first_line(name: str) -> str:
    with open(tree.ROOT / name, "rb") as file:
        return file.readline(200).decode(errors="replace")


def shell_scripts() -> list[str]:
    return [name for name in tree.files()
            if name.endswith(".sh") or re.match(r"#!.*\b(bash|sh|dash)\b", first_line(name))]


def python_files() -> list[str]:
    return [name for name in tree.files()
            if name.endswith(".py") or re.match(r"#!.*\bpython3?\b", first_line(name))]


def links_of(name: str) -> list[str]:
    """Relative targets of a document's links, resolved against the checkout; code blocks do not count."""
    text = re.sub(r"```.*?```", "", tree.read(name), flags=re.DOTALL)
    targets = []
    for target in LINK.findall(text):
        path = target.split("#")[0]
        if path and "://" not in path and not path.startswith("mailto:"):
            targets.append(str(normal(PurePosixPath(name).parent / path)))
    return targets


def normal(path: PurePosixPath) -> PurePosixPath:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)


class Scripts(unittest.TestCase):
    def test_shellcheck_finds_nothing(self):
        if shutil.which("shellcheck") is None:
            self.skipTest("shellcheck is not installed; run scripts/setup")
        scripts = shell_scripts()
        self.assertGreater(len(scripts), 0)
        code, output = run(["shellcheck", "-x", "-P", "SCRIPTDIR", *scripts])
        self.assertEqual(code, 0, output)

    def test_every_python_file_compiles(self):
        wrong = []
        for name in python_files():
            try:
                compile(tree.read(name), name, "exec")
            except SyntaxError as error:
                wrong.append(f"{name}:{error.lineno}: {error.msg}")
        self.assertEqual(wrong, [])

    def test_what_starts_with_a_hashbang_can_be_run(self):
        wrong = [name for name in tree.files()
                 if first_line(name).startswith("#!") and not (tree.ROOT / name).stat().st_mode & 0o100]
        self.assertEqual(wrong, [], "chmod +x")


class Documents(unittest.TestCase):
    maxDiff = None

    def test_every_relative_link_leads_somewhere(self):
        wrong = [f"{name}: {target}" for name in tree.matching(".md") for target in links_of(name)
                 if not (tree.ROOT / target).exists()]
        self.assertEqual(wrong, [])

    def test_every_document_can_be_reached_from_the_readme_or_the_architecture(self):
        linked = {target for index in PLACES_OF_INDEXES for target in links_of(index)}
        lost = [name for name in tree.matching("", under=("docs/",)) if not reached(name, linked)]
        self.assertEqual(lost, [], f"link these from {' or '.join(PLACES_OF_INDEXES)}")

    def test_the_documented_drop_reasons_are_those_of_the_code(self):
        reasons = re.findall(r'X\(k\w+,\s*"(\w+)",', tree.read("include/drywall/base/drop_reason.h"))
        self.assertGreater(len(reasons), 5)
        documented = re.findall(r"^\| `(\w+)` \|", tree.read("docs/drop-reasons.md"), re.MULTILINE)
        self.assertEqual(documented, reasons)

    def test_manual_pages_are_well_formed(self):
        pages = [name for name in tree.files() if re.search(r"\.[1-8]$", name)]
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed; run scripts/setup")
        self.assertGreater(len(pages), 0, "there is no manual page")
        for page in pages:
            with self.subTest(page=page):
                code, output = run(["mandoc", "-Tlint", "-Wwarning", page])
                self.assertEqual((code, output), (0, ""))


def reached(name: str, linked: set[str]) -> bool:
    """A document is reached by a link to itself, or to the folder that it lies in."""
    return name in linked or any(str(parent) in linked for parent in Path(name).parents if str(parent) not in (".", "docs"))


class House(unittest.TestCase):
    maxDiff = None

    def test_nothing_is_left_for_later(self):
        """Work that is missing is an issue, not a comment."""
        wrong = []
        for name in tree.files():
            if name == "LICENSE" or name.endswith((".pcap", ".bin", ".png")):
                continue
            for number, line in enumerate(tree.read(name).splitlines(), 1):
                if MARKER.search(line):
                    wrong.append(f"{name}:{number}: {line.strip()}")
        self.assertEqual(wrong, [])

    def test_prefetches_are_those_that_the_compiler_keeps(self):
        wrong = [name for name in tree.cpp_files()
                 if "__builtin_prefetch" in tree.read(name) and name != "include/drywall/base/prefetch.h"]
        self.assertEqual(wrong, [], "use drywall::prefetch (base/prefetch.h says why)")

    def test_no_file_of_code_is_too_long_to_read(self):
        long = [f"{name}: {tree.read(name).count(chr(10))} lines" for name in tree.cpp_files() + python_files()
                if tree.read(name).count("\n") > MOST_LINES]
        self.assertEqual(long, [], f"more than {MOST_LINES} lines: split by what a reader looks for")

    def test_text_ends_with_a_newline_and_has_no_trailing_spaces(self):
        wrong = []
        for name in tree.matching(".h", ".cpp", ".py", ".md", ".sh", ".build", ".yaml", ".txt"):
            text = tree.read(name)
            if text and not text.endswith("\n"):
                wrong.append(f"{name}: no newline at the end")
            if name.endswith((".h", ".cpp", ".py", ".sh", ".build")):
                wrong += [f"{name}:{number}: trailing space" for number, line in enumerate(text.splitlines(), 1)
                          if line != line.rstrip()]
        self.assertEqual(wrong, [])

    def test_the_dependency_list_covers_what_meson_asks_for(self):
        packages = {
            "spdlog": "libspdlog-dev", "yaml-cpp": "libyaml-cpp-dev", "nlohmann_json": "nlohmann-json3-dev",
            "cpp-httplib": "libcpp-httplib-dev", "CLI11": "libcli11-dev", "libhs": "libhyperscan-dev",
            "prometheus-cpp-core": "prometheus-cpp-dev", "sqlite3": "libsqlite3-dev",
            "libdpdk": "libdpdk-dev", "libpcap": "libpcap-dev", "gtest": "libgtest-dev", "gtest_main": "libgtest-dev",
            "gmock": "libgmock-dev", "benchmark": "libbenchmark-dev", "benchmark_main": "libbenchmark-dev",
            "rapidcheck": "librapidcheck-dev", "http_parser": "libhttp-parser-dev", "sqlite3": "libsqlite3-dev",
            "libsystemd": "libsystemd-dev", "libseccomp": "libseccomp-dev", "libcap-ng": "libcap-ng-dev",
            "libxxhash": "libxxhash-dev", "threads": None,
        }
        listed = {line.split("#")[0].strip() for line in tree.read("scripts/dependencies.txt").splitlines()}
        wrong = []
        for name in tree.matching("meson.build"):
            for asked in re.findall(r"(?:\bdependency|find_library)\('([^']+)'", tree.read(name)):
                if asked not in packages:
                    wrong.append(f"{name}: tests/lint/test_text.py does not know which package has '{asked}'")
                elif packages[asked] and packages[asked] not in listed:
                    wrong.append(f"{name}: '{asked}' needs {packages[asked]} in scripts/dependencies.txt")
        self.assertEqual(wrong, [])
