// The small site of tests/support, checked and compiled.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "drywall/explain/site.h"
#include "site_texts.h"

namespace drywall::explain::test {

using drywall::test::files;
using drywall::test::kEndpoints;
using drywall::test::kStagedClosed;
using drywall::test::kWebToDb;
using drywall::test::with;

inline Site site_of(std::vector<std::string> texts,
                    const loader::Settings& settings = loader::settings_for_questions()) {
    auto site = build_site(files(std::move(texts)), settings);
    if (!site) {
        ADD_FAILURE() << site.error().text();
        std::abort();
    }
    return *std::move(site);
}

}  // namespace drywall::explain::test
