// The OpenAPI document of the control API, docs/openapi.json, as GET /v1/openapi.json answers it.
//
// Threads: a constant.
#pragma once

#include <string_view>

namespace drywall::control {

extern const std::string_view kOpenApiDocument;

}  // namespace drywall::control
