// Conditions: everything that the rules of one generation ask of requests and names, in both worlds, compiled together.
// One Hyperscan database holds the distinct paths, another one the distinct names; a pattern that many conditions share
// is searched once.
//
// Control side: compile(), and one ConditionWorkspace for each worker, before the generation is published.
// Packet path:  match_request() or match_name() once per request or name, then holds() for each condition in question.
//               noexcept, nothing is allocated.
// Threads:      Conditions are immutable and shared; a workspace belongs to one worker and one Conditions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/inspect/literal_database.h"

namespace drywall::inspect {

enum class ConditionId : std::uint32_t {};  // index into what was compiled

// `http` of a rule. Both parts must hold; each holds if one of its members does.
struct HttpCondition {
    struct Path {
        // By whole segments: "/a" is a prefix of "/a" and "/a/b", not of "/ab"; "/a/" of "/a/b", not of "/a".
        bool prefix = false;
        std::string path;  // begins with "/"; compared with normalised paths, as bytes
        bool operator==(const Path&) const = default;
    };
    std::vector<std::string> methods;  // case matters; empty, or with a "*" among them: any
    std::vector<Path> paths;           // empty: any
    bool operator==(const HttpCondition&) const = default;
};

// `domains` of a rule: holds if one of the names does. Case and a dot at the end don't matter.
struct NameCondition {
    // "example.com": itself; "*.example.com": what is below it, at any depth, and not itself.
    std::vector<std::string> names;
    bool operator==(const NameCondition&) const = default;
};

using Condition = std::variant<HttpCondition, NameCondition>;

class Conditions;

// What was found in one request, or in the names of one peer.
class Found {
public:
    Found() noexcept = default;

    // Makes room for what `conditions` can find. Control side.
    void grow_for(const Conditions& conditions);

    // Forgets what was found.
    void clear() noexcept;

private:
    friend class Conditions;
    static constexpr std::uint32_t kNoMethod = ~std::uint32_t{0};

    [[nodiscard]] bool fits(std::size_t bits) const noexcept { return bits <= touched_.size(); }
    void add(std::uint32_t pattern) noexcept;
    [[nodiscard]] bool has_any(std::span<const std::uint32_t> patterns) const noexcept;  // ascending

    std::vector<std::uint64_t> bits_;     // one for each pattern
    std::vector<std::uint32_t> touched_;  // patterns whose bit is set, in the order in which they were found
    std::size_t size_ = 0;                // of touched_ that are in use
    std::uint32_t method_ = kNoMethod;    // index into the methods that conditions name
    bool request_ = false;                // a request was matched
};

class Conditions {
public:
    // Patterns are validated where they are read; here an error says only what could never be compiled: a path that
    // does not begin with "/", a name with an empty label, a "*" elsewhere than in "*.". None at all are fine.
    [[nodiscard]] static Result<Conditions> compile(std::span<const Condition> conditions);

    Conditions(Conditions&&) noexcept;
    Conditions& operator=(Conditions&&) noexcept;
    ~Conditions();

    // Adds what is found to `found`, which was cleared before the first call for a request or peer: several names of
    // one peer may be matched into one Found. False: scratch or found was not grown for these conditions, our own
    // mistake; nothing may be concluded.
    [[nodiscard]] bool match_request(std::string_view method, std::string_view normalised_path, Scratch& scratch,
                                     Found& found) const noexcept;
    [[nodiscard]] bool match_name(std::string_view name, Scratch& scratch, Found& found) const noexcept;

    // Of an HttpCondition: in the request that was matched into `found`. Of a NameCondition: for one of the names.
    [[nodiscard]] bool holds(ConditionId condition, const Found& found) const noexcept;

    [[nodiscard]] std::size_t size() const noexcept;           // conditions
    [[nodiscard]] std::size_t pattern_count() const noexcept;  // distinct ones: paths and names
    [[nodiscard]] std::size_t memory_bytes() const noexcept;   // of everything that was compiled

private:
    friend class Found;
    friend struct ConditionWorkspace;
    struct State;

    explicit Conditions(std::unique_ptr<State> state) noexcept;

    // Makes `scratch` fit for the databases. Control side.
    [[nodiscard]] Status prepare(Scratch& scratch) const;

    std::unique_ptr<State> state_;
};

// What one worker needs to match with one generation's conditions. Made by the control side before publication.
struct ConditionWorkspace {
    Scratch scratch;
    Found request;        // method and path
    Found address_names;  // the names that DNS gave the peer's address
    Found server_name;    // the name in the TLS greeting

    [[nodiscard]] Status grow_for(const Conditions& conditions);
};

}  // namespace drywall::inspect
