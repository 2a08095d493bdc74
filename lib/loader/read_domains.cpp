// Domain names and patterns as fields of resources.
#include "drywall/net/domain_name.h"
#include "resource_readers.h"

namespace drywall::loader {

std::vector<std::string> read_domains(Fields& fields, std::string_view name, std::size_t limit) {
    std::vector<std::string> domains;
    for (const Node& item : fields.list(name, limit)) {
        const auto text = read_text(item, "a domain in " + fields.path_to(name), fields.complaints());
        if (!text) continue;
        if (const std::string_view trouble = net::trouble_with_domain_pattern(*text); !trouble.empty()) {
            fields.complaints().add(item.line, item.column,
                                    fields.path_to(name) + ": " + shown(*text) + " is not a domain",
                                    "a domain " + std::string(trouble));
            continue;
        }
        domains.push_back(net::folded_domain(*text));
    }
    return domains;
}

}  // namespace drywall::loader
