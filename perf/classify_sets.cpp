// Lists of 5-tuple rules through the classifier, beside rte_acl and a plain linear search. Contenders take turns pass
// by pass, in one process on one core, in thread CPU time; every lookup is checked against the headers' first match.
//
//   classify_sets --rules FILE --headers FILE --trace uniform|zipf [--contenders drywall,rte_acl,linear]
//                 [--made RULES] [--structure chosen|pairs|forest] [--passes N] [--ipv6] [--json]
//
// --made takes no files, but makes a set of so many rules from a seed. The format of both files is ClassBench's
// (perf/support/classbench.h); .xz is unpacked. rte_acl stands for the fastest of its algorithms and builds; what DPDK
// takes by default is shown beside it as rte_acl_default.

#include <sched.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/base/cache_line.h"
#include "drywall/classify/classifier.h"
#include "support/classbench.h"
#include "support/measure.h"
#include "support/rte_acl_contender.h"

namespace drywall::perf {
namespace {

constexpr std::size_t kLookups = std::size_t{1} << 18;
constexpr std::size_t kAclBatch = 256;
constexpr std::size_t kLinearTests = 200'000'000;  // rules that a pass of the linear search may look at
// More tries than this many rules need make rte_acl's larger build pay; beyond, it takes minutes and gigabytes.
constexpr std::size_t kMostRulesForLargeBuild = 20'000;
constexpr std::size_t kLargeBuild = std::size_t{2} << 30;

struct Options {
    std::string rules;
    std::string headers;
    std::string trace = "uniform";
    std::vector<std::string> contenders{"drywall", "rte_acl", "linear"};
    std::size_t passes = 9;
    std::size_t made = 0;
    classify::Structure structure = classify::Structure::kChosen;
    net::Family family = net::Family::kIPv4;
    bool json = false;
};

[[noreturn]] void fail(const std::string& message) {
    std::fprintf(stderr, "classify_sets: %s\n", message.c_str());
    std::exit(1);
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> words;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        words.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return words;
}

classify::Structure structure_named(const std::string& name) {
    if (name == "pairs") return classify::Structure::kPairs;
    if (name == "forest") return classify::Structure::kForest;
    if (name != "chosen") fail("--structure is chosen, pairs or forest");
    return classify::Structure::kChosen;
}

Options parse(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string_view word = argv[at];
        const auto next = [&] {
            if (at + 1 >= argc) fail(std::string(word) + " needs a value");
            return std::string(argv[++at]);
        };
        if (word == "--rules")
            options.rules = next();
        else if (word == "--headers")
            options.headers = next();
        else if (word == "--trace")
            options.trace = next();
        else if (word == "--contenders")
            options.contenders = split(next());
        else if (word == "--made")
            options.made = static_cast<std::size_t>(std::max(0, std::atoi(next().c_str())));
        else if (word == "--structure")
            options.structure = structure_named(next());
        else if (word == "--passes")
            options.passes = static_cast<std::size_t>(std::max(1, std::atoi(next().c_str())));
        else if (word == "--ipv6")
            options.family = net::Family::kIPv6;
        else if (word == "--json")
            options.json = true;
        else
            fail("'" + std::string(word) + "' is not an option; the head of perf/classify_sets.cpp lists them");
    }
    if (options.made == 0 && (options.rules.empty() || options.headers.empty()))
        fail("give --rules FILE and --headers FILE");
    if (options.trace != "uniform" && options.trace != "zipf") fail("--trace is uniform or zipf");
    for (const std::string& name : options.contenders) {
        if (name != "drywall" && name != "rte_acl" && name != "linear") fail("contender '" + name + "' is not known");
        if (name == "rte_acl" && options.family == net::Family::kIPv6) fail("rte_acl runs with IPv4 sets here");
    }
    return options;
}

// 2^18 headers: every one equally likely, or Zipf with s = 1 where rank is position.
std::vector<FiveTupleHeader> stream_of(const std::vector<FiveTupleHeader>& headers, const std::string& trace) {
    std::mt19937_64 random(7);
    std::vector<double> upto;
    double sum = 0;
    for (std::size_t rank = 1; rank <= headers.size(); ++rank) {
        sum += trace == "zipf" ? 1.0 / static_cast<double>(rank) : 1.0;
        upto.push_back(sum);
    }
    std::vector<FiveTupleHeader> stream;
    std::uniform_real_distribution<double> draw(0, sum);
    for (std::size_t at = 0; at < kLookups; ++at) {
        const auto found = std::ranges::upper_bound(upto, draw(random));
        stream.push_back(
            headers[std::min<std::size_t>(static_cast<std::size_t>(found - upto.begin()), headers.size() - 1)]);
    }
    return stream;
}

// One contender, ready to run. Answers are rule indices, or kNoRule.
class Contender {
public:
    explicit Contender(std::string its_name) : name(std::move(its_name)) {}
    virtual ~Contender() = default;
    Contender(const Contender&) = delete;
    Contender& operator=(const Contender&) = delete;

