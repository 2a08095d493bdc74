"""Writes what to check next, from the table of docs/drop-reasons.md: drop_advice.py PAGE OUTPUT."""

import re
import sys

page, target = sys.argv[1:]
rows = []
with open(page, encoding="utf-8") as file:
    for number, line in enumerate(file, 1):
        if not line.startswith("| `"):
            continue
        row = re.fullmatch(r"\| `([a-z_]+)` \| (.+?) \| (.+) \|\n", line)
        if not row or " | " in row[3]:
            sys.exit(f"{page}:{number}: a row is: | `name` | because | what to check next |")
        rows.append((row[1], row[3]))

with open(target, "w", encoding="utf-8") as file:
    file.write("""\
#include <array>

#include "drywall/observe/drop.h"

namespace drywall::observe {

namespace {
struct DropAdvice {
    std::string_view name;
    std::string_view text;
};
constexpr auto kDropAdvice = std::to_array<DropAdvice>({
""")
    for name, text in rows:
        file.write(f'    {{"{name}", R"ADVICE({text})ADVICE"}},\n')
    file.write("""\
});
}  // namespace

std::string_view advice(DropReason reason) noexcept {
    for (const DropAdvice& one : kDropAdvice)
        if (one.name == name(reason)) return one.text;
    return {};
}

}  // namespace drywall::observe
""")
