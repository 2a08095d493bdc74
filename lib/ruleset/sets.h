// SetTable: the address sets of a Program, and what names stand for: selectors, declared ports, services. Equal
// contents share one set, whatever led to them.
//
// Threads: the builder of one generation only. It appends to the Program that it was given.
// Source:  Calico's IP sets; named ports and services as sets of address, protocol and port.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "drywall/classify/program.h"
#include "drywall/policy/convert.h"
#include "endpoints.h"
#include "selector_book.h"

namespace drywall::ruleset {

// Addresses that answer to the same ports of one protocol. No ports: to every port. Of several groups, no two of one
// protocol share a port.
struct PortGroup {
    std::uint8_t protocol = 6;
    std::vector<classify::PortRange> ports;  // ascending, single ports merged where they touch
    classify::SetId addresses{};
};

class SetTable {
public:
    // All must outlive the table.
    SetTable(classify::Program& program, const policy::CalicoView& view, const Population& population)
        : program_(program), view_(view), population_(population) {}

    classify::SetId of(std::vector<net::Prefix> prefixes);
    // The addresses of everything that is selected.
    classify::SetId of(const SelectorBook::Selected& selected);
    // Who declares a port of one of these names, among those that `within` selects (null: among all).
    const std::vector<PortGroup>& declared(const std::vector<std::string>& names, const SelectorBook::Selected* within);
    // Who answers for a service, and at which ports.
    const std::vector<PortGroup>& backends(const std::string& ns, const std::string& name);
    // The same without ports.
    classify::SetId addresses_of(const std::string& ns, const std::string& name);

private:
    using ByPort = std::map<std::pair<std::uint8_t, std::uint16_t>, std::vector<net::Prefix>>;
    [[nodiscard]] std::vector<PortGroup> grouped(ByPort&& by_port);
    [[nodiscard]] const std::vector<policy::CalicoView::Backend>& backends_of(const std::string& ns,
                                                                              const std::string& name) const;

    classify::Program& program_;
    const policy::CalicoView& view_;
    const Population& population_;
    std::map<std::vector<net::Prefix>, classify::SetId> by_content_;
    std::map<const SelectorBook::Selected*, classify::SetId> by_selector_;
    std::map<std::pair<std::vector<std::string>, const SelectorBook::Selected*>, std::vector<PortGroup>> declared_;
    std::map<std::pair<std::string, std::string>, std::vector<PortGroup>> backends_;
};

}  // namespace drywall::ruleset
