#include "drywall/base/result.h"

#include "drywall/base/out_of_memory.h"

namespace drywall {

std::string Place::text() const {
    std::string out = file;
    if (line == 0) return out;
    if (!out.empty()) out += ':';
    out += std::to_string(line);
    if (column != 0) out += ':' + std::to_string(column);
    return out;
}

std::string Complaint::text() const {
    std::string out = place.text();
    if (!out.empty()) out += ": ";
    out += message;
    if (!hint.empty()) out += "; " + hint;
    return out;
}

std::string_view name(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::kInvalid: return "invalid";
        case ErrorKind::kNotFound: return "not-found";
        case ErrorKind::kConflict: return "conflict";
        case ErrorKind::kRefused: return "refused";
        case ErrorKind::kUnavailable: return "unavailable";
        case ErrorKind::kInternal: return "internal";
    }
    return "internal";
}

Error Error::invalid(Place place, std::string message, std::string hint) {
    return Error{ErrorKind::kInvalid, {Complaint{std::move(place), std::move(message), std::move(hint)}}};
}

Error Error::of(ErrorKind kind, std::string message, std::string hint) {
    return Error{kind, {Complaint{{}, std::move(message), std::move(hint)}}};
}

Error out_of_memory(std::string_view aim) {
    return Error::of(ErrorKind::kUnavailable, "not enough memory to " + std::string(aim) + "; nothing was changed",
                     "free memory on this machine or raise drywalld's limit, then try again");
}

std::string Error::text() const {
    std::string out;
    for (const Complaint& complaint : complaints) {
        if (!out.empty()) out += '\n';
        out += complaint.text();
    }
    return out;
}

}  // namespace drywall
