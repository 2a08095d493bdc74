// Result: how the control side fails. A value, or an Error that names the place and the next step.
//
// Threads: values; no shared state. The packet side never uses it: there a failure is a counted DropReason.
#pragma once

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace drywall {

// Where in a person's text something is. Lines and columns count from 1; 0 means "not known".
struct Place {
    std::string file;
    int line = 0;
    int column = 0;

    // "site.yaml:14:7", "site.yaml", or "" when nothing is known.
    [[nodiscard]] std::string text() const;
    bool operator==(const Place&) const = default;
};

// The resource that a complaint is about, as its author named it; empty where that is not known.
struct Subject {
    std::string kind;  // as in the document: "NetworkPolicy"
    std::string ns;
    std::string name;
    bool operator==(const Subject&) const = default;
};

// One thing that is wrong, in words for someone tired at night: what, where, and what to do about it.
struct Complaint {
    Place place;
    std::string message;
    std::string hint{};  // the next step; may be empty
    Subject about{};

    // "site.yaml:14:7: zone 'dmz' is not defined; defined zones are lan, wan"
    [[nodiscard]] std::string text() const;
    bool operator==(const Complaint&) const = default;
};

enum class ErrorKind {
    kInvalid,      // the input is wrong; the sender can mend it
    kNotFound,     // what was named does not exist
    kConflict,     // the state moved on, or the name is taken
    kRefused,      // understood, and not done: a limit, a safety gate, or a feature that is not there
    kUnavailable,  // something outside (a device, a file, a worker) did not do its part
    kInternal,     // our own mistake; nothing was changed
};

[[nodiscard]] std::string_view name(ErrorKind kind) noexcept;

// Why an operation failed. Holds at least one complaint; all complaints of one pass over a file travel together.
struct [[nodiscard]] Error {
    ErrorKind kind = ErrorKind::kInternal;
    std::vector<Complaint> complaints;

    static Error invalid(Place place, std::string message, std::string hint = {});
    static Error of(ErrorKind kind, std::string message, std::string hint = {});

    // One line per complaint, without a newline at the end.
    [[nodiscard]] std::string text() const;
};

template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] explicit operator bool() const noexcept { return state_.index() == 0; }

    // REQUIRES: bool(*this)
    [[nodiscard]] T& value() & { return assert(*this), *std::get_if<0>(&state_); }
    [[nodiscard]] const T& value() const& { return assert(*this), *std::get_if<0>(&state_); }
    [[nodiscard]] T&& value() && { return assert(*this), std::move(*std::get_if<0>(&state_)); }
    [[nodiscard]] T& operator*() & { return value(); }
    [[nodiscard]] const T& operator*() const& { return value(); }
    [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
    [[nodiscard]] T* operator->() { return &value(); }
    [[nodiscard]] const T* operator->() const { return &value(); }

    // REQUIRES: !bool(*this)
    [[nodiscard]] const Error& error() const& { return assert(!*this), *std::get_if<1>(&state_); }
    [[nodiscard]] Error&& error() && { return assert(!*this), std::move(*std::get_if<1>(&state_)); }

private:
    std::variant<T, Error> state_;
};

// Success without a value: `return Done{};`
struct Done {};
using Status = Result<Done>;

}  // namespace drywall
