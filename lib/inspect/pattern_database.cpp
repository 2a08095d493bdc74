#include "drywall/inspect/pattern_database.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include <hs/hs.h>

namespace drywall::inspect {

namespace {

struct CompileErrorDeleter {
    void operator()(hs_compile_error_t* error) const noexcept { hs_free_compile_error(error); }
};
using CompileError = std::unique_ptr<hs_compile_error_t, CompileErrorDeleter>;

// A literal as the regex that matches exactly its bytes: every byte in hexadecimal, so that nothing is special.
std::string as_regex(const Pattern& pattern) {
    if (pattern.syntax == Syntax::kRegex) return pattern.text;
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const char c : pattern.text) {
        const auto byte = static_cast<unsigned char>(c);
        out += "\\x";
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

unsigned flags_of(const Pattern& pattern) noexcept {
    // Once per pattern is all that anyone asks, and payloads are bytes, with or without newlines.
    return HS_FLAG_SINGLEMATCH | HS_FLAG_DOTALL | (pattern.ignore_case ? HS_FLAG_CASELESS : 0U);
}

Error refused(int index, const std::string& message) {
    std::string text = index < 0 ? "patterns" : "pattern " + std::to_string(index);
    return Error::of(ErrorKind::kInvalid, text + ": " + message);
}

// Hyperscan's callback: not zero ends the scan.
int on_match(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) noexcept {
    Matches& matches = *static_cast<Matches*>(context);
    const PatternId found{id};
    if (std::find(matches.begin(), matches.end(), found) != matches.end()) return 0;
    return matches.push_back(found) ? 0 : 1;
}

}  // namespace

void Scratch::Deleter::operator()(hs_scratch* scratch) const noexcept { hs_free_scratch(scratch); }

Status Scratch::grow_for(const PatternDatabase& database) {
    hs_scratch_t* scratch = handle_.release();  // hs_alloc_scratch() keeps it, or replaces and frees it
    const hs_error_t code = hs_alloc_scratch(database.handle_.get(), &scratch);
    handle_.reset(scratch);
    if (code == HS_SUCCESS) return Done{};
    return Error::of(ErrorKind::kUnavailable,
                     "no working memory for the pattern scan (Hyperscan's code " + std::to_string(code) + ")");
}

void PatternDatabase::Deleter::operator()(hs_database* database) const noexcept { hs_free_database(database); }

Result<PatternDatabase> PatternDatabase::compile(std::span<const Pattern> patterns) {
    if (patterns.empty()) return refused(-1, "none given; nothing could ever match");
    std::vector<std::string> texts;
    std::vector<const char*> expressions;
    std::vector<unsigned> flags;
    std::vector<unsigned> ids;
    texts.reserve(patterns.size());  // `expressions` points into them
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        const Pattern& pattern = patterns[i];
        if (pattern.text.empty()) return refused(static_cast<int>(i), "it is empty and would match everywhere");
        if (pattern.syntax == Syntax::kRegex && pattern.text.find('\0') != std::string::npos)
            return refused(static_cast<int>(i), "a NUL inside would hide what follows it; write \\x00");
        expressions.push_back(texts.emplace_back(as_regex(pattern)).c_str());
        flags.push_back(flags_of(pattern));
        ids.push_back(static_cast<unsigned>(pattern.id));
    }

    hs_database_t* database = nullptr;
    hs_compile_error_t* raw_error = nullptr;
    const hs_error_t code =
        hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(expressions.size()),
                         HS_MODE_BLOCK, nullptr, &database, &raw_error);
    const CompileError error(raw_error);
    if (code == HS_SUCCESS) return PatternDatabase(Handle(database));
    return refused(error ? error->expression : -1, error ? error->message : "Hyperscan gave no reason");
}

ScanOutcome PatternDatabase::scan(std::span<const std::uint8_t> bytes, Scratch& scratch,
                                  Matches& matches) const noexcept {
    matches.clear();
    if (bytes.empty()) return ScanOutcome::kComplete;
    if (bytes.size() > std::numeric_limits<unsigned>::max()) return ScanOutcome::kFailed;
    const hs_error_t code = hs_scan(handle_.get(), reinterpret_cast<const char*>(bytes.data()),
                                    static_cast<unsigned>(bytes.size()), 0, scratch.handle_.get(), on_match, &matches);
    if (code == HS_SUCCESS) return ScanOutcome::kComplete;
    return code == HS_SCAN_TERMINATED ? ScanOutcome::kFull : ScanOutcome::kFailed;
}

std::size_t PatternDatabase::memory_bytes() const noexcept {
    std::size_t bytes = 0;
    return hs_database_size(handle_.get(), &bytes) == HS_SUCCESS ? bytes : 0;
}

}  // namespace drywall::inspect
