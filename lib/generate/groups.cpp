#include "groups.h"

#include <algorithm>
#include <map>

#include "turns.h"

namespace drywall::generate {

using loader::StreamProfile;
using loader::TrafficRate;

namespace {

constexpr double kBitsOfGap = 8 * 20.0;  // preamble, start of frame, least gap (IEEE 802.3)

class Grouping {
public:
    Grouping(const loader::TrafficProfile& profile, std::span<const std::unique_ptr<PacketSource>> sources,
             const TrialRequest& request)
        : profile_(profile), sources_(sources), request_(request) {}

    Result<std::vector<Group>> groups() {
        weigh();
        std::map<std::size_t, std::vector<std::uint16_t>> together;
        for (const StreamProfile& stream : profile_.streams) {
            const auto number = static_cast<std::uint16_t>(index_of(stream));
            if (has_times(stream) || stream.rate || ends(stream))
                add_alone(number);
            else
                together[port_of(stream)].push_back(number);
        }
        for (auto& [port, streams] : together)
            if (auto added = add_together(port, std::move(streams)); !added) return added.error();
        return std::move(groups_);
    }

private:
    static bool has_times(const StreamProfile& stream) noexcept { return stream.replay && stream.replay->speed; }
    bool ends(const StreamProfile& stream) const noexcept { return limit_of(stream).has_value(); }

    std::optional<std::uint64_t> limit_of(const StreamProfile& stream) const noexcept {
        std::optional<std::uint64_t> limit = sources_[index_of(stream)]->packets();
        if (stream.packets && (!limit || *stream.packets < *limit)) limit = stream.packets;
        return limit;
    }

    [[nodiscard]] std::size_t index_of(const StreamProfile& stream) const noexcept {
        return static_cast<std::size_t>(&stream - profile_.streams.data());
    }

    [[nodiscard]] std::size_t port_of(const StreamProfile& stream) const noexcept {
        const auto& ports = profile_.machine.ports;
        return static_cast<std::size_t>(
            std::find_if(ports.begin(), ports.end(), [&](const auto& port) { return port.name == stream.from; }) -
            ports.begin());
    }

    // What all streams weigh that share the rate, and how long their frames are.
    void weigh() {
        double bytes = 0;
        for (const StreamProfile& stream : profile_.streams) {
            if (has_times(stream) || stream.rate) continue;
            weights_ += stream.weight;
            bytes += stream.weight * frame_bytes(index_of(stream));
        }
        mean_bytes_ = weights_ > 0 ? bytes / weights_ : 0;
    }

    [[nodiscard]] double frame_bytes(std::size_t stream) const noexcept {
        return sources_[stream]->mean_length() + loader::kFcsBytes;
    }

    [[nodiscard]] Schedule share_of_rate(double weight) const {
        if (request_.rate.unit == TrafficRate::Unit::kMaximum) return Schedule::maximum();
        const double share = weight / weights_;
        const double to = packets_per_second(request_.rate, mean_bytes_) * share;
        if (!request_.ramp) return Schedule::constant(to);
        return Schedule::ramp(packets_per_second(request_.ramp->from, mean_bytes_) * share, to,
                              std::chrono::duration<double>(request_.ramp->over).count());
    }

    void add_alone(std::uint16_t stream) {
        const StreamProfile& profile = profile_.streams[stream];
        Group group;
        group.port = port_of(profile);
        group.streams = {stream};
        group.turns = {0};
        group.limit = limit_of(profile);
        if (has_times(profile))
            group.schedule = sources_[stream]->times();
        else if (!profile.rate)
            group.schedule = share_of_rate(profile.weight);
        else if (profile.rate->unit != TrafficRate::Unit::kMaximum)
            group.schedule = Schedule::constant(packets_per_second(*profile.rate, frame_bytes(stream)));
        groups_.push_back(std::move(group));
    }

    Status add_together(std::size_t port, std::vector<std::uint16_t> streams) {
        std::vector<std::uint32_t> weights;
        double weight = 0;
        for (const std::uint16_t stream : streams) {
            weights.push_back(profile_.streams[stream].weight);
            weight += weights.back();
        }
        auto round = turns(weights);
        if (!round)
            return Error::invalid(
                profile_.streams[streams.front()].place,
                "the weights of the streams from '" + profile_.streams[streams.front()].from + "' have no short round",
                "write weights of at most 65,536 together");
        Group group;
        group.port = port;
        group.schedule = share_of_rate(weight);
        group.streams = std::move(streams);
        group.turns = *std::move(round);
        groups_.push_back(std::move(group));
        return Done{};
    }

    const loader::TrafficProfile& profile_;
    std::span<const std::unique_ptr<PacketSource>> sources_;
    const TrialRequest& request_;
    double weights_ = 0;
    double mean_bytes_ = 0;
    std::vector<Group> groups_;
};

}  // namespace

double packets_per_second(const TrafficRate& rate, double mean_frame_bytes) noexcept {
    if (rate.unit == TrafficRate::Unit::kPackets) return rate.per_second;
    const double bits = mean_frame_bytes * 8 + (rate.unit == TrafficRate::Unit::kBitsOfLayer1 ? kBitsOfGap : 0);
    return rate.per_second / bits;
}

Result<std::vector<Group>> make_groups(const loader::TrafficProfile& profile,
                                       std::span<const std::unique_ptr<PacketSource>> sources,
                                       const TrialRequest& request) {
    return Grouping(profile, sources, request).groups();
}

}  // namespace drywall::generate