    virtual void run() = 0;                                                    // one pass
    [[nodiscard]] virtual std::uint32_t answer(std::size_t packet) const = 0;  // of the last pass
    [[nodiscard]] virtual std::size_t lookups() const { return kLookups; }     // of a pass

    std::string name;
    std::string note;
    double build_seconds = 0;
    std::size_t table_bytes = 0;
    std::size_t peak_bytes = 0;
    std::vector<double> nanoseconds;  // per lookup, by pass
    std::size_t mismatches = 0;
};

class Drywall : public Contender {
public:
    Drywall(const std::vector<FiveTupleRule>& rules, const std::vector<FiveTupleHeader>& stream, net::Family family,
            classify::Structure structure)
        : Contender("drywall"), traces_(stream.size()) {
        const classify::Program program = program_of(rules, family);
        const PeakMemory peak;
        const std::int64_t start = thread_nanoseconds();
        auto compiled = classify::Classifier::compile(program, {.structure = structure});
        if (!compiled) fail(compiled.error().text());
        build_seconds = static_cast<double>(thread_nanoseconds() - start) * 1e-9;
        peak_bytes = peak.bytes();
        classifier_ = std::make_unique<classify::Classifier>(*std::move(compiled));
        table_bytes = classifier_->footprint().table_bytes;
        for (const classify::Trace& trace : classifier_->traces()) {
            const auto rule =
                trace.enforced_hits.empty() ? kNoRule : static_cast<std::uint32_t>(trace.enforced_hits[0]);
            rule_of_trace_.push_back(rule < rules.size() ? rule : kNoRule);
        }
        for (const FiveTupleHeader& header : stream) tuples_.push_back(tuple_of(header, family));
    }

    void run() override {
        for_batches(std::span<const net::Tuple>(tuples_), kMaxBurst, [this](std::size_t at, std::size_t size) {
            classifier_->lookup(std::span(tuples_).subspan(at, size), std::span(traces_).subspan(at, size));
        });
    }
    [[nodiscard]] std::uint32_t answer(std::size_t packet) const override {
        return rule_of_trace_[index(traces_[packet])];
    }

private:
    std::unique_ptr<classify::Classifier> classifier_;
    std::vector<std::uint32_t> rule_of_trace_;
    std::vector<net::Tuple> tuples_;
    std::vector<TraceId> traces_;
};

// The keys that all rte_acl contenders read.
struct AclKeys {
    explicit AclKeys(const std::vector<FiveTupleHeader>& stream) {
        for (const FiveTupleHeader& header : stream) keys.push_back(rte_acl_key(header));
        for (const RteAclKey& key : keys) pointers.push_back(reinterpret_cast<const std::uint8_t*>(&key));
    }
    std::vector<RteAclKey> keys;
    std::vector<const std::uint8_t*> pointers;
};

class AclContender : public Contender {
public:
    AclContender(std::string its_name, std::shared_ptr<RteAcl> acl, std::string algorithm,
                 std::shared_ptr<const AclKeys> keys)
        : Contender(std::move(its_name)),
          acl_(std::move(acl)),
          algorithm_(std::move(algorithm)),
          keys_(std::move(keys)),
          results_(kLookups) {
        build_seconds = acl_->build_seconds;
        table_bytes = acl_->table_bytes;
        peak_bytes = acl_->peak_bytes;
        note = algorithm_;
    }

