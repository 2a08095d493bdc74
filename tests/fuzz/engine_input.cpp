#include "engine_input.h"

#include <chrono>

#include "resources.h"

namespace drywall::fuzz {

namespace {

using engine::EngineSettings;
using std::chrono::seconds;

std::vector<net::Prefix> prefixes(std::initializer_list<std::string_view> texts) {
    std::vector<net::Prefix> result;
    for (const std::string_view text : texts) result.push_back(*net::Prefix::parse_strict(text));
    return result;
}

// Bits 0 and 1: the first port takes only its own segment, the second one nothing from there.
std::vector<engine::NaiveSources> sources_from(unsigned how) {
    if ((how & 3) == 0) return {};
    std::vector<engine::NaiveSources> sources(kPorts);
    if ((how & 1) != 0) sources[0].only = prefixes({"10.0.0.0/31", "2001:db8::/64"});
    if ((how & 2) != 0) sources[1].none = prefixes({"10.0.0.0/16", "10.1.0.8/32"});
    return sources;
}

void set_limits(EngineSettings& settings, std::uint8_t how) {
    settings.verify_checksums = (how & 1) != 0;
    settings.mid_stream = (how & 2) != 0     ? engine::MidStream::kDrop
                          : (how & 128) != 0 ? engine::MidStream::kObserve
                                             : engine::MidStream::kAllow;
    settings.tcp_window = (how & 4) != 0 ? engine::TcpWindow::kObserve : engine::TcpWindow::kStrict;
    settings.half_open_limit = (how & 8) != 0 ? 3 : 0;
    settings.per_source_limit = (how & 16) != 0 ? 5 : 0;
    settings.neighbour_discovery = (how & 32) == 0;
    if ((how & 64) != 0) settings.addresses = net::AddressCheck::kStrict;
}

// Connections that end while the rest of a datagram of theirs is on its way.
void make_impatient(EngineSettings& settings) {
    settings.timeouts = {.tcp_established = seconds(40),
                         .tcp_transitory = seconds(20),
                         .udp = seconds(4),
                         .icmp = seconds(3),
                         .other = seconds(5),
                         .fragment = seconds(10),
                         .tcp_half_open = seconds(6),
                         .tcp_closed = seconds(2),
                         .sctp = seconds(9),
                         .sctp_half_open = seconds(1)};
}

}  // namespace

Site site_from(Input& input) {
    Site site;
    EngineSettings& settings = site.settings;
    settings.peer_of = engine::wire_surroundings().peer_of;
    settings.non_ip = {{net::ether_type::kArp, Verdict::kAllow}};
    settings.flow_capacity = kFlows;
    settings.fragment_capacity = kFragments;
    settings.hash_seed = 42;
    settings.report_interval = seconds(10);
    set_limits(settings, input.byte());

    const std::uint8_t more = input.byte();
    site.sources = sources_from(more);
    for (const engine::NaiveSources& source : site.sources)
        settings.sources.push_back({net::PrefixSet(source.only), net::PrefixSet(source.none)});
    if ((more & 4) != 0) settings.addresses = net::AddressCheck::kAny;
    if ((more & 8) != 0) make_impatient(settings);
    if ((more & 16) != 0) settings.flow_capacity = 4;
    if ((more & 32) != 0) settings.non_ip_default = Verdict::kAllow;
    return site;
}

void FramesFrom::add_to(test::Frames& frames) {
    constexpr unsigned kAnyBytes = 0xf0;
    const unsigned how = input_.byte();
    if (how >= kAnyBytes) {
        const auto port = static_cast<std::uint16_t>(input_.byte() % kPorts);
        frames.add(input_.bytes(input_.byte()), port);
        return;
    }
    test::Packet packet = traffic_.packet();
    if (how % 8 == 6) packet = varied(packet);
    test::Bytes bytes = packet.bytes();
    spoil(bytes, how);
    frames.add(bytes, packet.port());
}

// A piece of a whole packet, or one whose headers are more than usual.
test::Packet FramesFrom::varied(const test::Packet& packet) {
    const test::Bytes bytes = packet.bytes();
    const net::PacketMeta meta = net::parse(test::view(bytes));
    if (!meta.is_ip || meta.fragment != net::FragmentKind::kWhole) return packet;
    const unsigned how = input_.byte();
    if (how % 2 == 0) {
        const std::vector<test::Packet> pieces = packet.fragments(static_cast<std::uint16_t>(8 + how / 2 % 8 * 8), 1);
        return pieces.empty() ? packet : pieces[input_.byte() % pieces.size()];
    }
    if (meta.tuple.family == net::Family::kIPv4) return packet.ip_options(4 * (how / 2 % 11));
    constexpr std::array<std::uint8_t, 4> kExtensions = {0, 43, 51, 60};
    return packet.extension(kExtensions[how / 2 % kExtensions.size()], 8 * (how / 8 % 4 + 2));
}

void FramesFrom::spoil(test::Bytes& frame, unsigned how) {
    for (int change = how % 4 == 3 ? 1 + input_.byte() % 3 : 0; change > 0; --change) {
        const std::size_t place = input_.byte() % frame.size();
        frame[place] = input_.byte();
    }
    if (how % 16 == 7) frame.resize(input_.byte() % (frame.size() + 1));
}

}  // namespace drywall::fuzz
