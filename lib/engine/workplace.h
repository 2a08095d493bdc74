// Workplace: all that a worker's engine owns from start to end: settings, tables, and the arrays that the steps of one
// burst hand to each other. Allocated once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "drywall/base/cache_line.h"
#include "drywall/engine/engine.h"
#include "drywall/flow/flow_table.h"
#include "drywall/flow/fragment_table.h"
#include "drywall/flow/key.h"
#include "drywall/inspect/dns_watch.h"
#include "drywall/inspect/inspector.h"
#include "drywall/net/packet_meta.h"
#include "drywall/telemetry/counters.h"
#include "drywall/telemetry/request.h"

namespace drywall::engine {

// What was asked of the ruleset for a packet before packets are decided one by one.
enum class Question : std::uint8_t {
    kNone,
    kPacket,     // the packet's own tuple: no connection was found for it
    kInitiator,  // the tuple of its connection's initiator: an older generation judged it
};

// Packets that neither a broken header nor a rule for what is not IP decided: the n-th of them.
struct Subject {
    std::uint8_t packet = 0;  // its number in the burst
    bool tracked = false;     // it has a flow key
    bool current = false;     // whole, and of a live connection that this generation judged, when the burst began
    flow::Side sender = flow::Side::kNear;
    Question question = Question::kNone;
    std::uint8_t answer = 0;  // index into Scratch::answers; only with a question
};

struct Scratch {
    std::array<net::PacketMeta, kMaxBurst> metas;  // by packet
    std::array<Subject, kMaxBurst> subjects;
    std::array<flow::FlowKey, kMaxBurst> keys;  // by subject; only of tracked ones
    std::array<flow::Flow*, kMaxBurst> flows;   // by subject: as found when the burst began; only of tracked ones
    std::array<net::Tuple, kMaxBurst> questions;
    std::array<TraceId, kMaxBurst> answers;
    std::size_t subject_count = 0;
};

// REQUIRES: the settings were checked when they were read
[[nodiscard]] inline inspect::Inspector make_inspector(const inspect::InspectorSettings& settings) {
    return std::move(inspect::Inspector::create(settings).value());
}

struct Workplace {
    Workplace(const EngineSettings& engine_settings, telemetry::WorkerCounters& worker_counters)
        : settings(engine_settings),
          counters(worker_counters),
          flows(settings.flow_capacity, settings.timeouts, settings.hash_seed,
                settings.per_source_limit > 0 ? flow::FlowTable::Sources::kCounted
                                              : flow::FlowTable::Sources::kNotCounted),
          fragments(settings.fragment_capacity, settings.timeouts.fragment, settings.hash_seed),
          inspector(make_inspector(settings.layer7.inspector)) {
        const Layer7Settings& layer7 = settings.layer7;
        if (layer7.names == nullptr || layer7.dns_servers.empty()) return;
        dns.emplace(
            inspect::DnsWatchSettings{
                .servers = layer7.dns_servers, .questions = layer7.dns_questions, .hash_seed = settings.hash_seed},
            *layer7.names, index(settings.worker));
    }

    // The connection is watched no more, or is about to be removed. REQUIRES: the flow is of `flows`
    void stop_reading(const flow::Flow& flow) noexcept {
        flow::FlowNotes& notes = flows.notes(flow);
        if (notes.reader == flow::FlowNotes::kNoReader) return;
        inspector.close(inspect::ContextId{notes.reader});
        notes.reader = flow::FlowNotes::kNoReader;
    }

    EngineSettings settings;
    telemetry::WorkerCounters& counters;
    flow::FlowTable flows;
    flow::FragmentTable fragments;
    inspect::Inspector inspector;
    std::optional<inspect::DnsWatch> dns;  // nothing: no name is learned
    telemetry::RequestBatch requests;
    Scratch scratch;
};

}  // namespace drywall::engine
