// Requests: questions as they come from a URL or a command line, read strictly; the API and the offline commands read
// them by the same code. docs/api.md names the parameters.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string>

#include "drywall/base/result.h"
#include "drywall/explain/json.h"
#include "drywall/explain/matrix.h"
#include "drywall/explain/parameters.h"
#include "drywall/explain/trace.h"

namespace drywall::explain {

// protocol, source, destination, source-port, port, type, code, in
// What a connection shows, as people write it. `http`: "GET /path"; `sni`: the name in its TLS greeting; `domain`:
// names by which its destination is known, with commas between. Empty: not shown.
[[nodiscard]] Result<reference::ConnectionFacts> connection_facts(const std::string& http, const std::string& sni,
                                                                  const std::string& domain);

// The other way round: what to write to ask about it.
struct ShownText {
    std::string http;
    std::string sni;
    std::string domain;
    // As options of `drywall trace`, quoted for a shell: "--http 'GET /shop' --domain a.example". Empty: shows nothing.
    [[nodiscard]] std::string options() const;
};
[[nodiscard]] ShownText shown_text(const reference::ConnectionFacts& facts);

[[nodiscard]] Result<TraceQuery> trace_request(const Query& query);

struct MatrixRequest {
    MatrixQuery query;
    MatrixView view = MatrixView::kEnforced;
};

// view, service, group-by, limit (at most `most_rows`)
[[nodiscard]] Result<MatrixRequest> matrix_request(const Query& query, std::size_t most_rows);

}  // namespace drywall::explain
