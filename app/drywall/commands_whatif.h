// Commands about what would happen: recordings put to a candidate, and candidates made from recordings.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

#include "invocation.h"

namespace drywall::cli {

struct ReplayArguments {
    std::vector<std::string> files;  // the candidate
    std::string config;
    std::vector<std::string> captures;
    std::vector<std::string> ports;  // PORT, or INTERFACE=PORT
    std::string flows;               // a file of records, or since when drywalld's are asked for
    std::string write_to;
    std::string fail_on = "newly-denied";
    bool all = false;
    bool until_damage = false;
};
Exit replay(const Invocation& invocation, const ReplayArguments& arguments);

struct RecommendArguments {
    std::string scope;
    std::string since;
    std::vector<std::string> files;  // offline, with `flows`
    std::string config;
    std::string flows;
    bool denied = false;
};
Exit recommend(const Invocation& invocation, const RecommendArguments& arguments);

}  // namespace drywall::cli
