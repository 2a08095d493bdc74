// Addresses cut into classes: what two regimes look at on one side of a packet, and what they do with it.

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "diff_space_parts.h"

namespace drywall::explain {

namespace {

using Entry = ClassedAddresses::Entry;

// Nobody declares these (RFC 5737, RFC 3849); where no rule tells addresses apart they stand for all others.
constexpr std::array kNobody{"192.0.2.1", "198.51.100.1", "2001:db8::1", "2001:db8::2"};

struct Membership {
    std::uint32_t before = kNoParty;
    std::uint32_t after = kNoParty;
    std::vector<std::uint32_t> sets;  // sorted
    auto operator<=>(const Membership&) const = default;
};

struct MentionedPrefix {
    net::Prefix prefix;
    std::uint32_t Membership::*party = nullptr;  // null: a set
    std::uint32_t number = 0;
};

void mention_parties(std::vector<MentionedPrefix>& out, const classify::Program& program,
                     std::uint32_t Membership::*party) {
    for (std::uint32_t number = 0; number < program.parties.size(); ++number)
        for (const net::Prefix& prefix : program.parties[number].addresses) out.push_back({prefix, party, number});
}

std::vector<MentionedPrefix> mentioned(const RegimeSteps& before, const RegimeSteps& after,
                                       const DiffContents& contents) {
    std::vector<MentionedPrefix> out;
    mention_parties(out, before.program(), &Membership::before);
    mention_parties(out, after.program(), &Membership::after);
    for (std::uint32_t number = 0; number < contents.sets().size(); ++number)
        for (const net::Prefix& prefix : contents.sets()[number]) out.push_back({prefix, nullptr, number});
    std::ranges::sort(out, {}, &MentionedPrefix::prefix);
    return out;
}

bool holds(const DiffContents::Match& match, const std::vector<std::uint32_t>& sets) {
    const auto within = [&](std::uint32_t set) { return std::ranges::binary_search(sets, set); };
    return std::ranges::all_of(match.in, within) && std::ranges::none_of(match.not_in, within);
}

// The address after it; nothing past the last one of the family.
std::optional<net::Address> next_address(net::Address address) {
    for (unsigned at = address.bits() / 8; at-- > 0;)
        if (++address.bytes[at] != 0) return address;
    return std::nullopt;
}

net::Address last_address(const net::Prefix& prefix) {
    net::Address last = prefix.address;
    for (unsigned bit = prefix.length; bit < last.bits(); ++bit)
        last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | 0x80U >> (bit % 8));
    return last;
}

class AddressCutter {
public:
    AddressCutter(const RegimeSteps& before, const RegimeSteps& after, const DiffContents& contents)
        : before_(before), after_(after), contents_(contents) {}

    ClassedAddresses cut() {
        const std::vector<MentionedPrefix> mentions = mentioned(before_, after_, contents_);
        std::size_t at = 0;
        for (const net::Family family : {net::Family::kIPv4, net::Family::kIPv6}) {
            const net::Prefix everything = net::Prefix::around({family, {}}, 0);
            open_.assign(1, {everything, {}, result_.entries.size()});
            for (; at < mentions.size() && mentions[at].prefix == everything; ++at)
                join(open_[0].membership, mentions[at]);
            enter(open_[0]);
            while (at < mentions.size() && mentions[at].prefix.address.family == family) at = enter_next(mentions, at);
        }
        note_examples();
        return std::move(result_);
    }

private:
    struct Open {
        net::Prefix prefix;
        Membership membership;
        std::size_t entry = 0;
    };

    static void join(Membership& membership, const MentionedPrefix& mention) {
        if (mention.party != nullptr)
            membership.*mention.party = mention.number;
        else if (const auto place = std::ranges::lower_bound(membership.sets, mention.number);
                 place == membership.sets.end() || *place != mention.number)
            membership.sets.insert(place, mention.number);
    }

    std::size_t enter_next(const std::vector<MentionedPrefix>& mentions, std::size_t at) {
        const net::Prefix& prefix = mentions[at].prefix;
        while (!open_.back().prefix.contains(prefix)) open_.pop_back();
        Open next{prefix, open_.back().membership, result_.entries.size()};
        for (; at < mentions.size() && mentions[at].prefix == prefix; ++at) join(next.membership, mentions[at]);
        enter(next);
        open_.push_back(std::move(next));
        return at;
    }

