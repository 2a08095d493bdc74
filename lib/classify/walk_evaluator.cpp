#include "walk_evaluator.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace drywall::classify {
namespace {

bool empty(const std::vector<std::uint64_t>& services) {
    return std::ranges::all_of(services, [](std::uint64_t word) { return word == 0; });
}

std::uint32_t number(HitId hit) { return static_cast<std::uint32_t>(hit); }

}  // namespace

WalkEvaluator::WalkEvaluator(const NormalProgram& normal, const ServiceClasses& services, ServiceFunctions& functions,
                             Paths& paths)
    : normal_(normal), services_(services), functions_(functions), paths_(paths), answers_(services.count) {
    learn_leaves();
}

void WalkEvaluator::learn_leaves() {
    while (always_.size() < normal_.leaves.size()) {
        const Leaf& leaf = normal_.leaves[always_.size()];
        bool always = true;
        for (std::size_t at = 0; leaf.kind == Leaf::Kind::kRule && at < services_.count && always; ++at) {
            always = services_.holds.test(leaf.service, at);
        }
        always_.push_back(always);
    }
}

FunctionId WalkEvaluator::evaluate(std::span<const std::uint32_t> leaves) {
    const std::uint32_t list = lists_.intern(leaves);
    if (list == answer_of_.size()) answer_of_.push_back(compute(leaves));
    return answer_of_[list];
}

FunctionId WalkEvaluator::compute(std::span<const std::uint32_t> leaves) {
    Way all{0, Services(services_.holds.words(), ~std::uint64_t{0}), {}};
    if (services_.count % 64 != 0) all.services.back() = (std::uint64_t{1} << (services_.count % 64)) - 1;
    ways_.push_back(std::move(all));
    while (!ways_.empty()) {
        Way way = std::move(ways_.back());
        ways_.pop_back();
        follow(leaves, std::move(way));
    }
    return functions_.make(answers_);
}

void WalkEvaluator::follow(std::span<const std::uint32_t> leaves, Way way) {
    while (!empty(way.services)) {
        const Leaf& leaf = normal_.leaves[leaves[way.at]];
        if (leaf.kind == Leaf::Kind::kRule) {
            apply_rule(leaves, leaf, way);
            continue;
        }
        if (leaf.action == Action::kPass && leaf.kind == Leaf::Kind::kOtherwise) return answer(way, Action::kPass);
        if (leaf.hit != kNoHit) way.hits.push_back(number(leaf.hit));
        if (leaf.action != Action::kPass) return answer(way, leaf.action);
        ++way.at;
    }
}

void WalkEvaluator::apply_rule(std::span<const std::uint32_t> leaves, const Leaf& leaf, Way& way) {
    const bool noted = leaf.action == Action::kLog && !way.hits.empty() && way.hits.back() == number(leaf.hit);
    const std::size_t at = way.at++;
    if (noted) return;  // one rule of a policy, lowered to many, notes a packet once
    switch (leaf.action) {
        case Action::kAllow:
        case Action::kDeny: answer_some(way, leaf); break;
        case Action::kPass:
        case Action::kLog: {
            Way onward = split(way, leaf, leaf.action == Action::kLog ? at + 1 : next_tier(leaves, at));
            if (!empty(onward.services)) ways_.push_back(std::move(onward));
            break;
        }
    }
}

WalkEvaluator::Way WalkEvaluator::split(Way& way, const Leaf& leaf, std::size_t next) const {
    Way taken{next, way.services, way.hits};
    const auto holds = services_.holds.row(leaf.service);
    for (std::size_t word = 0; word < holds.size(); ++word) {
        taken.services[word] &= holds[word];
        way.services[word] &= ~holds[word];
    }
    if (leaf.hit != kNoHit) taken.hits.push_back(number(leaf.hit));
    return taken;
}

void WalkEvaluator::answer_some(Way& way, const Leaf& leaf) {
    const auto holds = services_.holds.row(leaf.service);
    std::uint64_t path = 0;
    bool named = false;
    for (std::size_t word = 0; word < holds.size(); ++word) {
        const std::uint64_t ended = way.services[word] & holds[word];
        if (ended == 0) continue;
        if (!std::exchange(named, true)) {
            way.hits.push_back(number(leaf.hit));
            path = path_of(way, leaf.action);
            way.hits.pop_back();
        }
        write(word, ended, path);
        way.services[word] &= ~ended;
    }
}

void WalkEvaluator::answer(const Way& way, Action action) {
    const std::uint64_t path = path_of(way, action);
    for (std::size_t word = 0; word < way.services.size(); ++word) write(word, way.services[word], path);
}

std::uint64_t WalkEvaluator::path_of(const Way& way, Action action) {
    if (action == Action::kPass) return both_worlds(kNone, kNone);
    const PathId path = paths_.add(action == Action::kAllow ? Verdict::kAllow : Verdict::kDeny, way.hits);
    return both_worlds(path, path);
}

void WalkEvaluator::write(std::size_t word, std::uint64_t services, std::uint64_t path) {
    for (; services != 0; services &= services - 1) {
        answers_[word * 64 + static_cast<std::size_t>(std::countr_zero(services))] = path;
    }
}

std::size_t WalkEvaluator::next_tier(std::span<const std::uint32_t> leaves, std::size_t at) const {
    while (normal_.leaves[leaves[at]].kind == Leaf::Kind::kRule) ++at;
    return at + 1;
}

}  // namespace drywall::classify
