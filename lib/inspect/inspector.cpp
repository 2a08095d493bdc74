#include "drywall/inspect/inspector.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>
#include <vector>

#include "drywall/inspect/http_path.h"
#include "drywall/inspect/http_request.h"
#include "drywall/inspect/tls_hello.h"
#include "http_head.h"
#include "kept_bytes.h"

namespace drywall::inspect {

namespace {

constexpr std::size_t kMaxPayload = 65535;       // of an IP packet
constexpr std::uint32_t kMaxWindow = 1U << 30U;  // RFC 7323 2.3: no receiver offers more
constexpr std::size_t kHeldPart = 4;  // of a connection's blocks, for what came before its turn; see needed_blocks()
constexpr std::size_t kMessageLength = 2;  // bytes, before each DNS message

enum class ContextState : std::uint8_t {
    kFree,
    kReading,
    kGreeted,   // the greeting was read; only its repetition is still watched
    kFinished,  // there was a problem
};

struct Context {
    HttpReader http{0};
    KeptBytes kept;
    PassedContents passed;
    KeptText text;                   // the last request: its method, and the path behind it
    std::uint32_t consumed = 0;      // what is before was read, in whole units
    std::uint32_t frontier = 0;      // what is before has come without a gap; from `consumed` on all of it is kept
    std::uint32_t acknowledged = 0;  // what is before the receiver has
    std::uint32_t next_free = 0;
    Protocol protocol = Protocol::kHttp;
    ContextState state = ContextState::kFree;
    std::uint8_t method_size = 0;
    bool has_request = false;
    bool upgrade = false;

    [[nodiscard]] std::size_t blocks() const noexcept { return kept.blocks() + text.blocks(); }
};

// What next() reads: all bytes without a gap that no whole unit was read of.
struct View {
    ContextId context = kNoContext;
    Bytes bytes;                       // in the packet, or in the working memory
    std::uint32_t start = 0;           // sequence number of bytes[0]
    std::size_t at = 0;                // what is before was read
    Problem problem = Problem::kNone;  // nothing to read, but this to say

    [[nodiscard]] Bytes rest() const noexcept { return bytes.subspan(at); }
    [[nodiscard]] std::uint32_t sequence() const noexcept { return start + static_cast<std::uint32_t>(at); }
};

std::string_view text_of(Bytes bytes) noexcept { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

Finding finding_of(Problem problem) noexcept {
    Finding finding;
    finding.problem = problem;
    return finding;
}

}  // namespace

struct Inspector::State {
    explicit State(const InspectorSettings& given)
        : settings(given),
          pool(given.buffers / kBlockSize),
          contexts(given.connections),
          quota(given.per_connection / kBlockSize),
          assembled(given.per_connection + kMaxPayload),
          path(given.max_head),
          text(given.max_head + kMaxMethod),
          greeting(given.max_head) {
        for (std::size_t i = contexts.size(); i > 0; --i) {
            contexts[i - 1].next_free = first_free;
            first_free = static_cast<std::uint32_t>(i - 1);
        }
    }

    Context& operator[](ContextId id) noexcept { return contexts[static_cast<std::size_t>(id)]; }

    void abandon_view() noexcept;
    Fate report(ContextId id, Problem problem) noexcept;
    Fate take_new(Context& context, ContextId id, std::uint32_t sequence, Bytes bytes) noexcept;
    Fate hold(Context& context, std::uint32_t sequence, Bytes bytes) noexcept;
    [[nodiscard]] bool has_room_to_hold(const Context& context, std::size_t size) const noexcept;
    Fate hold_copy(Context& context, std::uint32_t sequence, Bytes bytes) noexcept;
    [[nodiscard]] std::size_t needed_blocks(const Context& context, std::size_t fresh_size,
                                            std::size_t view_size) const noexcept;
    [[nodiscard]] std::uint32_t reach(const Context& context, std::uint32_t sequence) const noexcept;
    void acknowledge(Context& context, std::uint32_t acknowledged) noexcept;

