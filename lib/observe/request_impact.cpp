#include "drywall/observe/request_impact.h"

#include <algorithm>
#include <array>
#include <new>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "drywall/inspect/http_path.h"

namespace drywall::observe {

namespace {

using explain::Regime;
using reference::ConnectionFacts;
using telemetry::RequestKind;

// A request as one regime decides it.
struct Answer {
    Verdict verdict = Verdict::kDeny;
    TraceId trace{};
};

using Ends = std::tuple<net::Family, net::AddressBytes, net::AddressBytes, std::uint8_t, std::uint16_t>;

Ends ends_of(const FlowRecord& flow) {
    return {flow.source.family, flow.source.bytes, flow.destination.bytes, flow.protocol, flow.destination_port};
}

Verdict verdict_in(World world, const classify::Trace& trace) {
    return world == World::kEnforced ? trace.enforced : trace.pending;
}

std::string decider_in(const Regime& regime, TraceId id) {
    const classify::Trace& trace = regime.ruleset->trace(id);
    const auto& hits = regime.world == World::kEnforced ? trace.enforced_hits : trace.pending_hits;
    return hits.empty() ? std::string() : regime.ruleset->hit(hits.back()).text();
}

bool worse(const std::optional<ImpactRequest>& a, const std::optional<ImpactRequest>& b) {
    // A denial is told before a doubt, and a doubt before what would be allowed.
    const auto rank = [](const std::optional<ImpactRequest>& one) {
        if (!one) return 0;
        return one->effect == Effect::kNewlyDenied ? 3 : one->effect == Effect::kUncertain ? 2 : 1;
    };
    return rank(a) > rank(b);
}

}  // namespace

std::string_view name(Effect effect) noexcept {
    switch (effect) {
        case Effect::kNewlyDenied: return "newly-denied";
        case Effect::kNewlyAllowed: return "newly-allowed";
        case Effect::kUncertain: return "uncertain";
    }
    return "uncertain";
}

ConnectionFacts facts_of(RequestKind kind, std::string_view method, std::string_view host, std::string_view path) {
    ConnectionFacts facts;
    if (kind == RequestKind::kHttp) facts.http = {.method = std::string(method), .target = inspect::target_of(path)};
    if (kind == RequestKind::kTls) facts.tls = {.server_name = std::string(host), .encrypted = false};
    return facts;
}

class RequestRehearser::State {
public:
    State(const Rehearsal& rehearsal, const RequestEvidence& evidence) : rehearsal_(rehearsal), evidence_(evidence) {
        for (const Regime* regime : {&rehearsal.now, &rehearsal.then})
            if (regime->ruleset->inspects() && !workspace_.grow_for(regime->ruleset->conditions()))
                throw std::bad_alloc();
        for (const inspect::KnownName& known : evidence.names) names_[known.address.text()].push_back(known.name);
        for (const RequestRecord& request : evidence.requests)
            by_ends_[ends_of(request.connection)].push_back(&request);
    }

    std::optional<ImpactRequest> look_at(const RequestRecord& request) {
        const net::Tuple tuple = tuple_of(request);
        if (was_told_by_both(request)) return as_told(request, tuple);
        if (request.kind == RequestKind::kUnread || !request.verbatim) return without_text(request, tuple);

        // Under every assumption about the names of its destination that agrees with how it was decided.
        std::optional<ImpactRequest> found;
        bool first = true;
        for (const ConnectionFacts& facts : assumptions(request)) {
            if (!agrees(request, tuple, facts)) continue;
            std::optional<ImpactRequest> one = under(request, tuple, facts);
            const bool same = one.has_value() == found.has_value() && (!one || one->effect == found->effect);
            if (!first && !same) return doubt(request, tuple);
            found = std::move(one);
            first = false;
        }
        return first ? doubt(request, tuple) : found;
    }

    std::optional<ImpactRequest> look_at(const FlowRecord& group) {
        ImpactRequest unknown;
        unknown.request.connection = group;
        const auto asked = by_ends_.find(ends_of(group));
        if (asked == by_ends_.end()) return unknown;
        std::optional<ImpactRequest> worst;
        std::set<std::uint16_t> connections;
        for (const RequestRecord* request : asked->second) {
            connections.insert(request->connection.source_port);
            std::optional<ImpactRequest> one = look_at(*request);
            if (worse(one, worst)) worst = std::move(one);
        }
        const bool all = evidence_.complete_since && *evidence_.complete_since <= group.first_seen &&
                         connections.size() >= std::max(group.connections_started, group.connections_live);
        if (!all && (!worst || worst->effect != Effect::kNewlyDenied)) return unknown;
        return worst;
    }

    RequestImpact impact() {
        RequestImpact out;
        out.complete = evidence_.complete_since.has_value();
        for (auto request = evidence_.requests.rbegin(); request != evidence_.requests.rend(); ++request) {
            ++out.observed;
            std::optional<ImpactRequest> found = look_at(*request);
            if (!found) continue;
            switch (found->effect) {
                case Effect::kNewlyDenied: ++out.newly_denied; break;
                case Effect::kNewlyAllowed: ++out.newly_allowed; break;
                case Effect::kUncertain: ++out.uncertain; break;
            }
            out.affected.push_back(*std::move(found));
        }
        std::ranges::stable_sort(out.affected, {}, &ImpactRequest::effect);
        return out;
    }

private:
    [[nodiscard]] net::Tuple tuple_of(const RequestRecord& request) const {
        const auto& ports = rehearsal_.now.ruleset->surroundings().port_names;
        const auto port = std::ranges::find(ports, request.connection.ingress_port);
        return first_packet(request.connection, port == ports.end() ? PortId{} : PortId(port - ports.begin()));
    }

