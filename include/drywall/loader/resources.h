// YAML and JSON text into resources, and back. Strict: duplicate keys, unknown fields, wrong types, ambiguous scalars
// are complaints with file, line and column. All complaints of one pass come together (the first thousand, and how many
// more there are).
//
// Threads: control side; no shared state. yaml-cpp and its exceptions end in lib/loader/yaml_document.cpp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/policy/resources.h"

namespace drywall::loader {

// Text with the name that complaints call it by.
struct Source {
    std::string name;
    std::string text;
};

inline constexpr std::size_t kMaxSourceBytes = std::size_t{8} << 20;

// Reads a file, a directory (its *.yaml, *.yml, *.json, sorted by name, not recursive) or "-" (standard input).
[[nodiscard]] Result<std::vector<Source>> read_sources(const std::string& path);

// Every document of the text, in order. Multi-document YAML, JSON, and List objects. Defaults are filled in (types).
[[nodiscard]] Result<std::vector<policy::Resource>> load_resources(const Source& source);

// Resources, and what their author should know although nothing is wrong: a named port without a protocol, a field that
// has no effect on a wire. Warnings are in the order of the text and never stop anything.
struct Loaded {
    std::vector<policy::Resource> resources;
    std::vector<Complaint> warnings;
    bool has_list = false;  // a List stood there, which may be empty: so dumps say that there is nothing
};

// As load_resources(), with the warnings that need no more than one resource.
[[nodiscard]] Result<Loaded> load_with_warnings(const Source& source);

// What can be read of a source in which something is wrong: so that all problems of a request can be told at once,
// those between resources too.
struct Partial {
    Loaded sound;                           // resources without a complaint
    std::vector<policy::ResourceId> wrong;  // the others, as far as they say who they are
    std::optional<Error> error;             // absent: nothing is wrong
};
[[nodiscard]] Partial load_what_is_sound(const Source& source);

// The line that a complaint is about and a caret under its column, each ended by a line break, for a terminal:
//
//       ingres: [{action: Allow}]
//       ^
//
// "" when the complaint names no line of these sources. A long line is cut around the column; tabs, control characters
// and characters of several bytes keep the caret in its place.
[[nodiscard]] std::string excerpt(const std::vector<Source>& sources, const Complaint& complaint);

// The resource as JSON text, with the fields that were written or inferred, keys in Calico's order. Two resources with
// the same JSON mean the same.
[[nodiscard]] std::string to_json(const policy::Resource& resource);

// The same as a YAML document, as `drywall get -o yaml` shows it; load_resources() reads it back to an equal resource.
[[nodiscard]] std::string to_yaml(const policy::Resource& resource);

}  // namespace drywall::loader
