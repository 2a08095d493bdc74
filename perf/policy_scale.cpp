// Policies in Calico's shape through the classifier, beside a walk over the endpoint's policies (as iptables- and
// eBPF-style dataplanes do) and beside rte_acl on the expansion into 5-tuples, where that builds. Contenders take turns
// pass by pass, in one process on one core, in thread CPU time; every answer is compared with the walk's.
//
//   policy_scale [--endpoints N] [--labelsets N] [--groups N] [--policies N] [--staged N] [--ipv6] [--passes N]
//   [--edits N]
//   [--json]
//
// An edit is timed from the changed program to a classifier that answers.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/cache_line.h"
#include "drywall/classify/classifier.h"
#include "support/measure.h"
#include "support/policy_shape.h"
#include "support/rte_acl_contender.h"

namespace drywall::perf {
namespace {

constexpr std::size_t kLookups = std::size_t{1} << 17;
constexpr std::size_t kAclBatch = 256;
// rte_acl takes about 8 kB and 20 us for each of these while it builds.
constexpr std::size_t kMostExpanded = 1'200'000;
constexpr std::size_t kMostEdits = 50;
constexpr std::int64_t kEditNanoseconds = 3'000'000'000;  // for all edits of one kind

struct Options {
    PolicySize size;
    std::size_t passes = 9;
    std::size_t edits = kMostEdits;  // of each kind at most; 0: none is timed
    bool json = false;
};

[[noreturn]] void fail(const std::string& message) {
    std::fprintf(stderr, "policy_scale: %s\n", message.c_str());
    std::exit(1);
}

Options parse(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string_view word = argv[at];
        const auto number = [&] {
            if (at + 1 >= argc) fail(std::string(word) + " needs a number");
            return static_cast<std::size_t>(std::max(0LL, std::atoll(argv[++at])));
        };
        if (word == "--endpoints")
            options.size.endpoints = number();
        else if (word == "--labelsets")
            options.size.labelsets = number();
        else if (word == "--groups")
            options.size.groups = number();
        else if (word == "--policies")
            options.size.policies = number();
        else if (word == "--staged")
            options.size.staged = number();
        else if (word == "--passes")
            options.passes = std::max<std::size_t>(1, number());
        else if (word == "--edits")
            options.edits = number();
        else if (word == "--ipv6")
            options.size.family = net::Family::kIPv6;
        else if (word == "--json")
            options.json = true;
        else
            fail("'" + std::string(word) + "' is not an option; the head of perf/policy_scale.cpp lists them");
    }
    const PolicySize& size = options.size;
    if (size.endpoints == 0 || size.labelsets == 0 || size.groups == 0 || size.policies == 0) {
        fail("endpoints, labelsets, groups and policies are at least one each");
    }
    if (size.labelsets > size.endpoints) fail("there are no more labelsets than endpoints");
    return options;
}

struct Quantiles {
    double p50 = 0;
    double p99 = 0;
};

struct Report {
    double compile_seconds = 0;
    classify::Footprint footprint;
    double nanoseconds = 0;
    double walk_nanoseconds = 0;
    std::optional<double> acl_nanoseconds;
    std::string acl_note;
    std::size_t mismatches = 0;
    Quantiles endpoint;
    Quantiles rule;
    Quantiles policy;
};

classify::Classifier compile(const classify::Program& program, classify::CompileCache* cache = nullptr) {
    auto classifier = classify::Classifier::compile(program, {}, cache);
    if (!classifier) fail(classifier.error().text());
    return *std::move(classifier);
}

// The passes of all contenders, in turn. The first pass of each is not counted.
class Race {
public:
    void add(std::function<void()> run) { runners_.push_back(std::move(run)); }