    void run() override {
        if (!acl_->use(algorithm_)) fail("rte_acl lost its algorithm " + algorithm_);
        for_batches(std::span<const RteAclKey>(keys_->keys), kAclBatch, [this](std::size_t at, std::size_t size) {
            acl_->classify(keys_->pointers.data() + at, std::span(results_).subspan(at, size));
        });
    }
    [[nodiscard]] std::uint32_t answer(std::size_t packet) const override {
        return results_[packet] == 0 ? kNoRule : results_[packet] - 1;
    }

private:
    std::shared_ptr<RteAcl> acl_;
    std::string algorithm_;
    std::shared_ptr<const AclKeys> keys_;
    std::vector<std::uint32_t> results_;
};

// As many packets of the stream as a pass can afford.
class Linear : public Contender {
public:
    Linear(const std::vector<FiveTupleRule>& rules, const std::vector<FiveTupleHeader>& stream)
        : Contender("linear"),
          rules_(rules),
          stream_(stream),
          answers_(std::clamp<std::size_t>(kLinearTests / rules.size(), 1, stream.size()), kNoRule) {
        table_bytes = rules.size() * sizeof(FiveTupleRule);
    }

    void run() override {
        for (std::size_t at = 0; at < answers_.size(); ++at) answers_[at] = first_match(stream_[at]);
    }
    [[nodiscard]] std::uint32_t answer(std::size_t packet) const override { return answers_[packet]; }
    [[nodiscard]] std::size_t lookups() const override { return answers_.size(); }

private:
    [[nodiscard]] std::uint32_t first_match(const FiveTupleHeader& header) const {
        for (std::uint32_t at = 0; at < rules_.size(); ++at) {
            if (matches(rules_[at], header)) return at;
        }
        return kNoRule;
    }