    bool next(Context& context, Finding& finding) noexcept;
    bool next_request(Context& context, Finding& finding) noexcept;
    bool next_greeting(Context& context, Finding& finding) noexcept;
    bool next_message(Context& context, Finding& finding) noexcept;
    bool note_request(Context& context, const HttpHead& head, Finding& finding) noexcept;
    bool end_view(Context& context) noexcept;
    bool fail(Context& context, Problem problem, Finding& finding) noexcept;
    void done(Context& context, std::size_t size) noexcept;
    [[nodiscard]] bool keep(Context& context, std::size_t size) noexcept;

    InspectorSettings settings;
    BlockPool pool;
    std::vector<Context, HugePageAllocator<Context>> contexts;
    std::size_t quota;  // blocks of one connection
    std::size_t open = 0;
    std::uint32_t first_free = kNoBlock;
    View view;
    std::vector<std::uint8_t> assembled;  // a view that is not one packet's
    std::vector<char> path;
    std::vector<char> text;
    std::vector<std::uint8_t> greeting;
};

Inspector::Inspector(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Inspector::Inspector(Inspector&&) noexcept = default;
Inspector& Inspector::operator=(Inspector&&) noexcept = default;
Inspector::~Inspector() = default;

Result<Inspector> Inspector::create(const InspectorSettings& settings) {
    const auto refused = [](const std::string& why) { return Error::of(ErrorKind::kInvalid, why); };
    constexpr std::size_t kMaxContexts = 1 << 24;
    constexpr std::size_t kMaxBlocks = std::size_t{1} << 31;
    if (settings.connections == 0 || settings.connections > kMaxContexts)
        return refused("inspected connections must be 1 to " + std::to_string(kMaxContexts));
    if (settings.max_head < kBlockSize || settings.max_head > kMaxPayload)
        return refused("the longest head must be " + std::to_string(kBlockSize) + " to " + std::to_string(kMaxPayload) +
                       " bytes");
    if (settings.per_connection / 4 < settings.max_head)
        return refused("a connection must be allowed buffers of four times the longest head (" +
                       std::to_string(4 * settings.max_head) + " bytes)");
    if (settings.buffers < settings.per_connection || settings.buffers / kBlockSize > kMaxBlocks)
        return refused("all buffers together must be at least one connection's");
    return Inspector(std::make_unique<State>(settings));
}

ContextId Inspector::open(Protocol protocol, std::uint32_t first_sequence) noexcept {
    State& state = *state_;
    if (state.first_free == kNoBlock) return kNoContext;
    const ContextId id{state.first_free};
    Context& context = state[id];
    state.first_free = context.next_free;
    ++state.open;
    context = {};
    context.http = HttpReader(static_cast<std::uint32_t>(state.settings.max_head));
    context.consumed = context.frontier = context.acknowledged = first_sequence;
    context.protocol = protocol;
    context.state = ContextState::kReading;
    return id;
}

void Inspector::close(ContextId id) noexcept {
    State& state = *state_;
    Context& context = state[id];
    assert(context.state != ContextState::kFree);
    if (state.view.context == id) state.view = {};
    context.kept.forget_all(state.pool);
    context.text.forget(state.pool);
    context.state = ContextState::kFree;
    context.next_free = state.first_free;
    state.first_free = static_cast<std::uint32_t>(id);
    --state.open;
}

Fate Inspector::take(ContextId id, const Segment& segment) noexcept {
    State& state = *state_;
    state.abandon_view();
    Context& context = state[id];
    assert(context.state != ContextState::kFree);
    state.acknowledge(context, segment.acknowledged);
    if (context.state == ContextState::kFinished || segment.payload.empty()) return Fate::kPass;
    if (segment.payload.size() > kMaxPayload) return Fate::kLimit;
    if (segment.urgent && context.state == ContextState::kReading) return state.report(id, Problem::kMalformed);

    const std::uint32_t end = segment.sequence + static_cast<std::uint32_t>(segment.payload.size());
    const std::uint32_t acknowledged = context.acknowledged;
    // A FIN takes one number, and nothing new comes behind it.
    const bool unseen =
        after(acknowledged, context.frontier + 1) || (acknowledged == context.frontier + 1 && after(end, acknowledged));
    if (unseen && context.state == ContextState::kReading) return state.report(id, Problem::kUnseen);
    if (!after(end, acknowledged)) return Fate::kPass;
    const std::size_t old = after(acknowledged, segment.sequence) ? acknowledged - segment.sequence : 0;
    const Bytes bytes = segment.payload.subspan(old);
    const std::uint32_t sequence = segment.sequence + static_cast<std::uint32_t>(old);
    if (context.kept.contradicts(state.pool, sequence, bytes)) return Fate::kOverlap;
    if (context.state == ContextState::kGreeted || !after(end, context.frontier)) return Fate::kPass;
    return after(sequence, context.frontier) ? state.hold(context, sequence, bytes)
                                             : state.take_new(context, id, sequence, bytes);
}

// Leaves it to next() to say what is wrong.
Fate Inspector::State::report(ContextId id, Problem problem) noexcept {
    view.context = id;
    view.problem = problem;
    return Fate::kPass;
}

// Who did not ask for all findings of a segment, and went on: what was not read of it never came.
void Inspector::State::abandon_view() noexcept {
    if (view.context == kNoContext) return;
    Context& context = (*this)[view.context];
    if (after(context.consumed, context.frontier)) context.frontier = context.consumed;
    view = {};
}

Fate Inspector::State::hold(Context& context, std::uint32_t sequence, Bytes bytes) noexcept {
    const std::uint32_t end = sequence + static_cast<std::uint32_t>(bytes.size());
    if (after(end, context.frontier + kMaxWindow)) return Fate::kLimit;
    const auto contents =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(context.http.body_left(), end - context.consumed));
    const std::uint32_t contents_end = context.consumed + contents;
    if (!after(contents_end, sequence)) return hold_copy(context, sequence, bytes);
    // What of it is contents needs no copy, if it can be remembered without one.
    const Bytes rest = bytes.subspan(contents_end - sequence);
    if (!has_room_to_hold(context, rest.size())) return Fate::kLimit;
    if (!context.passed.add(sequence, contents_end)) return hold_copy(context, sequence, bytes);
    return hold_copy(context, contents_end, rest);
}

bool Inspector::State::has_room_to_hold(const Context& context, std::size_t size) const noexcept {
    if (size == 0) return true;
    const std::size_t most = 2 * KeptText::blocks_for(size) + 1;
    return context.kept.blocks() + most <= quota / kHeldPart &&
           pool.unused() >= most + pool.size() / kHeldPart;  // what is in order comes first
}

Fate Inspector::State::hold_copy(Context& context, std::uint32_t sequence, Bytes bytes) noexcept {
    if (!has_room_to_hold(context, bytes.size())) return Fate::kLimit;
    const bool kept = context.kept.add(pool, sequence, bytes, bytes);
    assert(kept);
    return kept ? Fate::kPass : Fate::kLimit;
}

// The most blocks that reading may take. A quarter of a connection's blocks is for what came before its turn, one for
// an unfinished head, one for the last path, and so one is always there for what comes in order.
std::size_t Inspector::State::needed_blocks(const Context& context, std::size_t fresh_size,
                                            std::size_t view_size) const noexcept {
    if (view_size == 0) return 0;
    // Each block that is there may split what is kept in two.
    const std::size_t kept = 2 * KeptText::blocks_for(fresh_size) + 1;
    if (context.protocol != Protocol::kHttp) return kept;
    const std::size_t of_text = KeptText::blocks_for(std::min(view_size, settings.max_head + kMaxMethod));
    return kept + of_text - std::min(of_text, context.text.blocks());  // it takes the place of the one before
}

// How far all has come without a gap, if it has come up to `sequence`.
std::uint32_t Inspector::State::reach(const Context& context, std::uint32_t sequence) const noexcept {
    for (;;) {
        const std::uint32_t farther = context.kept.reach(pool, context.passed.reach(sequence));
        if (farther == sequence) return sequence;
        sequence = farther;
    }
}

Fate Inspector::State::take_new(Context& context, ContextId id, std::uint32_t sequence, Bytes bytes) noexcept {
    const std::uint32_t end = sequence + static_cast<std::uint32_t>(bytes.size());
    const std::uint32_t whole = reach(context, end);
    // Contents are not read. In the midst of them nothing waits to be read: consumed is the frontier.
    const auto contents =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(context.http.body_left(), whole - context.consumed));
    const std::uint32_t start = context.consumed + contents;
    const std::uint32_t fresh_start = contents > 0 ? start : context.frontier;
    const Bytes fresh = after(end, fresh_start) ? bytes.subspan(fresh_start - sequence) : Bytes{};
    const std::size_t size = whole - start;
    if (size > assembled.size()) return Fate::kLimit;
    const std::size_t needed = needed_blocks(context, fresh.size(), size);
    if (context.blocks() + needed > quota || needed > pool.unused()) return Fate::kLimit;