    std::vector<double> medians(std::size_t passes) {
        std::vector<std::vector<double>> times(runners_.size());
        for (const auto& run : runners_) run();
        for (std::size_t pass = 0; pass < passes; ++pass) {
            for (std::size_t at = 0; at < runners_.size(); ++at) {
                const std::int64_t start = thread_nanoseconds();
                runners_[at]();
                times[at].push_back(static_cast<double>(thread_nanoseconds() - start) / kLookups);
            }
        }
        std::vector<double> medians;
        for (auto& of_one : times) medians.push_back(quantile(of_one, 0.5));
        return medians;
    }

private:
    std::vector<std::function<void()>> runners_;
};

Quantiles time_of_edits(PolicyShape& shape, std::size_t most, const std::function<void(std::size_t)>& edit) {
    std::vector<double> microseconds;
    std::int64_t spent = 0;
    classify::CompileCache cache;  // as the control side keeps one
    classify::Classifier in_force = compile(shape.program(), &cache);
    for (std::size_t at = 0; at < most && (spent < kEditNanoseconds || at < 3); ++at) {
        edit(at * 7919);
        const classify::Program program = shape.program();
        const std::int64_t start = thread_nanoseconds();
        classify::Classifier next = compile(program, &cache);
        const std::int64_t took = thread_nanoseconds() - start;
        in_force = std::move(next);
        spent += took;
        microseconds.push_back(static_cast<double>(took) * 1e-3);
    }
    if (microseconds.empty()) return {};
    return {quantile(microseconds, 0.5), quantile(microseconds, 0.99)};
}

struct AclRun {
    std::optional<RteAcl> acl;
    std::vector<RteAclKey> keys;
    std::vector<const std::uint8_t*> pointers;
    std::vector<std::uint32_t> results;
    std::string note;

