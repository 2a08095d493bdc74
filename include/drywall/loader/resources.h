// YAML and JSON text into resources, and back. Strict: duplicate keys, unknown fields, wrong types, ambiguous scalars
// are complaints with file, line and column. All complaints of one pass come together (at most 20).
//
// Threads: control side; no shared state. yaml-cpp and its exceptions end in lib/loader/yaml_document.cpp.
#pragma once

#include <filesystem>
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

// The resource as JSON text, with the fields that were written or inferred, keys in Calico's order. Two resources with
// the same JSON mean the same.
[[nodiscard]] std::string to_json(const policy::Resource& resource);

// The same as a YAML document, as `drywall get -o yaml` shows it; load_resources() reads it back to an equal resource.
[[nodiscard]] std::string to_yaml(const policy::Resource& resource);

}  // namespace drywall::loader
