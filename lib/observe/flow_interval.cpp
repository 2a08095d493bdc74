// FlowInterval as bytes, and sums of records.
//
// The bytes: "DWF1", then begin, end, number and lost, then tables of texts, parties and decisions, then the records,
// which name what stands in the tables by its number. Numbers are unsigned LEB128; differences of times are zigzag.
#include "drywall/observe/flow_interval.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "bytes.h"

namespace drywall::observe {

namespace {

constexpr std::string_view kMagic = "DWF1";

std::int64_t milliseconds_of(WallTime time) {
    return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
WallTime time_of(std::int64_t milliseconds) { return WallTime(std::chrono::milliseconds(milliseconds)); }

// Equal things once, by their number.
template <typename T>
class Numbered {
public:
    std::uint64_t of(const T& value) {
        const auto [known, fresh] = numbers_.try_emplace(value, list_.size());
        if (fresh) list_.push_back(value);
        return known->second;
    }
    [[nodiscard]] const std::vector<T>& list() const noexcept { return list_; }

private:
    std::map<T, std::uint64_t> numbers_;
    std::vector<T> list_;
};

class Encoder {
public:
    std::string run(const FlowInterval& interval) {
        for (const FlowRecord& record : interval.records) add(record, interval);
        ByteWriter parties;
        for (const auto& party : parties_.list()) add(parties, *party);
        ByteWriter decisions;
        for (const auto& decision : decisions_.list()) add(decisions, *decision);

        ByteWriter out;
        out.raw(kMagic);
        out.signed_number(milliseconds_of(interval.begin));
        out.signed_number(milliseconds_of(interval.end));
        out.number(interval.number);
        out.number(interval.lost);
        out.number(texts_.list().size());
        for (const std::string& text : texts_.list()) out.text(text);
        out.number(parties_.list().size());
        out.raw(parties.bytes());
        out.number(decisions_.list().size());
        out.raw(decisions.bytes());
        out.number(interval.records.size());
        out.raw(records_.bytes());
        return out.take();
    }

private:
    void add(const FlowRecord& record, const FlowInterval& interval) {
        add(record.source);
        add(record.destination);
        records_.number(parties_.of(record.source_party));
        records_.number(parties_.of(record.destination_party));
        records_.number(decisions_.of(record.decision));
        records_.byte(record.protocol);
        for (const std::uint16_t port : {record.destination_port, record.source_port}) records_.number(port);
        records_.number(texts_.of(record.ingress_port));
        for (const std::uint64_t value : {std::uint64_t{index(record.generation)}, record.connections_started,
                                          record.connections_completed, record.connections_live, record.forward.packets,
                                          record.forward.bytes, record.reverse.packets, record.reverse.bytes})
            records_.number(value);
        records_.signed_number(milliseconds_of(record.first_seen) - milliseconds_of(interval.begin));
        records_.signed_number(milliseconds_of(record.last_seen) - milliseconds_of(record.first_seen));
    }
    void add(const net::Address& address) {
        records_.byte(static_cast<std::uint8_t>(address.family));
        const std::size_t size = address.bits() / 8;
        records_.raw({reinterpret_cast<const char*>(address.bytes.data()), size});
    }
    void add(ByteWriter& out, const Party& party) {
        out.byte(static_cast<std::uint8_t>(party.type));
        for (const std::string* text : {&party.id, &party.ns, &party.name}) out.number(texts_.of(*text));
        out.number(party.labels.size());
        for (const auto& [key, value] : party.labels) {
            out.number(texts_.of(key));
            out.number(texts_.of(value));
        }
    }
    void add(ByteWriter& out, const Decided& decided) {
        out.byte(static_cast<std::uint8_t>((decided.enforced == Verdict::kAllow ? 1 : 0) |
                                           (decided.pending == Verdict::kAllow ? 2 : 0) | (decided.known ? 4 : 0)));
        out.number(texts_.of(std::string(name(decided.drop_reason))));
        add(out, decided.enforced_hits);
        add(out, decided.pending_hits);
        out.number(decided.responsible.size());
        for (const std::string& policy : decided.responsible) out.number(texts_.of(policy));
    }
    void add(ByteWriter& out, const std::vector<Hit>& hits) {
        out.number(hits.size());
        for (const Hit& hit : hits) out.number(texts_.of(hit.text));
    }

    Numbered<std::string> texts_;
    Numbered<std::shared_ptr<const Party>> parties_;
    Numbered<Decision> decisions_;
    ByteWriter records_;
};

// What is out of bounds spoils the reader, and in the end the interval.
class Decoder {
public:
    explicit Decoder(std::string_view bytes) : in_(bytes) {}

    std::optional<FlowInterval> run() {
        if (in_.raw(kMagic.size()) != kMagic) return std::nullopt;
        FlowInterval interval;
        const std::int64_t begin = milliseconds(0);
        interval.begin = time_of(begin);
        interval.end = time_of(milliseconds(0));
        interval.number = in_.number();
        interval.lost = in_.number();
        for (std::uint64_t left = in_.count(); left > 0; --left) texts_.emplace_back(in_.text());
        for (std::uint64_t left = in_.count(); left > 0; --left) parties_.push_back(party());
        for (std::uint64_t left = in_.count(); left > 0; --left) decisions_.push_back(decision());
        const std::uint64_t records = in_.count();
        for (std::uint64_t left = records; left > 0 && in_.good(); --left) interval.records.push_back(record(begin));
        if (!in_.good() || !in_.empty()) return std::nullopt;
        return interval;
    }

private:
    // Bounded, so that it can be added to and counted in nanoseconds.
    std::int64_t milliseconds(std::int64_t from) {
        constexpr std::int64_t kMost = 4'000'000'000'000;  // the year 2096
        const std::int64_t value = in_.signed_number();
        if (value >= -kMost && value <= kMost && from + value >= -kMost && from + value <= kMost) return from + value;
        in_.spoil();
        return 0;
    }
    std::string text() {
        const std::uint64_t at = in_.number();
        if (at < texts_.size()) return texts_[at];
        in_.spoil();
        return {};
    }
    template <typename T>
    T one_of(const std::vector<T>& list) {
        const std::uint64_t at = in_.number();
        if (at < list.size()) return list[at];
        in_.spoil();
        return {};
    }
    std::shared_ptr<const Party> party() {
        Party party;
        const std::uint8_t type = in_.byte();
        party.type = type == 0 ? PartyType::kWorkload : type == 1 ? PartyType::kHost : PartyType::kNetwork;
        party.id = text();
        party.ns = text();
        party.name = text();
        for (std::uint64_t left = in_.count(); left > 0; --left) {
            std::string key = text();
            party.labels.emplace(std::move(key), text());
        }
        return std::make_shared<const Party>(std::move(party));
    }
    Decision decision() {
        Decided decided;
        const std::uint8_t bits = in_.byte();
        decided.enforced = (bits & 1) != 0 ? Verdict::kAllow : Verdict::kDeny;
        decided.pending = (bits & 2) != 0 ? Verdict::kAllow : Verdict::kDeny;
        decided.known = (bits & 4) != 0;
        const std::string reason = text();
        for (const DropReasonText& known : kDropReasons)
            if (known.name == reason) decided.drop_reason = known.reason;
        decided.enforced_hits = hits();
        decided.pending_hits = hits();
        for (std::uint64_t left = in_.count(); left > 0; --left) decided.responsible.push_back(text());
        return std::make_shared<const Decided>(std::move(decided));
    }
    std::vector<Hit> hits() {
        std::vector<Hit> out;
        for (std::uint64_t left = in_.count(); left > 0; --left) out.push_back(hit_of(text()));
        return out;
    }
    net::Address address() {
        net::Address address;
        address.family = in_.byte() == 6 ? net::Family::kIPv6 : net::Family::kIPv4;
        const std::string_view bytes = in_.raw(address.bits() / 8);
        std::transform(bytes.begin(), bytes.end(), address.bytes.begin(),
                       [](char byte) { return static_cast<std::uint8_t>(byte); });
        return address;
    }
    FlowRecord record(std::int64_t begin) {
        FlowRecord record;
        record.source = address();
        record.destination = address();
        auto source = one_of(parties_);
        auto destination = one_of(parties_);
        auto decision = one_of(decisions_);
        if (!in_.good()) return record;
        record.source_party = std::move(source);
        record.destination_party = std::move(destination);
        record.decision = std::move(decision);
        record.protocol = in_.byte();
        record.destination_port = static_cast<std::uint16_t>(in_.number());
        record.source_port = static_cast<std::uint16_t>(in_.number());
        record.ingress_port = text();
        record.generation = Generation{in_.number()};
        for (std::uint64_t* value :
             {&record.connections_started, &record.connections_completed, &record.connections_live,
              &record.forward.packets, &record.forward.bytes, &record.reverse.packets, &record.reverse.bytes})
            *value = in_.number();
        const std::int64_t first = milliseconds(begin);
        record.first_seen = time_of(first);
        record.last_seen = time_of(milliseconds(first));
        return record;
    }

    ByteReader in_;
    std::vector<std::string> texts_;
    std::vector<std::shared_ptr<const Party>> parties_;
    std::vector<Decision> decisions_;
};

std::uint64_t place_hash(const FlowRecord& record) noexcept {
    std::uint64_t hash = record.protocol;
    const auto mix = [&](std::uint64_t value) {
        hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
        hash ^= hash >> 29;
    };
    mix(record.destination_port);
    for (const net::Address* address : {&record.source, &record.destination}) {
        std::uint64_t half = 0;
        for (std::size_t i = 0; i < address->bytes.size(); ++i) {
            half = half << 8 | address->bytes[i];
            if (i % 8 == 7) mix(half);
        }
    }
    return hash;
}

}  // namespace

bool same_group(const FlowRecord& a, const FlowRecord& b) {
    return a.protocol == b.protocol && a.destination_port == b.destination_port && a.source == b.source &&
           a.destination == b.destination && (a.decision == b.decision || *a.decision == *b.decision);
}

void add_to(FlowRecord& sum, const FlowRecord& record) {
    sum.connections_started += record.connections_started;
    sum.connections_completed += record.connections_completed;
    sum.forward += record.forward;
    sum.reverse += record.reverse;
    sum.first_seen = std::min(sum.first_seen, record.first_seen);
    if (record.last_seen < sum.last_seen) return;
    // What is as of the last moment.
    sum.last_seen = record.last_seen;
    sum.connections_live = record.connections_live;
    sum.generation = record.generation;
    sum.source_port = record.source_port;
    sum.ingress_port = record.ingress_port;
    sum.source_party = record.source_party;
    sum.destination_party = record.destination_party;
}

std::string encode(const FlowInterval& interval) { return Encoder().run(interval); }

std::optional<FlowInterval> decode(std::string_view bytes) { return Decoder(bytes).run(); }

void FlowSums::add(const FlowRecord& record) {
    const std::uint64_t hash = place_hash(record);
    const auto [first, last] = by_place_.equal_range(hash);
    const auto known =
        std::find_if(first, last, [&](const auto& entry) { return same_group(sums_[entry.second], record); });
    if (known == last) {
        if (sums_.size() >= most_) {
            ++left_out_;
            return;
        }
        by_place_.emplace(hash, sums_.size());
        sums_.push_back(record);
        return;
    }
    add_to(sums_[known->second], record);
}

std::vector<FlowRecord> FlowSums::take() {
    by_place_.clear();
    return std::exchange(sums_, {});
}

}  // namespace drywall::observe
