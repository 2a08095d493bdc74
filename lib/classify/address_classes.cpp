#include "address_classes.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>

#include "chunk_pool.h"

namespace drywall::classify {
namespace {

// The matches of one side, found by the sets that an address is in.
class SideMatcher {
public:
    SideMatcher(const std::vector<AddressMatch>& matches, const std::vector<bool>& asked, std::size_t sets)
        : matches_(matches), by_first_set_(sets) {
        for (std::uint32_t id = 0; id < matches.size(); ++id) {
            if (!asked[id]) continue;
            auto& list = matches[id].in.empty() ? negative_ : by_first_set_[index(matches[id].in.front())];
            list.push_back(id);
        }
    }

    void mark_used(std::vector<bool>& sets) const {
        const auto mark = [&](std::uint32_t match) {
            for (const SetId id : matches_[match].in) sets[index(id)] = true;
            for (const SetId id : matches_[match].not_in) sets[index(id)] = true;
        };
        for (const std::uint32_t match : negative_) mark(match);
        for (const auto& list : by_first_set_) {
            for (const std::uint32_t match : list) mark(match);
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
};

// The classes of one side of the program, by their contents.
struct SideContents {
    Interner<std::uint32_t> classes;        // step, matches that hold...
    std::vector<net::Prefix> first_prefix;  // by id of `classes`; of unknown addresses it means nothing

    // The classes by their numbers; vacant ones are as `unknown` is.
    [[nodiscard]] SideClasses finish(std::span<const std::uint32_t> number_of, std::size_t size, std::size_t matches,
                                     std::uint32_t unknown) const {
        std::vector<std::uint32_t> id_at(size, unknown);
        for (std::uint32_t id = 0; id < number_of.size(); ++id) id_at[number_of[id]] = id;
        SideClasses side;
        side.known = number_of.size();
        side.holds = BitMatrix(size, matches);
        for (std::uint32_t number = 0; number < size; ++number) {
            const auto content = classes[id_at[number]];
            side.step.push_back(content[0]);
            for (const std::uint32_t match : content.subspan(1)) side.holds.set(number, match);
        }
        return side;
    }

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
    AddressClassesBuilder(const Program& program, const Normalizer& normalizer, AddressMemory& memory, bool keep)
        : program_(program),
          normal_(normalizer.program()),
          sets_(normalizer.sets()),
          memory_(memory),
          keep_(keep),
          sources_(normal_.source_matches, normal_.source_asked, normalizer.sets().count()),
          destinations_(normal_.destination_matches, normal_.destination_asked, normalizer.sets().count()),
          member_(normalizer.sets().count(), false) {}

    Result<AddressClasses> build(std::size_t pair_budget_bytes) {
        if (Status status = find_memberships(); !status) return status.error();
        AddressClasses result;
        std::vector<std::uint32_t> class_of(memory_.memberships.size(), kNone);
        result.none = class_of_membership(kUnknown, {}, class_of);
        result.prefixes.reserve(memory_.prefixes.size());
        for (const auto& [prefix, membership] : memory_.prefixes)
            result.prefixes.push_back({prefix, class_of_membership(membership, prefix, class_of)});
        if (Status status = number_classes(result, pair_budget_bytes); !status) return status.error();
        memory_.placed.clear();
        if (!keep_) return result;
        for (const ClassedPrefix& classed : result.prefixes)
            memory_.placed.emplace_back(classed.prefix, result.sides[classed.address_class]);
        return result;
    }

private:
    static constexpr std::uint32_t kUnknown = 0;  // the membership of addresses in no prefix

    // What is known of the addresses of a prefix.
    struct Membership {
        std::uint32_t party = kNone;
        std::vector<std::uint32_t> sets;  // sorted
    };
    struct Open {
        net::Prefix prefix;
        Membership membership;
    };

    // Which sets and which party each prefix is in: as in the last program where that had the same.
    Status find_memberships() {
        std::vector<bool> used(member_.size(), false);
        sources_.mark_used(used);
        destinations_.mark_used(used);
        if (sets_.unchanged() && memory_.mentions.current(program_, used)) return Done{};
        memory_.memberships = {};
        memory_.prefixes.clear();
        (void)intern({});
        return sweep(memory_.mentions.update(program_, normal_.set_numbers, used, sets_.changed()));
    }

    // Prefixes in order: those that cover the present one are on the stack, and it inherits what the last one is.
    Status sweep(const std::vector<Mention>& mentions) {
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
            memory_.prefixes.emplace_back(prefix, intern(membership));
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

    std::uint32_t intern(const Membership& membership) {
        std::vector<std::uint32_t> key{membership.party};
        key.insert(key.end(), membership.sets.begin(), membership.sets.end());
        return memory_.memberships.intern(key);
    }

    // `known`: by membership.
    std::uint32_t class_of_membership(std::uint32_t id, const net::Prefix& prefix, std::vector<std::uint32_t>& known) {
        if (known[id] != kNone) return known[id];
        const auto membership = memory_.memberships[id];
        const auto sets = membership.subspan(1);
        const NormalParty* party = membership[0] == kNone ? nullptr : &normal_.parties[membership[0]];
        for (const std::uint32_t set : sets) member_[set] = true;
        const std::uint32_t source =
            class_of(source_contents_, sources_, party == nullptr ? kNone : party->egress, sets, prefix);
        const std::uint32_t destination =
            class_of(destination_contents_, destinations_, party == nullptr ? kNone : party->ingress, sets, prefix);
        for (const std::uint32_t set : sets) member_[set] = false;
        const std::array<std::uint32_t, 2> both{source, destination};
        return known[id] = classes_.intern(both);
    }

    std::uint32_t class_of(SideContents& side, const SideMatcher& matcher, std::uint32_t step,
                           std::span<const std::uint32_t> sets, const net::Prefix& prefix) const {
        std::vector<std::uint32_t> content{step};
        matcher.holding(member_, sets, content);
        std::sort(content.begin() + 1, content.end());
        const std::uint32_t id = side.classes.intern(content);
        if (id == side.first_prefix.size()) side.first_prefix.push_back(prefix);
        return id;
    }

    Status number_classes(AddressClasses& result, std::size_t pair_budget_bytes) {
        const auto source_numbers = numbers(source_contents_, memory_.sources, &Sides::source, spare_sources);
        const auto destination_numbers =
            numbers(destination_contents_, memory_.destinations, &Sides::destination, spare_destinations);
        if (!source_numbers || !destination_numbers) {
            return Error::of(ErrorKind::kRefused, "the addresses' classes are too many or too few for their numbers",
                             "compile the program by itself");
        }
        const std::size_t sources = memory_.sources.size();
        const std::size_t destinations = memory_.destinations.size();
        const std::size_t pairs = normal_.lanes.size() * destinations * chunks_of(sources) * sizeof(std::uint32_t);
        // The bits live only while compiling, but they too must fit.
        const std::size_t bytes = std::max({pairs, BitMatrix::bytes(sources, normal_.source_matches.size()),
                                            BitMatrix::bytes(destinations, normal_.destination_matches.size())});
        if (bytes > pair_budget_bytes) {
            return Error::of(ErrorKind::kRefused,
                             "the rules tell " + std::to_string(source_contents_.classes.size()) +
                                 " kinds of sources and " + std::to_string(destination_contents_.classes.size()) +
                                 " kinds of destinations apart, in " + std::to_string(normal_.lanes.size()) +
                                 " lanes: that takes " + std::to_string(bytes) + " bytes, " +
                                 std::to_string(pair_budget_bytes) + " are left",
                             "select endpoints by fewer distinct sets of labels, or raise the classifier's memory "
                             "budget");
        }
        for (std::uint32_t id = 0; id < classes_.size(); ++id) {
            const auto both = classes_[id];
            result.sides.push_back({(*source_numbers)[both[0]], (*destination_numbers)[both[1]]});
        }
        // Unknown addresses were asked for first: they are class 0 of either side.
        result.source = source_contents_.finish(*source_numbers, sources, normal_.source_matches.size(), 0);
        result.destination =
            destination_contents_.finish(*destination_numbers, destinations, normal_.destination_matches.size(), 0);
        return Done{};
    }

    // Classes to come find room in a chunk of sources that is begun anyway, or in one more; a destination's room is a
    // row.
    static std::size_t spare_sources(std::size_t known) { return 2 * kChunk - known % kChunk; }
    static std::size_t spare_destinations(std::size_t known) { return 8 + known / 32; }

    // By id of the contents; nothing where the numbers that there are do not suffice.
    std::optional<std::vector<std::uint32_t>> numbers(const SideContents& side, ClassNumbers& known,
                                                      std::uint32_t Sides::*which, std::size_t (*spare)(std::size_t)) {
        if (known.empty()) {
            const std::size_t count = side.classes.size();
            const std::size_t matches = std::max(normal_.source_matches.size(), normal_.destination_matches.size());
            return known.start(side.classes, side.in_order(matches, normal_.steps.size()), keep_ ? spare(count) : 0);
        }
        return known.go_on(side.classes, [&](std::uint32_t id) {
            const net::Prefix& prefix = side.first_prefix[id];
            const auto place =
                std::ranges::lower_bound(memory_.placed, prefix, {}, &std::pair<net::Prefix, Sides>::first);
            return place != memory_.placed.end() && place->first == prefix ? place->second.*which : kNone;
        });
    }

    const Program& program_;
    const NormalProgram& normal_;
    const SetNumbers& sets_;
    AddressMemory& memory_;
    bool keep_;
    SideMatcher sources_;
    SideMatcher destinations_;
    std::vector<bool> member_;  // scratch: by number of a set
    SideContents source_contents_;
    SideContents destination_contents_;
    Interner<std::uint32_t> classes_;  // source class, destination class
};

}  // namespace

std::size_t AddressMemory::bytes() const noexcept {
    return mentions.bytes() + prefixes.size() * sizeof(prefixes[0]) + placed.size() * sizeof(placed[0]) +
           memberships.bytes() + sources.bytes() + destinations.bytes();
}

Result<AddressClasses> build_address_classes(const Program& program, const Normalizer& normalizer,
                                             std::size_t pair_budget_bytes, AddressMemory& memory, bool keep) {
    return AddressClassesBuilder(program, normalizer, memory, keep).build(pair_budget_bytes);
}

}  // namespace drywall::classify
