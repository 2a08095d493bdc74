// The packets of the scenarios, told by words: what comes in by which port, and whether it comes out.
//
// make_cases writes them as captures into cases/; what is expected is said here by a person, not by the engine.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "drywall/io/pcap_file.h"
#include "packets.h"

namespace drywall::test {

// The story of one case between `inside` (port 0) and `outside` (port 1), a millisecond from packet to packet.
class Story {
public:
    Story& passes(const Packet& packet);
    Story& dropped(const Packet& packet);
    Story& passes(const std::vector<Packet>& packets);
    Story& dropped(const std::vector<Packet>& packets);
    Story& dropped(Bytes frame, std::uint16_t port);
    Story& after(std::chrono::seconds pause);

    // By file name: in-inside.pcap, out-outside.pcap, ...
    using Captures = std::map<std::string, std::vector<io::CapturedFrame>>;
    [[nodiscard]] const Captures& captures() const noexcept { return captures_; }

private:
    void arrive(Bytes frame, std::uint16_t port, bool passes);

    Nanos now_ = std::chrono::seconds(1'700'000'000);
    Captures captures_;
};

// By the name of the folder in cases/.
[[nodiscard]] std::map<std::string, Story> all_cases();

}  // namespace drywall::test
