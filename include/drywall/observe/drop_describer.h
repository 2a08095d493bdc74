// DropDescriber: what a worker handed over of a dropped packet, as a Drop: parsed, with the texts of who decided.
//
// Threads: one per object.
// Cost:    texts are made once per trace (or endpoint) and generation.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drywall/observe/drop.h"
#include "drywall/runtime/drop_watch.h"

namespace drywall::observe {

class DropDescriber {
public:
    explicit DropDescriber(std::vector<std::string> port_names);  // by PortId
    ~DropDescriber();
    DropDescriber(const DropDescriber&) = delete;
    DropDescriber& operator=(const DropDescriber&) = delete;

    [[nodiscard]] Drop describe(runtime::DroppedPacket packet);

private:
    struct Texts;
    std::vector<std::string> port_names_;
    std::unique_ptr<Texts> texts_;
};

}  // namespace drywall::observe