    const std::vector<FiveTupleRule>& rules_;
    const std::vector<FiveTupleHeader>& stream_;
    std::vector<std::uint32_t> answers_;
};

double timed_pass(Contender& contender) {
    const std::int64_t start = thread_nanoseconds();
    contender.run();
    return static_cast<double>(thread_nanoseconds() - start) / static_cast<double>(contender.lookups());
}

using Contenders = std::vector<std::unique_ptr<Contender>>;

// The fastest of all builds and algorithms, and the default: found by a few passes in turn.
void add_rte_acl(Contenders& contenders, const FiveTupleSet& set, const std::vector<FiveTupleHeader>& stream) {
    if (!start_eal()) fail("DPDK's environment does not start; free 6 GiB of memory, or leave rte_acl out");
    const auto keys = std::make_shared<const AclKeys>(stream);
    Contenders candidates;
    const auto consider = [&](std::size_t max_size, const std::string& build) {
        auto built = RteAcl::build(set.rules, max_size);
        if (!built) return;
        const auto acl = std::make_shared<RteAcl>(*std::move(built));
        for (const std::string& algorithm : acl->algorithms()) {
            candidates.push_back(std::make_unique<AclContender>("rte_acl", acl, algorithm, keys));
            candidates.back()->note += build;
        }
        if (max_size == 0) {
            contenders.push_back(
                std::make_unique<AclContender>("rte_acl_default", acl, acl->default_algorithm(), keys));
        }
    };
    consider(0, "");
    if (set.rules.size() <= kMostRulesForLargeBuild) consider(kLargeBuild, ", max_size 2 GiB");
    if (candidates.empty()) {
        std::fprintf(stderr, "classify_sets: rte_acl does not build these rules\n");
        return;
    }
    for (int pass = 0; pass < 4; ++pass) {
        for (const auto& candidate : candidates) candidate->nanoseconds.push_back(timed_pass(*candidate));
    }
    const auto best = std::ranges::min_element(
        candidates, {}, [](const auto& candidate) { return quantile(candidate->nanoseconds, 0.5); });
    (*best)->nanoseconds.clear();
    contenders.insert(contenders.end() - 1, std::move(*best));
}

void check(Contender& contender, const std::vector<FiveTupleHeader>& stream) {
    contender.run();
    for (std::size_t at = 0; at < contender.lookups(); ++at) {
        contender.mismatches += contender.answer(at) != stream[at].first_match ? 1 : 0;
    }
}

double iqr(const Contender& contender) {
    return quantile(contender.nanoseconds, 0.75) - quantile(contender.nanoseconds, 0.25);
}

void print_json(const Options& options, const FiveTupleSet& set, const Contenders& contenders) {
    nlohmann::json report{
        {"rules", set.rules.size()}, {"trace", options.trace}, {"contenders", nlohmann::json::array()}};
    for (const auto& contender : contenders) {
        report["contenders"].push_back({{"name", contender->name},
                                        {"build_s", contender->build_seconds},
                                        {"table_bytes", contender->table_bytes},
                                        {"peak_bytes", contender->peak_bytes},
                                        {"ns_per_lookup", quantile(contender->nanoseconds, 0.5)},
                                        {"iqr_ns", iqr(*contender)},
                                        {"mismatches", contender->mismatches}});
    }
    std::printf("%s\n", report.dump(2).c_str());
}

void print_table(const Options& options, const FiveTupleSet& set, const Contenders& contenders) {
    std::printf("%zu rules, %zu headers, %s trace of %zu lookups, %zu passes\n", set.rules.size(), set.headers.size(),
                options.trace.c_str(), kLookups, options.passes);
    std::printf("%-16s %10s %10s %10s %10s %8s %11s %8s  %s\n", "", "build s", "tables MB", "peak MB", "ns/lookup",
                "IQR ns", "mismatches", "ratio", "");
    const double first = quantile(contenders.front()->nanoseconds, 0.5);
    for (const auto& contender : contenders) {
        const double ns = quantile(contender->nanoseconds, 0.5);
        std::printf("%-16s %10.3f %10.2f %10.2f %10.1f %8.1f %11zu %8.2f  %s\n", contender->name.c_str(),
                    contender->build_seconds, static_cast<double>(contender->table_bytes) * 1e-6,
                    static_cast<double>(contender->peak_bytes) * 1e-6, ns, iqr(*contender), contender->mismatches,
                    ns / first, contender->note.c_str());
    }
}

void pin_to_this_core() {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(std::max(0, sched_getcpu()), &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

int run(const Options& options) {
    auto set = options.made == 0 ? read_classbench(options.rules, options.headers)
                                 : Result<FiveTupleSet>(make_set(options.made, 20'000, 7));
    if (!set) fail(set.error().text());
    if (const Status status = rename_protocols(*set); !status) fail(status.error().text());
    pin_to_this_core();
    const std::vector<FiveTupleHeader> stream = stream_of(set->headers, options.trace);
    Contenders contenders;
    for (const std::string& name : options.contenders) {
        if (name == "drywall")
            contenders.push_back(std::make_unique<Drywall>(set->rules, stream, options.family, options.structure));
        if (name == "rte_acl") add_rte_acl(contenders, *set, stream);
        if (name == "linear") contenders.push_back(std::make_unique<Linear>(set->rules, stream));
    }
    if (contenders.empty()) return 1;
    for (const auto& contender : contenders) check(*contender, stream);
    for (std::size_t pass = 0; pass < options.passes; ++pass) {
        for (const auto& contender : contenders) contender->nanoseconds.push_back(timed_pass(*contender));
    }
    options.json ? print_json(options, *set, contenders) : print_table(options, *set, contenders);
    const bool clean = std::ranges::all_of(contenders, [](const auto& one) { return one->mismatches == 0; });
    return clean ? 0 : 1;
}

}  // namespace
}  // namespace drywall::perf

int main(int argc, char** argv) { return drywall::perf::run(drywall::perf::parse(argc, argv)); }
