#include "address_classes.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <string>
#include <tuple>

#include "chunk_pool.h"

namespace drywall::classify {
namespace {

// The matches of one side, found by the sets that an address is in.
class SideMatcher {
public:
    SideMatcher(const std::vector<AddressMatch>& matches, std::size_t sets) : matches_(matches), by_first_set_(sets) {
        for (std::uint32_t id = 0; id < matches.size(); ++id) {
            auto& list = matches[id].in.empty() ? negative_ : by_first_set_[index(matches[id].in.front())];
            list.push_back(id);
        }
    }

    [[nodiscard]] bool uses(std::size_t set) const { return used_[set]; }

    void mark_used(std::size_t sets) {
        used_.assign(sets, false);
        for (const AddressMatch& match : matches_) {
            for (const SetId id : match.in) used_[index(id)] = true;
            for (const SetId id : match.not_in) used_[index(id)] = true;
        }
    }

    // The matches that hold for an address that is in exactly the `member` sets, sorted.
    void holding(const std::vector<bool>& member, std::span<const std::uint32_t> sets,
                 std::vector<std::uint32_t>& out) const {
        const auto in = [&](SetId id) { return static_cast<bool>(member[index(id)]); };
        const auto consider = [&](std::uint32_t id) {
            const AddressMatch& match = matches_[id];
            if (std::ranges::all_of(match.in, in) && std::ranges::none_of(match.not_in, in)) out.push_back(id);
        };
        const std::size_t begin = out.size();
        for (const std::uint32_t id : negative_) consider(id);
        for (const std::uint32_t set : sets) {
            for (const std::uint32_t id : by_first_set_[set]) consider(id);
        }
        std::sort(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end());
    }

private:
    const std::vector<AddressMatch>& matches_;
    std::vector<std::vector<std::uint32_t>> by_first_set_;
    std::vector<std::uint32_t> negative_;  // without a set that the address must be in
    std::vector<bool> used_;
};

// A prefix that a set or a party names.
struct Mention {
    net::Prefix prefix;
    std::uint32_t party = kNone;
    std::uint32_t set = kNone;
};

std::vector<Mention> mentions_of(const Program& program, const SideMatcher& sources, const SideMatcher& destinations) {
    std::vector<Mention> mentions;
    for (std::uint32_t set = 0; set < program.sets.size(); ++set) {
        if (!sources.uses(set) && !destinations.uses(set)) continue;
        for (const net::Prefix& prefix : program.sets[set].prefixes) mentions.push_back({prefix, kNone, set});
    }
    for (std::uint32_t party = 0; party < program.parties.size(); ++party) {
        for (const net::Prefix& prefix : program.parties[party].addresses) mentions.push_back({prefix, party, kNone});
    }
    std::ranges::sort(mentions, {},
                      [](const Mention& mention) { return std::tie(mention.prefix, mention.party, mention.set); });
    return mentions;
}

// The numbers of the classes of one side.
struct SideNumbers {
    Interner<std::uint32_t> classes;  // step, matches that hold...

