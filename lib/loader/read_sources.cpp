#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "drywall/loader/resources.h"

namespace drywall::loader {
namespace {

namespace fs = std::filesystem;

Error unreadable(const std::string& path, const std::string& reason) {
    return Error{ErrorKind::kNotFound, {Complaint{{path, 0, 0}, "can't be read: " + reason, {}}}};
}

// At most one byte more than is allowed, so that parsing can refuse the rest.
Result<Source> drain(std::istream& in, const std::string& name) {
    Source source{name, {}};
    std::array<char, std::size_t{64} << 10> buffer{};
    while (source.text.size() <= kMaxSourceBytes) {
        in.read(buffer.data(), buffer.size());
        source.text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
        if (!in) break;
    }
    if (in.bad()) return unreadable(name, "input error");
    if (source.text.size() > kMaxSourceBytes) {
        return Error::invalid({name, 0, 0}, "larger than " + std::to_string(kMaxSourceBytes >> 20) + " MiB",
                              "split the file");
    }
    return source;
}

Result<Source> read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return unreadable(path.string(), std::strerror(errno));
    return drain(in, path.string());
}

bool is_policy_file(const fs::directory_entry& entry) {
    std::error_code error;
    const std::string extension = entry.path().extension().string();
    const bool named = extension == ".yaml" || extension == ".yml" || extension == ".json";
    // A link that leads nowhere is one too: reading it says so, and skipping it would lose what it should say.
    return named && (entry.is_regular_file(error) || !entry.exists(error));
}

Result<std::vector<fs::path>> files_of(const std::string& directory) {
    std::error_code error;
    std::vector<fs::path> files;
    fs::directory_iterator it(directory, error);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
        if (is_policy_file(*it)) files.push_back(it->path());
    }
    if (error) return unreadable(directory, error.message());
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

Result<std::vector<Source>> read_sources(const std::string& path) {
    std::vector<fs::path> files{path};
    std::error_code error;
    if (path == "-") {
        auto source = drain(std::cin, "stdin");
        if (!source) return std::move(source).error();
        return std::vector<Source>{std::move(source).value()};
    }
    if (fs::is_directory(path, error)) {
        auto found = files_of(path);
        if (!found) return std::move(found).error();
        files = std::move(found).value();
    }
    std::vector<Source> sources;
    for (const fs::path& file : files) {
        auto source = read_file(file);
        if (!source) return std::move(source).error();
        sources.push_back(std::move(source).value());
    }
    return sources;
}

}  // namespace drywall::loader
