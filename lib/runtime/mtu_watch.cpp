#include "mtu_watch.h"

#include <algorithm>

namespace drywall::runtime {

namespace {

bool differ(const std::pair<std::uint16_t, std::uint16_t>& mtus) { return mtus.first != mtus.second; }

std::string port_text(const io::Port& port, std::uint16_t mtu) {
    return "port '" + port.name() + "' (MTU " + std::to_string(mtu) + ")";
}

}  // namespace

MtuWatch::MtuWatch(std::vector<std::shared_ptr<io::Port>> ports, std::vector<std::optional<PortId>> peer_of)
    : ports_(std::move(ports)) {
    for (std::size_t port = 0; port < ports_.size(); ++port)
        if (peer_of[port] && index(*peer_of[port]) > port) pairs_.push_back({port, index(*peer_of[port])});
}

std::string MtuWatch::sentence(const Pair& pair, bool differ) const {
    const auto [one, other] = pair.mtus;
    const bool one_is_larger = one > other;
    std::string text = port_text(*ports_[one_is_larger ? pair.one : pair.other], std::max(one, other));
    text += differ ? " takes larger packets than " : " and ";
    text += port_text(*ports_[one_is_larger ? pair.other : pair.one], std::min(one, other));
    text += differ ? ": what is too large for that one can't leave by it; give both the same MTU"
                   : " take packets of the same size again";
    return text;
}

std::vector<std::string> MtuWatch::poll() {
    std::vector<std::string> news;
    for (Pair& pair : pairs_) {
        const std::pair now{ports_[pair.one]->mtu(), ports_[pair.other]->mtu()};
        if (now.first == 0 || now.second == 0) continue;  // what does not say changes nothing
        const std::pair before = std::exchange(pair.mtus, now);
        if (now == before) continue;
        if (differ(now) || differ(before)) news.push_back(sentence(pair, differ(now)));
    }
    return news;
}

}  // namespace drywall::runtime
