#include "drywall/observe/flow_json.h"
#include "json.h"

namespace drywall::control {

Json json_of(const observe::FlowAnswer& answer) {
    Json flows = Json::array();
    for (const observe::FlowGroup& group : answer.groups) flows.push_back(observe::json_of_flow(group));
    Json out = {{"flows", std::move(flows)},   {"next", answer.next_sequence},
                {"lost", answer.lost},         {"evicted", answer.evicted},
                {"missed", answer.missed},     {"unrecorded", answer.unrecorded},
                {"left_out", answer.left_out}, {"archive_trouble", answer.archive_trouble}};
    if (answer.next_page) out["next_page"] = answer.next_page->text();
    if (answer.reaches_back_to) out["reaches_back_to"] = time_text(*answer.reaches_back_to);
    return out;
}

}  // namespace drywall::control