    // The classes by their final numbers; `number_of` turns an id of `classes` into its number.
    [[nodiscard]] SideClasses finish(std::size_t matches, std::size_t steps,
                                     std::vector<std::uint32_t>& number_of) const {
        const std::vector<std::uint32_t> ids = in_order(matches, steps);
        number_of.resize(ids.size());
        SideClasses side;
        side.holds = BitMatrix(ids.size(), matches);
        for (std::uint32_t number = 0; number < ids.size(); ++number) {
            number_of[ids[number]] = number;
            const auto content = classes[ids[number]];
            side.step.push_back(content[0]);
            for (const std::uint32_t match : content.subspan(1)) side.holds.set(number, match);
        }
        return side;
    }

private:
    // Classes for which the same popular things hold stand together, so that a chunk of them is mostly judged alike.
    [[nodiscard]] std::vector<std::uint32_t> in_order(std::size_t matches, std::size_t steps) const {
        const auto thing = [&](std::span<const std::uint32_t> content, std::size_t at) {
            if (at != 0) return std::size_t{content[at]};
            return content[0] == kNone ? matches + steps : matches + content[0];
        };
        std::vector<std::uint32_t> popularity(matches + steps + 1, 0);
        for (std::uint32_t id = 0; id < classes.size(); ++id) {
            const auto content = classes[id];
            for (std::size_t at = 0; at < content.size(); ++at) ++popularity[thing(content, at)];
        }
        std::vector<std::uint32_t> things(popularity.size());
        std::iota(things.begin(), things.end(), 0);
        std::ranges::stable_sort(things, std::ranges::greater{}, [&](std::uint32_t at) { return popularity[at]; });
        std::vector<std::uint32_t> rank(things.size());
        for (std::uint32_t at = 0; at < things.size(); ++at) rank[things[at]] = at;
        std::vector<std::vector<std::uint32_t>> keys(classes.size());
        for (std::uint32_t id = 0; id < classes.size(); ++id) {
            const auto content = classes[id];
            for (std::size_t at = 0; at < content.size(); ++at) keys[id].push_back(rank[thing(content, at)]);
            std::ranges::sort(keys[id]);
        }
        std::vector<std::uint32_t> ids(classes.size());
        std::iota(ids.begin(), ids.end(), 0);
        std::ranges::sort(ids, [&](std::uint32_t a, std::uint32_t b) { return keys[a] < keys[b]; });
        return ids;
    }
};

class AddressClassesBuilder {
public:
    AddressClassesBuilder(const Program& program, const NormalProgram& normal)
        : program_(program),
          normal_(normal),
          sources_(normal.source_matches, program.sets.size()),
          destinations_(normal.destination_matches, program.sets.size()),
          member_(program.sets.size(), false) {
        sources_.mark_used(program.sets.size());
        destinations_.mark_used(program.sets.size());
    }

    Result<AddressClasses> build(std::size_t pair_budget_bytes) {
        AddressClasses result;
        result.none = class_of({kNone, {}});
        if (Status status = sweep(result.prefixes); !status) return status.error();
        const std::size_t sources = source_numbers_.classes.size();
        const std::size_t destinations = destination_numbers_.classes.size();
        const std::size_t pairs = normal_.lanes.size() * destinations * chunks_of(sources) * sizeof(std::uint32_t);
        // The bits live only while compiling, but they too must fit.
        const std::size_t bytes = std::max({pairs, BitMatrix::bytes(sources, normal_.source_matches.size()),
                                            BitMatrix::bytes(destinations, normal_.destination_matches.size())});
        if (bytes > pair_budget_bytes) {
            return Error::of(ErrorKind::kRefused,
                             "the rules tell " + std::to_string(sources) + " kinds of sources and " +
                                 std::to_string(destinations) + " kinds of destinations apart, in " +
                                 std::to_string(normal_.lanes.size()) + " lanes: that takes " + std::to_string(bytes) +
                                 " bytes, " + std::to_string(pair_budget_bytes) + " are left",
                             "select endpoints by fewer distinct sets of labels, or raise the classifier's memory "
                             "budget");
        }
        std::vector<std::uint32_t> source_of;
        std::vector<std::uint32_t> destination_of;
        const std::size_t steps = normal_.steps.size();
        result.source = source_numbers_.finish(normal_.source_matches.size(), steps, source_of);
        result.destination = destination_numbers_.finish(normal_.destination_matches.size(), steps, destination_of);
        result.sides = std::move(sides_);
        for (Sides& sides : result.sides) sides = {source_of[sides.source], destination_of[sides.destination]};
        return result;
    }

private:
    // What is known of the addresses of a prefix.
    struct Membership {
        std::uint32_t party = kNone;
        std::vector<std::uint32_t> sets;  // sorted
    };
    struct Open {
        net::Prefix prefix;
        Membership membership;
    };

