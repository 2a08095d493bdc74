"""The operators' guide names commands and flags that exist: those of the manual page."""

import re
import shlex
import unittest

from tests.lint import tree

GUIDE = "docs/operators-guide.md"
PAGE = "docs/man/drywall.1"


def typed() -> list[list[str]]:
    """Every `drywall` command of the guide's blocks, as words without the program's name."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", tree.read(GUIDE), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    found = [shlex.split(line[2:], comments=True) for line in lines if re.match(r"[$#] (sudo )?drywall ", line)]
    return [words[words.index("drywall") + 1:] for words in found]


def command_of(words: list[str]) -> str:
    """The first word that is neither an option nor one's value."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("--socket", "-o", "--output"):
            rest.pop(0)
    return rest[0] if rest else ""


def flags_of(words: list[str]) -> list[str]:
    return [word.split("=")[0] for word in words if word.startswith("-") and len(word) > 1]


class Guide(unittest.TestCase):
    maxDiff = None

    def test_its_commands_are_in_the_manual_page(self):
        self.assertGreater(len(typed()), 10)
        documented = set(re.findall(r"^\.It Cm ([\w-]+)", tree.read(PAGE), re.MULTILINE))
        self.assertEqual(sorted({command_of(words) for words in typed()} - documented), [])

    def test_its_flags_are_in_the_manual_page(self):
        page = tree.read(PAGE)
        documented = {"--" + flag for flag in re.findall(r"Fl -([\w-]+)", page)}
        documented |= {"-" + flag for flag in re.findall(r"Fl (\w)\b", page)}
        self.assertEqual(sorted({flag for words in typed() for flag in flags_of(words)} - documented), [])
