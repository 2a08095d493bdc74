// Commands: what each verb asks, and prints. Command lines become these structs in main.cpp. Most ask drywalld; the
// last ones (and those that are given files) need none.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

#include "commands_guard.h"
#include "drywall/observe/flow_filter.h"
#include "invocation.h"
#include "render.h"

namespace drywall::cli {

// What every change can be told.
struct ChangeArguments {
    std::string if_generation = {};
    std::string comment = {};
    std::string existing = {};  // recheck, keep, reset; empty: as the appliance is configured
    GuardArguments guard = {};
};

struct ApplyArguments {
    std::vector<std::string> files;
    ChangeArguments change = {};
};
Exit apply(const Invocation& invocation, const ApplyArguments& arguments);
// Policies are turned into their staged kinds.
Exit stage(const Invocation& invocation, const ApplyArguments& arguments);

struct ObjectArguments {
    std::string kind;
    std::string name;
    std::string ns;
    std::vector<std::string> files;  // `delete -f`
    ChangeArguments change = {};
};
Exit get(const Invocation& invocation, const ObjectArguments& arguments);
Exit remove(const Invocation& invocation, const ObjectArguments& arguments);

struct PromoteArguments {
    std::string name;  // NAME, KIND/NAME or KIND/NAMESPACE/NAME
    std::string kind;
    std::string ns;
    ChangeArguments change = {};
};
Exit promote(const Invocation& invocation, const PromoteArguments& arguments);
// The inverse: `name` is of an enforced policy.
Exit demote(const Invocation& invocation, const PromoteArguments& arguments);

struct RollbackArguments {
    std::string generation;
    ChangeArguments change = {};
};
Exit rollback(const Invocation& invocation, const RollbackArguments& arguments);

struct RestoreArguments {
    std::string file;
    ChangeArguments change = {};
};
Exit restore(const Invocation& invocation, const RestoreArguments& arguments);

// commands_store.cpp

struct HistoryArguments {
    std::size_t limit = 20;
    bool audit = false;  // every request instead, also those that were refused
};
Exit history(const Invocation& invocation, const HistoryArguments& arguments);

struct DiffArguments {
    std::vector<std::string> generations;  // none, A, or A and B
    std::vector<std::string> files;
};
Exit diff(const Invocation& invocation, const DiffArguments& arguments);

struct BackupArguments {
    std::string file;
};
Exit backup(const Invocation& invocation, const BackupArguments& arguments);

Exit status(const Invocation& invocation);
Exit stats(const Invocation& invocation, const StatsParts& parts);

struct FlowsArguments {
    std::vector<observe::FlowTerm> terms;  // in the order in which they were written
    std::string mistake;                   // in how they were written: `--not` with nothing behind it
    std::string since;
    std::string until;
    std::string input_file;  // read instead of asking drywalld
    bool follow = false;
    std::size_t limit = 1000;
};
Exit flows(const Invocation& invocation, const FlowsArguments& arguments);

struct MatrixArguments {
    std::string view = "enforced";
    std::string port;      // "8080", or a whole service: "tcp/8080"
    std::string protocol;  // of `port`; TCP unless given
    std::string group_by;
    std::vector<std::string> files;  // offline; asks drywalld when empty
    std::string config;
};
Exit matrix(const Invocation& invocation, const MatrixArguments& arguments);

struct TraceArguments {
    std::string protocol;
    std::string source;
    std::string destination;
    std::string ingress_port;
    std::string icmp_type;
    std::string icmp_code;
    std::string http;
    std::string sni;
    std::string domain;
    bool pending = false;            // the exit code answers for the pending world
    std::vector<std::string> files;  // offline; asks drywalld when empty
    std::string config;
};
Exit trace(const Invocation& invocation, const TraceArguments& arguments);

Exit version(const Invocation& invocation);

struct ValidateArguments {
    std::vector<std::string> files;
    std::string config;
};
Exit validate(const Invocation& invocation, const ValidateArguments& arguments);

struct EvalArguments {
    std::vector<std::string> files;
    std::string config;
    std::string queries = "-";
    std::string engine = "compiled";  // or "reference"
};
Exit eval(const Invocation& invocation, const EvalArguments& arguments);

struct SelectorArguments {
    std::string queries = "-";
};
Exit selector(const Invocation& invocation, const SelectorArguments& arguments);

}  // namespace drywall::cli
