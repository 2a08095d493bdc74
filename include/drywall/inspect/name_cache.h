// NameCache: by which names DNS gave out an address, and until when. One for the whole appliance: the worker that sees
// an answer learns from it before the answer goes on, and any worker may ask once the client that asked connects.
//
// Threads: learn() by the worker whose number it is given; everything else by any thread. Nobody waits for anybody:
//          each worker writes only its own part, and a reader looks into all of them. An entry that is being replaced
//          while it is read counts as gone, which it is.
// Memory:  fixed: about 300 bytes for each entry, taken at construction. An entry is one address by one name; each
//          worker's part is groups of 64, chosen by a seeded hash of the address. In a full group what expires soonest
//          goes, so an address is known by at most 64 names from each worker.
// On the packet path it is noexcept and allocates nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/inspect/dns_message.h"
#include "drywall/net/address.h"

namespace drywall::inspect {

struct NameCacheSettings {
    std::size_t entries = 65536;  // of all workers together; rounded up to whole groups of each
    std::size_t workers = 1;
    std::uint64_t hash_seed = 0;  // random per start
    // A time to live is brought between these two, and then `extra` is added.
    std::chrono::seconds min_ttl{30};
    std::chrono::seconds max_ttl{86400};
    std::chrono::seconds extra_ttl{0};
};

struct NameCacheCounts {
    std::uint64_t learned = 0;    // entries that were new
    std::uint64_t refreshed = 0;  // that were there
    std::uint64_t evicted = 0;    // that had to go before their time
    bool operator==(const NameCacheCounts&) const = default;
};

// For people.
struct KnownName {
    std::string name;
    net::Address address;
    Nanos left{};  // until it is forgotten
};

class NameCache {
public:
    explicit NameCache(const NameCacheSettings& settings);
    ~NameCache();
    NameCache(const NameCache&) = delete;
    NameCache& operator=(const NameCache&) = delete;

    // `worker` says that the address is known by the name for `ttl` seconds from now. What is known for longer stays
    // so. REQUIRES: worker < settings.workers, and the caller is that worker
    void learn(std::size_t worker, const net::Address& address, const DnsName& name, std::uint32_t ttl,
               Instant now) noexcept;

    // Calls visit(std::string_view) with each name by which the address is known now. The text is gone after the call.
    // A name that several workers learned may come several times.
    template <typename Visit>
    void for_each_name(const net::Address& address, Instant now, Visit visit) const noexcept {
        Search search(*this, address, now);
        while (search.next()) visit(search.name());
    }

    [[nodiscard]] NameCacheCounts counts() const noexcept;
    [[nodiscard]] std::size_t capacity() const noexcept;  // entries
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

    // Control side: everything that is known now, each pair once, in the order of names and addresses.
    [[nodiscard]] std::vector<KnownName> known(Instant now) const;

private:
    struct Part;  // what one worker writes

    static constexpr std::size_t kNameBytes = (DnsName::kMost + 7) / 8 * 8;

    // A copy of one entry.
    struct Copy {
        net::Address address;
        Instant expires;
        std::size_t size = 0;
        std::array<char, kNameBytes> name;  // the first `size` of them
        [[nodiscard]] std::string_view text() const noexcept { return {name.data(), size}; }
    };

    // A walk through the entries of one address.
    class Search {
    public:
        Search(const NameCache& cache, const net::Address& address, Instant now) noexcept;
        // Leads to the next entry that is in force; false: there is none any more.
        bool next() noexcept;
        [[nodiscard]] std::string_view name() const noexcept { return entry_.text(); }

    private:
        const NameCache& cache_;
        net::Address address_;
        Instant now_;
        std::uint64_t hash_;
        std::size_t part_ = 0;
        std::size_t way_ = 0;  // the next one to look at
        Copy entry_;
    };

    [[nodiscard]] std::uint64_t hash_of(const net::Address& address) const noexcept;

    const NameCacheSettings settings_;
    std::vector<std::unique_ptr<Part>> parts_;  // by worker
};

}  // namespace drywall::inspect
