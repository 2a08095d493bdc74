// Metadata: what every resource carries beside its spec.
//
// Threads: values.
#pragma once

#include <map>
#include <string>

#include "drywall/base/result.h"
#include "drywall/policy/selector.h"

namespace drywall::policy {

struct Metadata {
    std::string name;
    std::string ns;
    Labels labels;
    std::map<std::string, std::string> annotations;
    Place place;  // where the document's metadata.name stood; not part of the resource's content
};

}  // namespace drywall::policy
