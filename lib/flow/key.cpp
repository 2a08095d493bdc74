#include "drywall/flow/key.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace drywall::flow {

namespace {

struct IcmpQuery {
    std::uint8_t protocol;
    std::uint8_t request;
    std::uint8_t reply;
};

constexpr auto kIcmpQueries = std::to_array<IcmpQuery>({
    {net::protocol::kIcmp, 8, 0},        // echo (RFC 792)
    {net::protocol::kIcmp, 13, 14},      // timestamp (RFC 792)
    {net::protocol::kIcmpv6, 128, 129},  // echo (RFC 4443)
});

constexpr std::uint8_t icmp_type(const net::Tuple& tuple) noexcept {
    return static_cast<std::uint8_t>(tuple.destination_port >> 8);
}
constexpr std::uint8_t icmp_code(const net::Tuple& tuple) noexcept {
    return static_cast<std::uint8_t>(tuple.destination_port & 0xff);
}

const IcmpQuery* query_of(const net::Tuple& tuple) noexcept {
    if (icmp_code(tuple) != 0) return nullptr;
    const std::uint8_t type = icmp_type(tuple);
    for (const IcmpQuery& query : kIcmpQueries)
        if (query.protocol == tuple.protocol && (query.request == type || query.reply == type)) return &query;
    return nullptr;
}

}  // namespace

Side side_by_address(const net::Tuple& tuple) noexcept {
    const bool source_first =
        std::tie(tuple.source, tuple.source_port) <= std::tie(tuple.destination, tuple.destination_port);
    return source_first ? Side::kNear : Side::kFar;
}

std::optional<Keyed> keyed(const net::PacketMeta& packet, PortId egress) noexcept {
    if (packet.fragment == net::FragmentKind::kLater) return std::nullopt;
    const net::Tuple& tuple = packet.tuple;
    Keyed result;
    result.sender = write_key(tuple, egress, result.key);
    if (!net::is_icmp(tuple.protocol)) return result;

    const IcmpQuery* query = query_of(tuple);
    if (query == nullptr) return std::nullopt;
    const Side asker = icmp_type(tuple) == query->request ? result.sender : opposite(result.sender);
    result.key.near_port = packet.icmp_id;
    result.key.far_port = static_cast<std::uint16_t>(query->request << 8 | static_cast<unsigned>(asker));
    return result;
}

bool is_icmp_reply(const net::Tuple& tuple) noexcept {
    const IcmpQuery* query = query_of(tuple);
    return query != nullptr && icmp_type(tuple) == query->reply;
}

}  // namespace drywall::flow