    // Prefixes in order: those that cover the present one are on the stack, and it inherits what the last one is.
    Status sweep(std::vector<ClassedPrefix>& out) {
        const std::vector<Mention> mentions = mentions_of(program_, sources_, destinations_);
        std::vector<Open> open;
        for (std::size_t at = 0; at < mentions.size();) {
            const net::Prefix& prefix = mentions[at].prefix;
            while (!open.empty() && !open.back().prefix.contains(prefix)) open.pop_back();
            Membership membership = open.empty() ? Membership{} : open.back().membership;
            for (; at < mentions.size() && mentions[at].prefix == prefix; ++at) {
                if (!join(membership, mentions[at])) return overlap(mentions[at], membership.party, open);
            }
            std::ranges::sort(membership.sets);
            membership.sets.erase(std::unique(membership.sets.begin(), membership.sets.end()), membership.sets.end());
            out.push_back({prefix, class_of(membership)});
            open.push_back({prefix, std::move(membership)});
        }
        return Done{};
    }

    static bool join(Membership& membership, const Mention& mention) {
        if (mention.set != kNone) membership.sets.push_back(mention.set);
        if (mention.party == kNone) return true;
        if (membership.party != kNone && membership.party != mention.party) return false;
        membership.party = mention.party;
        return true;
    }

    static Error overlap(const Mention& mention, std::uint32_t other, const std::vector<Open>& open) {
        std::string where = "the same prefix";
        for (const Open& covering : open) {
            if (covering.membership.party == other) where = covering.prefix.text();
        }
        return Error::of(ErrorKind::kInvalid,
                         "prefix " + mention.prefix.text() + " of party " + std::to_string(mention.party) +
                             " overlaps party " + std::to_string(other) + " (" + where + ")",
                         "an address belongs to one party: give the endpoints different addresses");
    }

    std::uint32_t class_of(const Membership& membership) {
        std::vector<std::uint32_t> key{membership.party};
        key.insert(key.end(), membership.sets.begin(), membership.sets.end());
        const std::uint32_t known = memberships_.intern(key);
        if (known < class_of_membership_.size()) return class_of_membership_[known];
        const NormalParty* party = membership.party == kNone ? nullptr : &normal_.parties[membership.party];
        for (const std::uint32_t set : membership.sets) member_[set] = true;
        const std::uint32_t source =
            number(source_numbers_, sources_, party == nullptr ? kNone : party->egress, membership.sets);
        const std::uint32_t destination =
            number(destination_numbers_, destinations_, party == nullptr ? kNone : party->ingress, membership.sets);
        for (const std::uint32_t set : membership.sets) member_[set] = false;
        const std::array<std::uint32_t, 2> both{source, destination};
        const std::uint32_t id = classes_.intern(both);
        if (id == sides_.size()) sides_.push_back({source, destination});
        class_of_membership_.push_back(id);
        return id;
    }

    std::uint32_t number(SideNumbers& numbers, const SideMatcher& matcher, std::uint32_t step,
                         std::span<const std::uint32_t> sets) {
        std::vector<std::uint32_t> content{step};
        matcher.holding(member_, sets, content);
        std::sort(content.begin() + 1, content.end());
        return numbers.classes.intern(content);
    }

    const Program& program_;
    const NormalProgram& normal_;
    SideMatcher sources_;
    SideMatcher destinations_;
    std::vector<bool> member_;                        // scratch: by set
    Interner<std::uint32_t> memberships_;             // party, sets...
    std::vector<std::uint32_t> class_of_membership_;  // by id of memberships_
    SideNumbers source_numbers_;
    SideNumbers destination_numbers_;
    Interner<std::uint32_t> classes_;  // source class, destination class
    std::vector<Sides> sides_;
};

}  // namespace

Result<AddressClasses> build_address_classes(const Program& program, const NormalProgram& normal,
                                             std::size_t pair_budget_bytes) {
    return AddressClassesBuilder(program, normal).build(pair_budget_bytes);
}

}  // namespace drywall::classify
