#include "drywall/inspect/conditions.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "drywall/base/ids.h"
#include "http_characters.h"

namespace drywall::inspect {

namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035 2.3.4, written with dots

// What a condition asks of a literal that begins a text. Its number is the literal's, twice, and this.
enum Wanted : std::uint32_t { kWhole = 0, kPrefix = 1 };

// From the last letter to the first: what names end with, they then begin with. In lower case, without a dot at the
// end.
std::size_t reverse_name(std::string_view name, std::span<char, kMaxName> out) noexcept {
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.size() > out.size()) return 0;
    std::transform(name.rbegin(), name.rend(), out.begin(), lower);
    return name.size();
}

// A set of distinct literals that texts may begin with.
class Beginnings {
public:
    // The number of the literal, which is new or not.
    std::uint32_t add(const std::string& literal) {
        longest_ = std::max(longest_, literal.size());
        const auto [at, is_new] = known_.try_emplace(literal, static_cast<std::uint32_t>(literals_.size()));
        if (is_new) literals_.push_back(literal);
        return at->second;
    }

    Status compile() {
        known_.clear();
        for (const std::string& literal : literals_) lengths_.push_back(static_cast<std::uint32_t>(literal.size()));
        if (literals_.empty()) return Done{};
        auto compiled = LiteralDatabase::compile(literals_);
        if (!compiled) return compiled.error();
        database_ = *std::move(compiled);
        literals_ = {};
        return Done{};
    }

    [[nodiscard]] Status prepare(Scratch& scratch) const {
        return database_ ? scratch.grow_for(*database_) : Status(Done{});
    }

    // Calls `begins(number, length)` for each literal that `text` begins with.
    template <typename Callback>
    [[nodiscard]] bool scan(std::string_view text, Scratch& scratch, const Callback& begins) const noexcept {
        if (!database_) return true;
        // The automaton finds literals anywhere; one that ends where its length ends is at the beginning, and nothing
        // behind the longest one's length can be.
        auto check = [&](unsigned index, std::size_t end) noexcept {
            if (end == lengths_[index]) begins(index, end);
        };
        return database_->scan(text.substr(0, longest_), scratch, check);
    }

    [[nodiscard]] std::size_t size() const noexcept { return lengths_.size(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return (database_ ? database_->memory_bytes() : 0) + lengths_.capacity() * sizeof(lengths_[0]);
    }

private:
    std::map<std::string, std::uint32_t> known_;  // while compiling
    std::vector<std::string> literals_;           // while compiling
    std::vector<std::uint32_t> lengths_;
    std::size_t longest_ = 0;
    std::optional<LiteralDatabase> database_;
};

// A part of a flat list.
struct Range {
    std::uint32_t first = 0;
    std::uint32_t end = 0;
};

struct CompiledCondition {
    Range patterns;  // any of them
    Range methods;   // any of them
    bool names = false;
    bool any_path = false;
    bool any_method = false;
};

Error refused(std::size_t condition, const std::string& message) {
    return Error::of(ErrorKind::kInvalid, "condition " + std::to_string(condition) + ": " + message);
}

// The literal of a name, reversed; a wildcard's ends with the dot that something must follow.
Result<std::string> literal_of_name(std::size_t condition, std::string_view name) {
    const bool wildcard = name.starts_with("*.");
    const std::string_view plain = wildcard ? name.substr(2) : name;
    std::array<char, kMaxName> reversed{};
    const std::size_t size = reverse_name(plain, reversed);
    if (size == 0) return refused(condition, "'" + std::string(name) + "' is no name of 1 to 253 characters");
    const std::string literal(reversed.data(), size);
    if (literal.find('*') != std::string::npos)
        return refused(condition, "'" + std::string(name) + "' has a '*' elsewhere than as its first label");
    if (literal.find("..") != std::string::npos || literal.front() == '.' || literal.back() == '.')
        return refused(condition, "'" + std::string(name) + "' has an empty label");
    return wildcard ? literal + "." : literal;
}

}  // namespace

struct Conditions::State {
    Beginnings paths;
    Beginnings names;
    std::vector<std::string> methods;  // ascending
    std::vector<CompiledCondition> conditions;
    std::vector<std::uint32_t> lists;  // patterns and methods of conditions, each list ascending

