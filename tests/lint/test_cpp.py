"""What the compilers' own tools say about the C++: headers alone, format, clang-tidy."""

import concurrent.futures
import hashlib
import json
import shlex
import shutil
import subprocess
import unittest
from pathlib import Path

from tests.lint import tree

TIDY_PLACES = ("lib/", "app/")
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
    file = tree.build_folder() / "compile_commands.json"
    if not file.exists():
        raise unittest.SkipTest(f"{file} is missing; run scripts/build first")
    return json.loads(file.read_text())


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
        self.assertEqual("\n".join(for_each(lambda entry: tidy(entry, cache), commands)), "")


def source_of(entry: dict) -> Path:
    return (Path(entry["directory"]) / entry["file"]).resolve()


def in_places(entry: dict) -> bool:
    source = source_of(entry)
    return source.is_relative_to(tree.ROOT) and str(source.relative_to(tree.ROOT)).startswith(TIDY_PLACES)


def tidy(entry: dict, cache: Path) -> str:
    """clang-tidy's complaints about one file. A file that was clean, with all it includes, is not looked at again."""
    source = source_of(entry)
    flags = flags_of(entry)
    key = fingerprint(entry, source, flags)
    if key and (cache / key).exists():
        return ""
    code, output = run(["clang-tidy", "--quiet", str(source), "--", *flags], cwd=Path(entry["directory"]))
    if code == 0 and key:
        (cache / key).touch()
    return "" if code == 0 else f"{source.relative_to(tree.ROOT)}:\n{without_noise(output)}"


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


def fingerprint(entry: dict, source: Path, flags: list[str]) -> str:
    code, output = run(["clang++", "-MM", *flags, str(source)], cwd=Path(entry["directory"]))
    if code != 0:
        return ""
    digest = hashlib.sha256((tree.ROOT / ".clang-tidy").read_bytes())
    digest.update(" ".join(flags).encode())
    for word in output.replace("\\\n", " ").split()[1:]:
        path = Path(entry["directory"]) / word
        digest.update(word.encode() + (path.read_bytes() if path.exists() else b""))
    return digest.hexdigest()


def without_noise(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if " warnings generated" not in line)


def setUpModule():
    for tool in ("g++", "clang++", "clang-format", "clang-tidy", "pkg-config"):
        if shutil.which(tool) is None:
            raise unittest.SkipTest(f"{tool} is not installed; run scripts/setup")
