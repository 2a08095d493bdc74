"""Modules include only modules above them, and a library only where the house lets it in."""

import re
import unittest

from tests.lint import tree

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)

# Who may include what does not come with the compiler or the kernel. A place is a prefix of the file's path.
THIRD_PARTY = [
    (re.compile(r"^(spdlog|fmt)/"), ("lib/base/", "include/drywall/base/logging.h", "tests/unit/")),
    (re.compile(r"^yaml-cpp/"), ("lib/loader/yaml_document.cpp",)),
    (re.compile(r"^nlohmann/"), ("lib/loader/", "lib/explain/", "include/drywall/explain/", "lib/observe/",
                                  "include/drywall/observe/", "lib/control/", "include/drywall/control/", "lib/generate/", "include/drywall/generate/",
                                  "app/", "tests/", "perf/")),
    (re.compile(r"^(hs|hs/.*|ch)\.h$"), ("lib/inspect/",)),
    (re.compile(r"^http_parser\.h$"), ("tests/differential/",)),
    (re.compile(r"^rte_.*\.h$"), ("lib/io/dpdk/", "lib/io/ring/", "lib/runtime/", "tests/unit/io/", "tests/unit/runtime/", "perf/")),
    (re.compile(r"^pcap(/.*)?\.h$"), ("lib/io/pcap/", "tests/support/")),
    (re.compile(r"^(systemd/sd-daemon|seccomp|cap-ng)\.h$"), ("lib/host/",)),
    (re.compile(r"^sqlite3\.h$"), ("lib/store/", "tests/unit/store/")),
    (re.compile(r"^httplib\.h$"), ("lib/control/", "app/drywall/", "tests/unit/control/")),
    (re.compile(r"^prometheus/"), ("lib/control/",)),
    (re.compile(r"^CLI/"), ("app/",)),
    (re.compile(r"^xxhash\.h$"), ("lib/flow/", "lib/net/", "lib/inspect/", "lib/classify/", "lib/ruleset/", "lib/store/",
                              "lib/io/distribute/", "lib/whatif/", "lib/generate/")),
    (re.compile(r"^(gtest|gmock)/|^rapidcheck"), ("tests/",)),
    (re.compile(r"^(benchmark|valgrind)/"), ("perf/",)),
]
STANDARD = re.compile(r"^[a-z_0-9]+$")  # <vector>, <cstdint>
COMPILER = re.compile(r"^([a-z]*mmintrin|x86intrin|immintrin|cpuid)\.h$")
KERNEL_AND_LIBC = re.compile(
    r"^(sys|net|netinet|netpacket|arpa|linux|asm|bits)/|"
    r"^(unistd|fcntl|poll|signal|pthread|sched|grp|pwd|getopt|ifaddrs|dlfcn|endian|byteswap|netdb|termios|time|"
    r"string|stdio|stdlib|stdint|stddef|errno|limits|assert|math|malloc|execinfo)\.h$")


def order_of_modules() -> list[str]:
    return re.findall(r"^subdir\('(\w+)'\)", tree.read("lib/meson.build"), re.MULTILINE)


def module_of(name: str) -> str | None:
    match = re.match(r"(?:lib|include/drywall)/(\w+)/", name)
    return match.group(1) if match else None


def includes(name: str) -> list[tuple[int, str, str]]:
    """Line, opening character and target of every include of a file."""
    text = tree.read(name)
    return [(text.count("\n", 0, match.start(2)) + 1, match.group(1), match.group(2))
            for match in INCLUDE.finditer(text)]


def own(target: str) -> bool:
    return target.startswith("drywall/")


class Layers(unittest.TestCase):
    maxDiff = None

    def test_every_module_has_its_place_in_the_order(self):
        order = order_of_modules()
        found = {module_of(name) for name in tree.cpp_files()} - {None}
        self.assertGreater(len(order), 3)
        self.assertEqual(sorted(found - set(order)), [], "modules that lib/meson.build does not name")

    def test_a_module_includes_only_modules_above_it(self):
        order = order_of_modules()
        wrong = []
        for name in tree.matching(".h", ".cpp", under=("lib/", "include/drywall/")):
            mine = module_of(name)
            for line, _, target in includes(name):
                theirs = target.split("/")[1] if own(target) else None
                if theirs in order and mine in order and order.index(theirs) > order.index(mine):
                    wrong.append(f"{name}:{line}: '{mine}' may not use '{theirs}', which comes after it in lib/meson.build")
        self.assertEqual(wrong, [])

    def test_a_module_reaches_others_only_through_their_public_headers(self):
        wrong = []
        for name in tree.matching(".h", ".cpp", under=("lib/", "include/drywall/")):
            for line, opening, target in includes(name):
                if opening == '"' and not own(target) and (".." in target or target.startswith("lib/")):
                    wrong.append(f"{name}:{line}: '{target}' is not a public header; include \"drywall/...\"")
        self.assertEqual(wrong, [])

    def test_a_public_header_includes_no_private_one(self):
        wrong = [f"{name}:{line}: \"{target}\"" for name in tree.matching(".h", under=("include/drywall/",))
                 for line, opening, target in includes(name) if opening == '"' and not own(target)]
        self.assertEqual(wrong, [])

    def test_a_library_is_included_only_where_the_house_lets_it_in(self):
        wrong = []
        for name in tree.cpp_files():
            for line, opening, target in includes(name):
                if opening == "<" or not own(target):
                    wrong += [f"{name}:{line}: {what}" for what in trouble_with(name, opening, target)]
        self.assertEqual(wrong, [])


def trouble_with(name: str, opening: str, target: str) -> list[str]:
    for pattern, places in THIRD_PARTY:
        if pattern.match(target):
            return [] if name.startswith(places) else [f"<{target}> may be included only by {', '.join(places)}"]
    if opening == '"' or STANDARD.match(target) or COMPILER.match(target) or KERNEL_AND_LIBC.match(target):
        return []
    return [f"<{target}> is a library that tests/lint/test_layers.py does not know; say there who may use it"]