    // Patterns are numbered through: first those of paths.
    [[nodiscard]] std::uint32_t first_name() const noexcept { return static_cast<std::uint32_t>(2 * paths.size()); }
    [[nodiscard]] std::size_t pattern_bits() const noexcept { return 2 * (paths.size() + names.size()); }

    Range add_list(std::vector<std::uint32_t> members) {
        std::sort(members.begin(), members.end());
        members.erase(std::unique(members.begin(), members.end()), members.end());
        const auto first = static_cast<std::uint32_t>(lists.size());
        lists.insert(lists.end(), members.begin(), members.end());
        return {first, static_cast<std::uint32_t>(lists.size())};
    }
    [[nodiscard]] std::span<const std::uint32_t> list(Range range) const noexcept {
        return std::span(lists).subspan(range.first, range.end - range.first);
    }
    [[nodiscard]] std::uint32_t method_index(std::string_view method) const noexcept {
        const auto at = std::lower_bound(methods.begin(), methods.end(), method);
        const bool known = at != methods.end() && *at == method;
        return known ? static_cast<std::uint32_t>(at - methods.begin()) : Found::kNoMethod;
    }

    void collect_methods(std::span<const Condition> all);
    Status add(std::size_t number, const HttpCondition& condition);
    Status add(std::size_t number, const NameCondition& condition);
};

void Conditions::State::collect_methods(std::span<const Condition> all) {
    for (const Condition& condition : all)
        if (const auto* http = std::get_if<HttpCondition>(&condition))
            methods.insert(methods.end(), http->methods.begin(), http->methods.end());
    std::sort(methods.begin(), methods.end());
    methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
}

Status Conditions::State::add(std::size_t number, const HttpCondition& condition) {
    CompiledCondition compiled;
    std::vector<std::uint32_t> members;
    for (const HttpCondition::Path& path : condition.paths) {
        if (!path.path.starts_with('/')) return refused(number, "path '" + path.path + "' does not begin with '/'");
        members.push_back(2 * paths.add(path.path) + (path.prefix ? kPrefix : kWhole));
    }
    compiled.any_path = condition.paths.empty();
    compiled.patterns = add_list(std::move(members));

    std::vector<std::uint32_t> wanted;
    for (const std::string& method : condition.methods) {
        compiled.any_method |= method == "*";
        wanted.push_back(method_index(method));
    }
    compiled.any_method |= condition.methods.empty();
    compiled.methods = add_list(std::move(wanted));
    conditions.push_back(compiled);
    return Done{};
}

// Numbered from 0 here: how many paths there are is known at the end.
Status Conditions::State::add(std::size_t number, const NameCondition& condition) {
    CompiledCondition compiled;
    compiled.names = true;
    std::vector<std::uint32_t> members;
    for (const std::string& name : condition.names) {
        auto literal = literal_of_name(number, name);
        if (!literal) return literal.error();
        const bool wildcard = literal->ends_with('.');
        members.push_back(2 * names.add(*literal) + (wildcard ? kPrefix : kWhole));
    }
    compiled.patterns = add_list(std::move(members));
    conditions.push_back(compiled);
    return Done{};
}

