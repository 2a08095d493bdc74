"""What the compilers' own tools say about the C++: headers alone, format, clang-tidy."""

import concurrent.futures
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import unittest
from pathlib import Path

from tests.lint import tree

TIDY_PLACES = ("lib/", "app/")
GROUP = 10  # sources that clang-tidy reads at once; more share more headers, fewer keep both cores busy
SOURCE_INCLUDED = re.compile(r'^\s*#\s*include\s+["<][^">]*\.(cpp|cc|c)[">]', re.MULTILINE)
BROUGHT_IN = re.compile(r"^\s*(?:using\s+(?:\w+::)+(\w+)|namespace\s+(\w+)\s*=[^;]*)\s*;", re.MULTILINE)
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
# clang 14 does not know what only g++ says.
GCC_ONLY = ("-fconcepts", "-Wduplicated", "-Wlogical-op", "-Wuseless-cast", "-fanalyzer")


def run(command: list[str], cwd: Path = tree.ROOT, text: str | None = None) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=cwd, input=text, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def for_each(action, items: list) -> list[str]:
    """The complaints of `action` about every item, two at a time on two cores."""
    with concurrent.futures.ThreadPoolExecutor(tree.jobs()) as pool:
        return [complaint for complaint in pool.map(action, items) if complaint]


def compile_commands() -> list[dict]:
    """How each source would be compiled alone: the build compiles a few at once, so another folder is asked."""
    folder = tree.build_folder() / "lint-commands"
    code, output = run(["scripts/build", str(folder), "--configure-only", "--unity=off"])
    if code:
        raise AssertionError(f"meson could not configure {folder}:\n{output}")
    return json.loads((folder / "compile_commands.json").read_text())


class Cpp(unittest.TestCase):
    maxDiff = None

    def test_every_public_header_compiles_alone(self):
        headers = tree.matching(".h", under=("include/drywall/",))
        self.assertGreater(len(headers), 0)
        flags = subprocess.check_output(
            ["pkg-config", "--cflags", "spdlog", "nlohmann_json"], text=True).split()

        def check(header: str) -> str:
            code, output = run(
                ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Iinclude", *flags, "-x", "c++", "-"],
                text=f'#include "{header.removeprefix("include/")}"\n')
            return f"{header} does not stand alone:\n{output}" if code else ""

        self.assertEqual("\n".join(for_each(check, headers)), "")

    def test_every_header_has_pragma_once(self):
        self.assertEqual([name for name in tree.matching(".h") if "#pragma once" not in tree.read(name)], [])

    def test_the_format_is_clang_formats(self):
        files = tree.cpp_files()
        self.assertGreater(len(files), 0)
        code, output = run(["clang-format", "--dry-run", "-Werror", *files])
        self.assertEqual(code, 0, f"run clang-format -i on these:\n{output}")

    def test_clang_tidy_finds_nothing(self):
        commands = [entry for entry in compile_commands() if in_places(entry)]
        self.assertGreater(len(commands), 0)
        cache = tree.build_folder() / "lint-cache"
        cache.mkdir(exist_ok=True)
        headers = digest_of(tree.matching(".h", under=("include/", *TIDY_PLACES)))
        groups = groups_of([Source(entry, cache, headers) for entry in commands])
        self.assertEqual("\n".join(for_each(tidy, groups)), "")

    # What clang-tidy says only of the file that it was given, and so of none that it reads in a group.

    def test_every_name_that_is_brought_in_is_used(self):
        self.assertEqual([f"{name}: {brought} is not used" for name in tree.matching(".cpp", under=TIDY_PLACES)
                          for brought in brought_in_for_nothing(tree.read(name))], [])

    def test_a_name_that_is_brought_in_for_nothing_is_found(self):
        text = "using a::Used;\nusing a::b::Not;  // Not\nb::Not y;\nnamespace fs = std::filesystem;\nUsed x(\"Not fs::\");\n"
        self.assertEqual(brought_in_for_nothing(text), ["Not", "fs"])

    def test_no_source_includes_a_source(self):
        self.assertEqual([name for name in tree.cpp_files() if SOURCE_INCLUDED.search(tree.read(name))], [])


