#include "invocation.h"

namespace drywall::cli {

Exit exit_for(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::kInvalid: return Exit::kInvalid;
        case ErrorKind::kNotFound: return Exit::kNegative;
        case ErrorKind::kConflict: return Exit::kConflict;
        case ErrorKind::kRefused: return Exit::kRefused;
        case ErrorKind::kUnavailable:
        case ErrorKind::kInternal: return Exit::kUnreachable;
    }
    return Exit::kUnreachable;
}

Exit report(const Invocation& invocation, const Error& error) {
    invocation.err << error.text() << '\n';
    return exit_for(error.kind);
}

}  // namespace drywall::cli