    // What the packets of this very generation were told is no guess.
    [[nodiscard]] bool was_told_by_both(const RequestRecord& request) const {
        return rehearsal_.now.ruleset == rehearsal_.then.ruleset && request.known() &&
               request.connection.generation == rehearsal_.now.ruleset->generation() &&
               rehearsal_.now.world == World::kEnforced && rehearsal_.then.world == World::kPending;
    }

    [[nodiscard]] std::optional<ImpactRequest> as_told(const RequestRecord& request, const net::Tuple& tuple) const {
        const std::vector<std::string>& owed = request.connection.decision->responsible;
        if (!request.would_change()) return std::nullopt;
        if (rehearsal_.owed_to && std::ranges::find(owed, rehearsal_.owed_to->text()) == owed.end())
            return std::nullopt;
        ImpactRequest out = doubt(request, tuple);
        out.effect = request.would_deny() ? Effect::kNewlyDenied : Effect::kNewlyAllowed;
        const auto text = [](const std::vector<Hit>& hits) {
            return hits.empty() ? std::string() : hits.back().text.substr(hits.back().text.find('|') + 1);
        };
        out.now_by = text(request.connection.decision->enforced_hits);
        out.then_by = text(request.connection.decision->pending_hits);
        return out;
    }

    // Its text is not known: decided where rules ask the same now and then, or nothing.
    [[nodiscard]] std::optional<ImpactRequest> without_text(const RequestRecord& request, const net::Tuple& tuple) {
        const std::vector<std::string> asked = rehearsal_.now.asks(tuple);
        if (asked != rehearsal_.then.asks(tuple)) return doubt(request, tuple);
        return asked.empty() ? under(request, tuple, {}) : std::nullopt;
    }

    [[nodiscard]] std::vector<ConnectionFacts> assumptions(const RequestRecord& request) const {
        ConnectionFacts facts = facts_of(request.kind, request.method, request.host, request.path);
        const auto known = names_.find(request.connection.destination.text());
        if (known != names_.end()) facts.names = known->second;
        std::vector<ConnectionFacts> out{facts};
        // The name that it gives may have been known when it was given.
        if (request.host.empty()) return out;
        facts.names.push_back(request.host.substr(0, request.host.find(':')));
        out.push_back(std::move(facts));
        return out;
    }

    [[nodiscard]] Answer answer(const Regime& regime, const net::Tuple& tuple, const ConnectionFacts& facts) {
        const ruleset::Ruleset& ruleset = *regime.ruleset;
        TraceId trace = ruleset.classify(tuple);
        if (ruleset.verdict(trace).inspection != ruleset::Inspection::kNone)
            trace = ruleset.resolve(trace, facts, workspace_);
        return {verdict_in(regime.world, ruleset.trace(trace)), trace};
    }

    // Whether the generation that judged it, where that is the one at hand, would have decided as it did.
    [[nodiscard]] bool agrees(const RequestRecord& request, const net::Tuple& tuple, const ConnectionFacts& facts) {
        const ruleset::Ruleset& now = *rehearsal_.now.ruleset;
        if (!request.known() || request.connection.generation != now.generation()) return true;
        const Answer enforced = answer({&now, World::kEnforced}, tuple, facts);
        return now.verdict(enforced.trace).enforced == request.connection.decision->enforced &&
               now.trace(enforced.trace).pending == request.connection.decision->pending;
    }

    [[nodiscard]] std::optional<ImpactRequest> under(const RequestRecord& request, const net::Tuple& tuple,
                                                     const ConnectionFacts& facts) {
        const Answer now = answer(rehearsal_.now, tuple, facts);
        const Answer then = answer(rehearsal_.then, tuple, facts);
        if (now.verdict == then.verdict) return std::nullopt;
        if (rehearsal_.owed_to) {
            const auto owed = rehearsal_.then.ruleset->responsible(then.trace);
            if (std::ranges::find(owed, *rehearsal_.owed_to) == owed.end()) return std::nullopt;
        }
        return ImpactRequest{request, now.verdict == Verdict::kAllow ? Effect::kNewlyDenied : Effect::kNewlyAllowed,
                             decider_in(rehearsal_.now, now.trace), decider_in(rehearsal_.then, then.trace)};
    }

    [[nodiscard]] ImpactRequest doubt(const RequestRecord& request, const net::Tuple& tuple) const {
        return {request, Effect::kUncertain, rehearsal_.now.decider(tuple), rehearsal_.then.decider(tuple)};
    }

    const Rehearsal& rehearsal_;
    const RequestEvidence& evidence_;
    inspect::ConditionWorkspace workspace_;
    std::map<std::string, std::vector<std::string>> names_;  // by address
    std::map<Ends, std::vector<const RequestRecord*>> by_ends_;
};

RequestRehearser::RequestRehearser(const Rehearsal& rehearsal, const RequestEvidence& evidence)
    : state_(std::make_unique<State>(rehearsal, evidence)) {}
RequestRehearser::~RequestRehearser() = default;

std::optional<ImpactRequest> RequestRehearser::look_at(const RequestRecord& request) {
    return state_->look_at(request);
}
std::optional<ImpactRequest> RequestRehearser::look_at(const FlowRecord& group) { return state_->look_at(group); }
RequestImpact RequestRehearser::impact() { return state_->impact(); }

}  // namespace drywall::observe