    if (contents > 0) {
        context.http.skip_body(contents);
        context.consumed = context.frontier = start;
        context.passed.forget_before(start);
    }
    view.context = id;
    view.start = start;
    view.bytes = fresh;
    if (size == fresh.size()) return Fate::kPass;
    const std::span<std::uint8_t> out = std::span(assembled).first(size);
    context.kept.copy(pool, start, out);
    std::copy(fresh.begin(), fresh.end(), out.begin() + (fresh_start - start));
    view.bytes = out;
    return Fate::kPass;
}

void Inspector::State::acknowledge(Context& context, std::uint32_t acknowledged) noexcept {
    if (!after(acknowledged, context.acknowledged)) return;
    context.acknowledged = acknowledged;
    if (!context.kept.empty())
        context.kept.forget_before(pool, after(acknowledged, context.consumed) ? context.consumed : acknowledged);
}

void Inspector::acknowledge(ContextId id, std::uint32_t acknowledged) noexcept {
    state_->acknowledge((*state_)[id], acknowledged);
}

bool Inspector::next(Finding& finding) noexcept {
    State& state = *state_;
    if (state.view.context == kNoContext) return false;
    Context& context = state[state.view.context];
    if (state.view.problem != Problem::kNone) return state.fail(context, state.view.problem, finding);
    return state.next(context, finding);
}

bool Inspector::State::next(Context& context, Finding& finding) noexcept {
    switch (context.protocol) {
        case Protocol::kHttp: return next_request(context, finding);
        case Protocol::kTls: return next_greeting(context, finding);
        case Protocol::kDns: return next_message(context, finding);
    }
    return false;
}

bool Inspector::State::next_request(Context& context, Finding& finding) noexcept {
    for (;;) {
        HttpHead head;
        const HttpProgress read = context.http.read(text_of(view.rest()), head);
        if (read.step == HttpStep::kMore) return end_view(context);
        if (read.step == HttpStep::kProblem) return fail(context, read.problem, finding);
        const bool structure = read.step != HttpStep::kBody;
        if (structure && !keep(context, read.size)) return fail(context, Problem::kOverLimit, finding);
        done(context, read.size);
        if (read.step == HttpStep::kHead) return note_request(context, head, finding);
    }
}

bool Inspector::State::note_request(Context& context, const HttpHead& head, Finding& finding) noexcept {
    std::string_view normalised = head.path;
    if (head.path.starts_with('/')) {
        const NormalisedPath read = normalise_path(head.path, path);
        if (read.problem != PathProblem::kNone) return fail(context, Problem::kMalformed, finding);
        normalised = read.path;
    }
    if (!context.text.assign(pool, head.method, normalised)) return fail(context, Problem::kOverLimit, finding);
    context.method_size = static_cast<std::uint8_t>(head.method.size());
    context.has_request = true;
    context.upgrade = head.upgrade;
    finding = {};
    finding.kind = Finding::Kind::kRequest;
    finding.request = {head.method, normalised, head.host, head.upgrade};
    return true;
}

bool Inspector::State::next_greeting(Context& context, Finding& finding) noexcept {
    if (context.state == ContextState::kGreeted) return end_view(context);
    const HelloProgress read = read_client_hello(view.rest(), greeting);
    if (read.step == HelloStep::kMore) return end_view(context);
    if (read.step == HelloStep::kProblem) return fail(context, read.problem, finding);
    if (!keep(context, view.bytes.size())) return fail(context, Problem::kOverLimit, finding);
    done(context, view.bytes.size());
    context.state = ContextState::kGreeted;
    finding = {};
    finding.kind = Finding::Kind::kGreeting;
    finding.greeting = read.greeting;
    return true;
}

bool Inspector::State::next_message(Context& context, Finding& finding) noexcept {
    const Bytes rest = view.rest();
    if (rest.size() < kMessageLength) return end_view(context);
    const std::size_t length = std::size_t{rest[0]} << 8U | rest[1];
    if (length == 0) return fail(context, Problem::kMalformed, finding);
    // One that is longer could not be kept until it is whole.
    if (length + kMessageLength > settings.per_connection / 2) return fail(context, Problem::kOverLimit, finding);
    if (rest.size() < kMessageLength + length) return end_view(context);
    done(context, kMessageLength + length);
    finding = {};
    finding.kind = Finding::Kind::kMessage;
    finding.message = rest.subspan(kMessageLength, length);
    return true;
}

// Keeps the next `size` bytes of the view.
bool Inspector::State::keep(Context& context, std::size_t size) noexcept {
    const bool kept =
        context.kept.add(pool, view.sequence(), view.rest().first(size), view.bytes.first(view.at + size));
    assert(kept);  // needed_blocks() was generous
    return kept;
}

void Inspector::State::done(Context& context, std::size_t size) noexcept {
    view.at += size;
    context.consumed = view.sequence();
}

bool Inspector::State::end_view(Context& context) noexcept {
    const bool unread = context.state == ContextState::kReading && !view.rest().empty();
    const bool kept = !unread || keep(context, view.rest().size());
    context.frontier = view.start + static_cast<std::uint32_t>(kept ? view.bytes.size() : view.at);
    context.kept.forget_before(pool,
                               after(context.acknowledged, context.consumed) ? context.consumed : context.acknowledged);
    view = {};
    return false;
}

bool Inspector::State::fail(Context& context, Problem problem, Finding& finding) noexcept {
    context.state = ContextState::kFinished;
    context.kept.forget_all(pool);
    view = {};
    finding = finding_of(problem);
    return true;
}

bool Inspector::finished(ContextId id) const noexcept {
    const Context& context = (*state_)[id];
    return context.state == ContextState::kFinished ||
           (context.state == ContextState::kGreeted && context.kept.empty());
}

bool Inspector::last_request(ContextId id, Request& request) noexcept {
    State& state = *state_;
    const Context& context = state[id];
    if (!context.has_request) return false;
    const std::string_view text = context.text.copy(state.pool, state.text);
    request = {text.substr(0, context.method_size), text.substr(context.method_size), {}, context.upgrade};
    return true;
}

InspectorUsage Inspector::usage() const noexcept {
    return {state_->open, state_->pool.used(), state_->contexts.size(), state_->pool.size()};
}

}  // namespace drywall::inspect
