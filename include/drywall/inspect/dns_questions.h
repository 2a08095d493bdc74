// DnsQuestions: the questions of DNS that went by and are not answered yet. An answer is believed only if it is one of
// them: the same connection, the same number, the same name and type. So whoever wants to slip in a name has to guess
// all of it before the resolver answers, and to send it from the resolver's address.
//
// Threads: one worker's; noexcept, nothing is allocated after construction.
// Memory:  fixed: 24 bytes for each question. In a full group (8 questions, chosen by a seeded hash) the oldest goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/inspect/dns_message.h"

namespace drywall::inspect {

// The connection on which a message went by, in a number of the caller's choice that no other has at the same time.
enum class DnsFlow : std::uint64_t {};

class DnsQuestions {
public:
    // How long an answer may take. Resolvers give up within seconds, and who asks again asks anew.
    static constexpr Nanos kPatience = std::chrono::seconds(15);

    DnsQuestions(std::size_t capacity, std::uint64_t hash_seed);

    // False: an older question that still waited had to go.
    bool ask(DnsFlow flow, const DnsMessage& query, Instant now) noexcept;

    // Whether the response answers a question that waits. It is taken out: a second answer is none.
    [[nodiscard]] bool answers(DnsFlow flow, const DnsMessage& response, Instant now) noexcept;

    [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }

private:
    static constexpr std::size_t kGroup = 8;

    struct Slot {
        std::uint64_t digest = 0;  // of everything that question and answer have in common; 0: free
        DnsFlow flow{};
        Instant asked;
    };

    [[nodiscard]] std::uint64_t digest_of(DnsFlow flow, const DnsMessage& message) const noexcept;
    [[nodiscard]] Slot* group_of(std::uint64_t digest) noexcept;

    std::vector<Slot> slots_;
    std::uint64_t hash_seed_;
};

}  // namespace drywall::inspect
