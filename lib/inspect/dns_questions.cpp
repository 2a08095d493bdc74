#include "drywall/inspect/dns_questions.h"

#include <algorithm>

#include "seeded_hash.h"

namespace drywall::inspect {

DnsQuestions::DnsQuestions(std::size_t capacity, std::uint64_t hash_seed)
    : slots_(std::max<std::size_t>(1, (capacity + kGroup - 1) / kGroup) * kGroup), hash_seed_(hash_seed) {}

std::uint64_t DnsQuestions::digest_of(DnsFlow flow, const DnsMessage& message) const noexcept {
    struct Rest {
        std::uint64_t name;
        std::uint64_t flow;
        std::uint64_t numbers;
    };
    const Rest rest{.name = hash(message.question.name.text(), hash_seed_),
                    .flow = static_cast<std::uint64_t>(flow),
                    .numbers = std::uint64_t{message.id} << 16U | message.question.type};
    return std::max<std::uint64_t>(1, hash(rest, hash_seed_));
}

DnsQuestions::Slot* DnsQuestions::group_of(std::uint64_t digest) noexcept {
    return &slots_[place_of(digest, slots_.size() / kGroup) * kGroup];
}

bool DnsQuestions::ask(DnsFlow flow, const DnsMessage& query, Instant now) noexcept {
    const std::uint64_t digest = digest_of(flow, query);
    Slot* const group = group_of(digest);
    Slot* place = group;
    for (Slot* slot = group; slot != group + kGroup; ++slot) {
        if (slot->digest == digest && slot->flow == flow) {  // asked again
            slot->asked = now;
            return true;
        }
        const bool better = slot->digest == 0 ? place->digest != 0 : place->digest != 0 && slot->asked < place->asked;
        if (better) place = slot;
    }
    const bool free = place->digest == 0 || now - place->asked > kPatience;
    *place = {.digest = digest, .flow = flow, .asked = now};
    return free;
}

bool DnsQuestions::answers(DnsFlow flow, const DnsMessage& response, Instant now) noexcept {
    const std::uint64_t digest = digest_of(flow, response);
    Slot* const group = group_of(digest);
    for (Slot* slot = group; slot != group + kGroup; ++slot) {
        if (slot->digest != digest || slot->flow != flow) continue;
        slot->digest = 0;
        return now - slot->asked <= kPatience;
    }
    return false;
}

}  // namespace drywall::inspect