def brought_in_for_nothing(text: str) -> list[str]:
    """The names of using-declarations and namespace aliases that nothing else in the text mentions."""
    code = COMMENT_OR_STRING.sub(" ", text)

    def mentions(name: str) -> int:  # std::vector is no use of `using std::vector`
        return len(re.findall(rf"(?<![:\w]){name}\b", code))

    found = BROUGHT_IN.findall(code)
    return ([name for name, _ in found if name and mentions(name) < 1] +
            [alias for _, alias in found if alias and mentions(alias) < 2])


def source_of(entry: dict) -> Path:
    return (Path(entry["directory"]) / entry["file"]).resolve()


def in_places(entry: dict) -> bool:
    source = source_of(entry)
    return source.is_relative_to(tree.ROOT) and str(source.relative_to(tree.ROOT)).startswith(TIDY_PLACES)


class Source:
    """A source that clang-tidy shall read, and what tells that it was clean when it was last read, beside the same headers."""

    def __init__(self, entry: dict, cache: Path, headers: str) -> None:
        self.path = source_of(entry)
        self.folder = Path(entry["directory"])
        self.flags = flags_of(entry)
        self.cache = cache
        words = " ".join([headers, str(self.path), *self.flags])
        self.key = hashlib.sha256(words.encode() + self.path.read_bytes()).hexdigest()

    def is_clean(self) -> bool:
        return (self.cache / self.key).exists()

    def note_clean(self) -> None:
        (self.cache / self.key).touch()


def groups_of(sources: list[Source]) -> list[list[Source]]:
    """Sources of one folder and the same flags, some at a time: most of the work is in the headers that they share."""
    alike: dict[tuple, list[Source]] = {}
    for source in sources:
        if not source.is_clean():
            alike.setdefault((source.path.parent, tuple(source.flags)), []).append(source)
    groups = [some[i:i + GROUP] for some in alike.values() for i in range(0, len(some), GROUP)]
    return sorted(groups, key=len, reverse=True)


def tidy(group: list[Source]) -> str:
    """clang-tidy's complaints about these sources. Where two can't stand in one unit, the group is halved."""
    first = group[0]
    text = "".join(f'#include "{source.path}"\n' for source in group)
    unit = first.cache / f"{hashlib.sha256(text.encode()).hexdigest()}.cpp"
    unit.write_text(text)
    code, output = run(
        ["clang-tidy", "--quiet", "--checks=-bugprone-suspicious-include", f"--config-file={tree.ROOT / '.clang-tidy'}",
         str(unit), "--", *first.flags, f"-I{first.path.parent}"], cwd=first.folder)
    unit.unlink()
    if code == 0:
        for source in group:
            source.note_clean()
        return ""
    if len(group) > 1 and "clang-diagnostic-error" in output:
        middle = len(group) // 2
        return "\n".join(part for part in (tidy(group[:middle]), tidy(group[middle:])) if part)
    return f"{', '.join(str(source.path.relative_to(tree.ROOT)) for source in group)}:\n{without_noise(output)}"


def flags_of(entry: dict) -> list[str]:
    words = shlex.split(entry["command"]) if "command" in entry else entry["arguments"]
    if Path(words[0]).name == "ccache":
        words = words[1:]
    kept, skip = [], False
    for word in without_repeated_includes(words[1:]):
        if skip or word in ("-o", "-MF", "-MQ", "-c"):
            skip = not skip and word in ("-o", "-MF", "-MQ", "-c")
            continue
        if word in ("-MD", "-Werror") or word.startswith(GCC_ONLY):
            continue
        kept.append(word)
    return kept


def without_repeated_includes(words: list[str]) -> list[str]:
    """A header that two dependencies force in (-include) is a duplicate include to clang-tidy, at no place in the code."""
    kept, forced = [], set()
    for word in words:
        if kept and kept[-1] == "-include":
            if word in forced:
                kept.pop()
                continue
            forced.add(word)
        kept.append(word)
    return kept


def digest_of(headers: list[str]) -> str:
    digest = hashlib.sha256((tree.ROOT / ".clang-tidy").read_bytes())
    for name in headers:
        digest.update(name.encode() + (tree.ROOT / name).read_bytes())
    return digest.hexdigest()


def without_noise(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if " warnings generated" not in line)


def setUpModule():
    for tool in ("g++", "clang++", "clang-format", "clang-tidy", "pkg-config"):
        if shutil.which(tool) is None:
            raise unittest.SkipTest(f"{tool} is not installed; run scripts/setup")
