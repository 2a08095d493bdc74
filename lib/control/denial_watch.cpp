#include "drywall/control/denial_watch.h"

#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "drywall/explain/semantic_diff.h"
#include "drywall/observe/request_impact.h"

namespace drywall::control {

namespace {

constexpr std::size_t kExamples = 5;
constexpr std::size_t kMostTuples = 65536;  // told apart; more are counted as they come

std::string_view bytes_of(const net::AddressBytes& address) noexcept {
    return {reinterpret_cast<const char*>(address.data()), address.size()};
}

}  // namespace

std::size_t DenialWatch::TupleHash::operator()(const net::Tuple& tuple) const noexcept {
    const std::hash<std::string_view> hash;
    const std::size_t ports = std::size_t{tuple.source_port} << 32U | std::size_t{tuple.destination_port} << 16U |
                              std::size_t{tuple.protocol} << 8U | tuple.ingress_port;
    return hash(bytes_of(tuple.source)) * 31 + hash(bytes_of(tuple.destination)) * 17 + ports * 0x9e3779b97f4a7c15ULL;
}

void DenialWatch::on_event(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset) {
    const bool denied = event.kind == telemetry::FlowEventKind::kDenied || event.kind == telemetry::FlowEventKind::kCut;
    if (denied && watching_.load(std::memory_order_acquire)) look_at(event);
    next_.on_event(event, ruleset);
}

void DenialWatch::on_lost(std::uint64_t records) {
    if (watching_.load(std::memory_order_acquire)) {
        const std::scoped_lock lock(mutex_);
        seen_.records_lost += records;
    }
    next_.on_lost(records);
}

void DenialWatch::look_at(const telemetry::FlowEvent& event) {
    const std::scoped_lock lock(mutex_);
    if (previous_ == nullptr || event.generation < since_) return;
    const TraceId before = previous_->classify(event.tuple);
    // Where what it asked for decided before, what was asked tells more, and comes by itself.
    if (previous_->verdict(before).inspection != ruleset::Inspection::kNone) return;
    if (previous_->trace(before).enforced != Verdict::kAllow) return;
    note(event.tuple, explain::packet_text(event.tuple));
}

void DenialWatch::note(const net::Tuple& tuple, std::string text) {
    if (denied_.size() < kMostTuples && !denied_.insert(tuple).second) return;
    ++seen_.connections;
    if (seen_.examples.size() < kExamples) seen_.examples.push_back(std::move(text));
}

void DenialWatch::on_request(const telemetry::Request& request, const ruleset::Ruleset* ruleset) {
    if (request.drop != DropReason::kNone && watching_.load(std::memory_order_acquire)) look_at(request);
    next_.on_request(request, ruleset);
}

void DenialWatch::look_at(const telemetry::Request& request) {
    const std::scoped_lock lock(mutex_);
    if (previous_ == nullptr || workspace_ == nullptr || request.generation < since_) return;
    const TraceId before = previous_->classify(request.tuple);
    if (previous_->verdict(before).inspection == ruleset::Inspection::kNone) return;
    const reference::ConnectionFacts facts =
        observe::facts_of(request.kind, request.method.text(), request.host.text(), request.path.text());
    if (previous_->trace(previous_->resolve(before, facts, *workspace_)).enforced != Verdict::kAllow) return;
    std::string text = explain::packet_text(request.tuple);
    if (facts.http) text += " " + facts.http->method + " " + std::string(request.path.text());
    note(request.tuple, std::move(text));
}

void DenialWatch::begin(Generation since, std::shared_ptr<const ruleset::Ruleset> previous) {
    const std::scoped_lock lock(mutex_);
    since_ = since;
    previous_ = std::move(previous);
    workspace_.reset();
    if (previous_ != nullptr && previous_->inspects()) {
        workspace_ = std::make_unique<inspect::ConditionWorkspace>();
        if (!workspace_->grow_for(previous_->conditions())) throw std::bad_alloc();
    }
    denied_.clear();
    seen_ = {};
    watching_.store(true, std::memory_order_release);
}

void DenialWatch::end() {
    const std::scoped_lock lock(mutex_);
    watching_.store(false, std::memory_order_release);
    previous_.reset();
    denied_.clear();
}

DenialWatch::Seen DenialWatch::seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
}

}  // namespace drywall::control