    void run() {
        for_batches(std::span<const RteAclKey>(keys), kAclBatch, [this](std::size_t at, std::size_t size) {
            acl->classify(pointers.data() + at, std::span(results).subspan(at, size));
        });
    }
};

// rte_acl with the fastest of its algorithms; without `acl` where it does not build.
AclRun prepare_acl(const Options& options, const PolicyShape& shape, const std::vector<FiveTupleHeader>& packets) {
    AclRun run;
    if (options.size.family == net::Family::kIPv6) return run;
    const auto rules = shape.expanded(kMostExpanded);
    if (!rules || !start_eal()) return run;
    run.acl = RteAcl::build(*rules, 0);
    if (!run.acl) return run;
    for (const FiveTupleHeader& packet : packets) run.keys.push_back(rte_acl_key(packet));
    for (const RteAclKey& key : run.keys) run.pointers.push_back(reinterpret_cast<const std::uint8_t*>(&key));
    run.results.resize(kLookups);
    double best = 0;
    std::string fastest;
    for (const std::string& algorithm : run.acl->algorithms()) {
        (void)run.acl->use(algorithm);
        run.run();
        const std::int64_t start = thread_nanoseconds();
        run.run();
        const auto took = static_cast<double>(thread_nanoseconds() - start);
        if (fastest.empty() || took < best) {
            best = took;
            fastest = algorithm;
        }
    }
    (void)run.acl->use(fastest);
    run.note = fastest + ", " + std::to_string(rules->size()) + " rules, built in " +
               std::to_string(run.acl->build_seconds) + " s";
    return run;
}

Report measure(const Options& options) {
    Report report;
    PolicyShape shape(options.size);
    const classify::Program program = shape.program();
    const std::int64_t start = thread_nanoseconds();
    const classify::Classifier classifier = compile(program);
    report.compile_seconds = static_cast<double>(thread_nanoseconds() - start) * 1e-9;
    report.footprint = classifier.footprint();

    const std::vector<FiveTupleHeader> packets = shape.packets(kLookups);
    std::vector<net::Tuple> tuples;
    for (const FiveTupleHeader& packet : packets) tuples.push_back(tuple_of(packet, options.size.family));
    std::vector<TraceId> traces(kLookups);
    std::vector<HitId> walked(kLookups);
    AclRun acl = prepare_acl(options, shape, packets);
    Race race;
    race.add([&] {
        for_batches(std::span<const net::Tuple>(tuples), kMaxBurst, [&](std::size_t at, std::size_t size) {
            classifier.lookup(std::span(tuples).subspan(at, size), std::span(traces).subspan(at, size));
        });
    });
    race.add([&] {
        for_batches(std::span<const FiveTupleHeader>(packets), kMaxBurst, [&](std::size_t at, std::size_t size) {
            for (std::size_t end = at + size; at < end; ++at) walked[at] = shape.walk(packets[at]);
        });
    });
    if (acl.acl) race.add([&] { acl.run(); });
    const std::vector<double> medians = race.medians(options.passes);
    report.nanoseconds = medians[0];
    report.walk_nanoseconds = medians[1];
    if (acl.acl) report.acl_nanoseconds = medians[2];
    report.acl_note = acl.note;
    for (std::size_t at = 0; at < kLookups; ++at) {
        const classify::Trace& trace = classifier.traces()[index(traces[at])];
        // The last hit decides: what is in front of it is the source's egress, which allows.
        report.mismatches += trace.enforced_hits.back() != walked[at] ? 1 : 0;
        if (acl.acl) report.mismatches += shape.expanded_hits()[acl.results[at] - 1] != walked[at] ? 1 : 0;
    }
    report.endpoint = time_of_edits(shape, options.edits, [&](std::size_t at) { shape.move_endpoint(at); });
    report.rule = time_of_edits(shape, options.edits, [&](std::size_t at) { shape.change_rule(at); });
    report.policy = time_of_edits(shape, options.edits, [&](std::size_t at) { shape.change_policy(at); });
    return report;
}

nlohmann::json json_of(const Quantiles& quantiles) { return {{"p50", quantiles.p50}, {"p99", quantiles.p99}}; }

void print_json(const Report& report) {
    nlohmann::json json{
        {"compile_s", report.compile_seconds},
        {"table_bytes", report.footprint.table_bytes},
        {"traces", report.footprint.traces},
        {"ns_per_lookup", report.nanoseconds},
        {"walk_ns", report.walk_nanoseconds},
        {"rte_acl_ns", nullptr},
        {"mismatches", report.mismatches},
        {"edit_us",
         {{"endpoint", json_of(report.endpoint)}, {"rule", json_of(report.rule)}, {"policy", json_of(report.policy)}}}};
    if (report.acl_nanoseconds) json["rte_acl_ns"] = *report.acl_nanoseconds;
    std::printf("%s\n", json.dump(2).c_str());
}

void print_table(const Report& report) {
    std::printf(
        "compile %.3f s, tables %.2f MB (pairs %.2f, blocks %.2f, addresses %.2f), %zu source and %zu "
        "destination classes, %zu service classes, %zu blocks, %zu traces\n",
        report.compile_seconds, static_cast<double>(report.footprint.table_bytes) * 1e-6,
        static_cast<double>(report.footprint.pair_bytes) * 1e-6,
        static_cast<double>(report.footprint.block_bytes) * 1e-6,
        static_cast<double>(report.footprint.trie_bytes) * 1e-6, report.footprint.source_classes,
        report.footprint.destination_classes, report.footprint.service_classes, report.footprint.blocks,
        report.footprint.traces);
    std::printf("drywall %.1f ns, walk %.1f ns (%.1f x)", report.nanoseconds, report.walk_nanoseconds,
                report.walk_nanoseconds / report.nanoseconds);
    if (report.acl_nanoseconds) {
        std::printf(", rte_acl %.1f ns (%.1f x; %s)", *report.acl_nanoseconds,
                    *report.acl_nanoseconds / report.nanoseconds, report.acl_note.c_str());
    }
    std::printf("; %zu mismatches\n", report.mismatches);
    for (const auto& [name, edit] :
         {std::pair("endpoint", report.endpoint), std::pair("rule", report.rule), std::pair("policy", report.policy)}) {
        if (edit.p50 > 0) std::printf("edit of one %-8s p50 %.0f us, p99 %.0f us\n", name, edit.p50, edit.p99);
    }
}

int run(const Options& options) {
    const Report report = measure(options);
    options.json ? print_json(report) : print_table(report);
    return report.mismatches == 0 ? 0 : 1;
}

}  // namespace
}  // namespace drywall::perf

int main(int argc, char** argv) { return drywall::perf::run(drywall::perf::parse(argc, argv)); }
