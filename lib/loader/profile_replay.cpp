// A stream that is a capture file: how fast, how often, and what is written anew in its packets.
#include <algorithm>

#include "profile_readers.h"
#include "settings_readers.h"

namespace drywall::loader {
namespace {

constexpr std::size_t kMostMappings = 64;

// [{from: 10.0.0.0/8, to: 192.0.0.0/8}]
void read_address_mapping(const Node& node, const std::string& path, Complaints& complaints, ReplayProfile& replay) {
    Fields fields(node, path, complaints);
    const auto from = fields.text("from");
    const auto to = fields.text("to");
    fields.finish();
    const auto before = from ? net::Prefix::parse_loose(*from) : std::nullopt;
    const auto after = to ? net::Prefix::parse_loose(*to) : std::nullopt;
    if (before && after && before->length == after->length && before->address.family == after->address.family) {
        replay.addresses.emplace_back(*before, *after);
        return;
    }
    complaints.add(node.line, node.column, path + " is no pair of prefixes of one family and length",
                   "write {from: 10.0.0.0/8, to: 11.0.0.0/8}");
}

void read_port_mapping(const Node& node, const std::string& path, Complaints& complaints, ReplayProfile& replay) {
    Fields fields(node, path, complaints);
    (void)fields.require("from");
    (void)fields.require("to");
    const auto from = fields.integer("from", 0, 65535);
    const auto to = fields.integer("to", 0, 65535);
    fields.finish();
    if (from && to) replay.ports.emplace_back(static_cast<std::uint16_t>(*from), static_cast<std::uint16_t>(*to));
}

void read_rewrite(Fields& fields, ReplayProfile& replay) {
    auto rewrite = section(fields, "rewrite");
    if (!rewrite) return;
    MacAddress mac{};
    if (rewrite->node().find("source-mac") != nullptr) {
        assign_mac(*rewrite, "source-mac", mac);
        replay.source_mac = mac;
    }
    if (rewrite->node().find("destination-mac") != nullptr) {
        assign_mac(*rewrite, "destination-mac", mac);
        replay.destination_mac = mac;
    }
    if (const Node* node = rewrite->take("vlan")) {
        if (node->is_scalar() && node->scalar == "none")
            replay.vlan = 0;
        else if (const auto id = read_integer(*node, rewrite->path_to("vlan"), 1, 4094, rewrite->complaints()))
            replay.vlan = static_cast<std::uint16_t>(*id);
    }
    std::size_t i = 0;
    for (const Node& item : rewrite->list("addresses", kMostMappings))
        read_address_mapping(item, rewrite->path_to("addresses") + "[" + std::to_string(i++) + "]",
                             rewrite->complaints(), replay);
    i = 0;
    for (const Node& item : rewrite->list("ports", kMostMappings))
        read_port_mapping(item, rewrite->path_to("ports") + "[" + std::to_string(i++) + "]", rewrite->complaints(),
                          replay);
    rewrite->finish();
}

}  // namespace

ReplayProfile read_replay(Fields& fields) {
    ReplayProfile replay;
    (void)fields.require("file");
    replay.file = fields.text("file").value_or("");
    if (const Node* node = fields.take("timing")) {
        const bool by_rate = node->is_scalar() && node->scalar == "rate";
        if (by_rate)
            replay.speed.reset();
        else if (!node->is_scalar() || node->scalar != "recorded")
            fields.complaints().add(node->line, node->column,
                                    fields.path_to("timing") + " can't be " + described(*node),
                                    "write recorded (and speed: 2 for twice as fast) or rate");
    }
    if (const Node* node = fields.take("speed")) {
        const auto speed = read_number(*node, fields.path_to("speed"), fields.complaints());
        if (!replay.speed)
            fields.complaints().add(node->line, node->column, fields.path_to("speed") + " is for `timing: recorded`",
                                    "remove it, or the timing");
        else if (speed && *speed > 0)
            replay.speed = speed;
        else if (speed)
            fields.complaints().add(node->line, node->column, fields.path_to("speed") + " must be more than 0");
    }
    assign_integer(fields, "loops", 0, 1'000'000'000, replay.loops);
    replay.signature = fields.boolean("signature").value_or(false);
    read_rewrite(fields, replay);
    fields.finish();
    return replay;
}

}  // namespace drywall::loader
