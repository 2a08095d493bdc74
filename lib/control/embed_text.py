"""Writes a C++ source that holds a text file: embed_text.py INPUT OUTPUT NAME."""

import sys

source, target, name = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = file.read()
with open(target, "w", encoding="utf-8") as file:
    file.write(f"""\
#include "openapi.h"

// C++ promises no more than 65,536 bytes, and every compiler takes more.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"

namespace drywall::control {{

const std::string_view {name} = R"EMBEDDED({text})EMBEDDED";

}}  // namespace drywall::control

#pragma GCC diagnostic pop
""")