Conditions::Conditions(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Conditions::Conditions(Conditions&&) noexcept = default;
Conditions& Conditions::operator=(Conditions&&) noexcept = default;
Conditions::~Conditions() = default;

Result<Conditions> Conditions::compile(std::span<const Condition> conditions) {
    auto state = std::make_unique<State>();
    state->collect_methods(conditions);
    for (std::size_t i = 0; i < conditions.size(); ++i) {
        const Status added = std::visit([&](const auto& condition) { return state->add(i, condition); }, conditions[i]);
        if (!added) return added.error();
    }
    for (Beginnings* set : {&state->paths, &state->names}) {
        const Status compiled = set->compile();
        if (!compiled) return compiled.error();
    }
    for (const CompiledCondition& condition : state->conditions) {
        if (!condition.names) continue;
        for (std::uint32_t i = condition.patterns.first; i < condition.patterns.end; ++i)
            state->lists[i] += state->first_name();
    }
    return Conditions(std::move(state));
}

Status Conditions::prepare(Scratch& scratch) const {
    const Status paths = state_->paths.prepare(scratch);
    return paths ? state_->names.prepare(scratch) : paths;
}

bool Conditions::match_request(std::string_view method, std::string_view normalised_path, Scratch& scratch,
                               Found& found) const noexcept {
    if (!found.fits(state_->pattern_bits())) return false;
    found.request_ = true;
    found.method_ = state_->method_index(method);
    const auto note = [&](std::uint32_t literal, std::size_t length) noexcept {
        const bool whole = normalised_path.size() == length;
        if (whole) found.add(2 * literal + kWhole);
        if (whole || normalised_path[length] == '/' || normalised_path[length - 1] == '/')
            found.add(2 * literal + kPrefix);
    };
    return state_->paths.scan(normalised_path, scratch, note);
}

bool Conditions::match_name(std::string_view name, Scratch& scratch, Found& found) const noexcept {
    if (!found.fits(state_->pattern_bits())) return false;
    std::array<char, kMaxName> reversed;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
    const std::string_view text(reversed.data(), reverse_name(name, reversed));
    const auto note = [&](std::uint32_t literal, std::size_t length) noexcept {
        const std::uint32_t pattern = state_->first_name() + 2 * literal;
        if (text.size() == length)
            found.add(pattern + kWhole);
        else if (text[length - 1] == '.')
            found.add(pattern + kPrefix);
    };
    return state_->names.scan(text, scratch, note);
}

bool Conditions::holds(ConditionId condition, const Found& found) const noexcept {
    const CompiledCondition& asked = state_->conditions[index(condition)];
    if (!asked.names) {
        if (!found.request_) return false;
        const auto methods = state_->list(asked.methods);
        if (!asked.any_method &&
            (found.method_ == Found::kNoMethod || !std::binary_search(methods.begin(), methods.end(), found.method_)))
            return false;
        if (asked.any_path) return true;
    }
    return found.has_any(state_->list(asked.patterns));
}

std::size_t Conditions::size() const noexcept { return state_->conditions.size(); }

std::size_t Conditions::pattern_count() const noexcept { return state_->paths.size() + state_->names.size(); }

std::size_t Conditions::memory_bytes() const noexcept {
    std::size_t bytes = sizeof(State) + state_->paths.memory_bytes() + state_->names.memory_bytes();
    bytes += state_->conditions.capacity() * sizeof(CompiledCondition);
    bytes += state_->lists.capacity() * sizeof(std::uint32_t);
    for (const std::string& method : state_->methods) bytes += sizeof(std::string) + method.capacity();
    return bytes;
}

void Found::grow_for(const Conditions& conditions) {
    const std::size_t bits = conditions.state_->pattern_bits();
    if (bits_.size() * 64 < bits) bits_.resize((bits + 63) / 64);
    if (touched_.size() < bits) touched_.resize(bits);
}

void Found::clear() noexcept {
    for (std::size_t i = 0; i < size_; ++i) bits_[touched_[i] / 64] = 0;
    size_ = 0;
    method_ = kNoMethod;
    request_ = false;
}

void Found::add(std::uint32_t pattern) noexcept {
    std::uint64_t& word = bits_[pattern / 64];
    const std::uint64_t bit = std::uint64_t{1} << pattern % 64;
    if ((word & bit) != 0) return;
    word |= bit;
    touched_[size_++] = pattern;
}

bool Found::has_any(std::span<const std::uint32_t> patterns) const noexcept {
    // The shorter list leads: few patterns occur in one request, but a set of domains may have thousands.
    if (size_ < patterns.size())
        return std::any_of(
            touched_.begin(), touched_.begin() + static_cast<std::ptrdiff_t>(size_),
            [&](std::uint32_t pattern) { return std::binary_search(patterns.begin(), patterns.end(), pattern); });
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](std::uint32_t pattern) { return (bits_[pattern / 64] >> pattern % 64 & 1U) != 0; });
}

Status ConditionWorkspace::grow_for(const Conditions& conditions) {
    for (Found* found : {&request, &address_names, &server_name}) found->grow_for(conditions);
    return conditions.prepare(scratch);
}

}  // namespace drywall::inspect
