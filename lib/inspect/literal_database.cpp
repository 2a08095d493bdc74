#include "drywall/inspect/literal_database.h"

#include <limits>
#include <vector>

#include <hs/hs.h>

namespace drywall::inspect {

namespace {

struct CompileErrorDeleter {
    void operator()(hs_compile_error_t* error) const noexcept { hs_free_compile_error(error); }
};
using CompileError = std::unique_ptr<hs_compile_error_t, CompileErrorDeleter>;

// As the expression that matches exactly these bytes: every byte in hexadecimal, so that nothing is special. Hyperscan
// has a way to take literals as they are, but what hs_compile_lit_multi() makes of long ones fails when it is scanned
// with, and a NUL ends them (intel/hyperscan issues 303, 353, 427).
std::string as_expression(std::string_view literal) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(4 * literal.size());
    for (const char c : literal) {
        const auto byte = static_cast<unsigned char>(c);
        out += "\\x";
        out += kDigits[byte >> 4U];
        out += kDigits[byte & 15U];
    }
    return out;
}

Error refused(int index, const std::string& message) {
    std::string text = index < 0 ? "literals" : "literal " + std::to_string(index);
    return Error::of(ErrorKind::kInvalid, text + ": " + message);
}

}  // namespace

void Scratch::Deleter::operator()(hs_scratch* scratch) const noexcept { hs_free_scratch(scratch); }

Status Scratch::grow_for(const LiteralDatabase& database) {
    hs_scratch_t* scratch = handle_.release();  // hs_alloc_scratch() keeps it, or replaces and frees it
    const hs_error_t code = hs_alloc_scratch(database.handle_.get(), &scratch);
    handle_.reset(scratch);
    if (code == HS_SUCCESS) return Done{};
    return Error::of(ErrorKind::kUnavailable,
                     "no working memory for the pattern scan (Hyperscan's code " + std::to_string(code) + ")");
}

void LiteralDatabase::Deleter::operator()(hs_database* database) const noexcept { hs_free_database(database); }

Result<LiteralDatabase> LiteralDatabase::compile(std::span<const std::string> literals) {
    if (literals.empty()) return refused(-1, "none given; nothing could ever match");
    std::vector<std::string> texts;
    std::vector<const char*> expressions;
    std::vector<unsigned> ids;
    texts.reserve(literals.size());  // `expressions` points into them
    for (const std::string& literal : literals) {
        const auto id = static_cast<unsigned>(ids.size());
        if (literal.empty()) return refused(static_cast<int>(id), "it is empty and would match everywhere");
        expressions.push_back(texts.emplace_back(as_expression(literal)).c_str());
        ids.push_back(id);
    }
    const std::vector<unsigned> flags(ids.size(), 0);

    hs_database_t* database = nullptr;
    hs_compile_error_t* raw_error = nullptr;
    const hs_error_t code =
        hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(ids.size()), HS_MODE_BLOCK,
                         nullptr, &database, &raw_error);
    const CompileError error(raw_error);
    if (code == HS_SUCCESS) return LiteralDatabase(Handle(database));
    return refused(error ? error->expression : -1, error ? error->message : "Hyperscan gave no reason");
}

bool LiteralDatabase::scan_each(std::string_view text, Scratch& scratch, OnMatch on_match,
                                void* context) const noexcept {
    if (text.empty()) return true;
    if (text.size() > std::numeric_limits<unsigned>::max()) return false;
    return hs_scan(handle_.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch.handle_.get(), on_match,
                   context) == HS_SUCCESS;
}

std::size_t LiteralDatabase::memory_bytes() const noexcept {
    std::size_t bytes = 0;
    return hs_database_size(handle_.get(), &bytes) == HS_SUCCESS ? bytes : 0;
}

}  // namespace drywall::inspect