    void enter(const Open& open) {
        const net::Family family = open.prefix.address.family;
        const auto [known, fresh] = of_membership_.try_emplace(std::pair(family, open.membership));
        if (fresh) {
            const Membership& is = open.membership;
            known->second.first = number(sources_, result_.sources, contents_.sources(), family,
                                         {before_.egress(is.before), after_.egress(is.after)}, is.sets);
            known->second.second = number(destinations_, result_.destinations, contents_.destinations(), family,
                                          {before_.ingress(is.before), after_.ingress(is.after)}, is.sets);
        }
        result_.entries.push_back({open.prefix, known->second.first, known->second.second});
    }

    using Key = std::vector<std::uint32_t>;
    static std::uint32_t number(std::map<Key, std::uint32_t>& numbers, std::vector<DiffAddressClass>& classes,
                                const std::vector<DiffContents::Match>& matches, net::Family family, SideSteps steps,
                                const std::vector<std::uint32_t>& sets) {
        Key key{static_cast<std::uint32_t>(family), steps.before, steps.after};
        for (std::uint32_t match = 0; match < matches.size(); ++match)
            if (holds(matches[match], sets)) key.push_back(match);
        const auto [known, fresh] = numbers.try_emplace(std::move(key), static_cast<std::uint32_t>(classes.size()));
        if (fresh) classes.push_back({family, steps, {}});
        return known->second;
    }

    // A prefix whose addresses all have longer ones has none of its own, and is no example of its class.
    void note_examples() {
        const std::vector<Entry>& entries = result_.entries;
        for (const char* text : kNobody)
            if (const auto address = net::Address::parse(text)) note(longest(*address), *address);
        for (std::size_t at = 0; at < entries.size(); ++at) {
            std::optional<net::Address> own = entries[at].prefix.address;
            const net::Address last = last_address(entries[at].prefix);
            std::size_t inner = at + 1;
            for (int found = 0; found < 2 && own && *own <= last;) {
                while (inner < entries.size() && last_address(entries[inner].prefix) < *own) ++inner;
                const bool covered = inner < entries.size() && entries[inner].prefix.contains(*own);
                if (covered) {
                    own = next_address(last_address(entries[inner].prefix));
                    continue;
                }
                note(entries[at], *own);
                ++found;
                own = next_address(*own);
            }
        }
    }

    [[nodiscard]] const Entry& longest(const net::Address& address) const {
        const Entry* best = nullptr;
        for (const Entry& entry : result_.entries)
            if (entry.prefix.contains(address)) best = &entry;
        return *best;
    }

    void note(const Entry& entry, const net::Address& address) {
        for (std::vector<net::Address>* examples :
             {&result_.sources[entry.source].examples, &result_.destinations[entry.destination].examples})
            if (examples->size() < 2 && std::ranges::find(*examples, address) == examples->end())
                examples->push_back(address);
    }

    const RegimeSteps& before_;
    const RegimeSteps& after_;
    const DiffContents& contents_;
    ClassedAddresses result_;
    std::vector<Open> open_;
    std::map<std::pair<net::Family, Membership>, std::pair<std::uint32_t, std::uint32_t>> of_membership_;
    std::map<Key, std::uint32_t> sources_;
    std::map<Key, std::uint32_t> destinations_;
};

}  // namespace

ClassedAddresses cut_addresses(const RegimeSteps& before, const RegimeSteps& after, const DiffContents& contents) {
    return AddressCutter(before, after, contents).cut();
}

AddressRegion ClassedAddresses::region(std::uint32_t Entry::*side, const std::vector<bool>& marked) const {
    AddressRegion region;
    std::vector<std::pair<const net::Prefix*, bool>> open;  // those around the present one, and whether they are inside
    for (const Entry& entry : entries) {
        while (!open.empty() && !open.back().first->contains(entry.prefix)) open.pop_back();
        const bool around = !open.empty() && open.back().second;
        const bool inside = marked[entry.*side];
        if (inside != around) (inside ? region.in : region.except).push_back(entry.prefix);
        open.emplace_back(&entry.prefix, inside);
    }
    return region;
}

bool AddressRegion::contains(const net::Address& address) const {
    int longest = -1;
    bool inside = false;
    const auto look = [&](const std::vector<net::Prefix>& prefixes, bool which) {
        for (const net::Prefix& prefix : prefixes) {
            if (!prefix.contains(address) || static_cast<int>(prefix.length) <= longest) continue;
            longest = prefix.length;
            inside = which;
        }
    };
    look(in, true);
    look(except, false);
    return inside;
}

}  // namespace drywall::explain
