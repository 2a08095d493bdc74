#include "mtu_watch.h"

#include <algorithm>

namespace drywall::runtime {

namespace {

bool differ(const std::pair<std::uint16_t, std::uint16_t>& mtus) {
    return mtus.first != mtus.second && mtus.first != 0 && mtus.second != 0;
}

std::string port_text(const io::Port& port, std::uint16_t mtu) {
    return "port '" + port.name() + "' (MTU " + std::to_string(mtu) + ")";
}

}  // namespace

MtuWatch::MtuWatch(std::vector<std::shared_ptr<io::Port>> ports, std::vector<std::optional<PortId>> peer_of)
    : ports_(std::move(ports)) {
    for (std::size_t port = 0; port < ports_.size(); ++port)
        if (peer_of[port] && index(*peer_of[port]) > port) pairs_.push_back({port, index(*peer_of[port])});
}

std::vector<std::string> MtuWatch::poll() {
    std::vector<std::string> news;
    for (Pair& pair : pairs_) {
        const std::pair now{ports_[pair.one]->mtu(), ports_[pair.other]->mtu()};
        const std::pair before = std::exchange(pair.mtus, now);
        if (now == before) continue;
        const bool one_is_larger = now.first > now.second;
        const std::string larger =
            port_text(*ports_[one_is_larger ? pair.one : pair.other], std::max(now.first, now.second));
        const std::string smaller =
            port_text(*ports_[one_is_larger ? pair.other : pair.one], std::min(now.first, now.second));
        if (differ(now))
            news.push_back(larger + " takes larger packets than " + smaller +
                           ": what is too large for that one can't leave by it; give both the same MTU");
        else if (differ(before))
            news.push_back(larger + " and " + smaller + " take packets of the same size again");
    }
    return news;
}

}  // namespace drywall::runtime
