#include "service_functions.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace drywall::classify {
namespace {

constexpr std::size_t kClasses = 37;
using Values = std::vector<std::uint64_t>;

Values random_values(std::mt19937_64& random, std::size_t distinct) {
    Values values(kClasses);
    for (std::uint64_t& value : values) value = random() % distinct;
    return values;
}

Values values_of(const ServiceFunctions& functions, FunctionId id) {
    Values values;
    for (const std::uint16_t part : functions.parts(functions.shape(id))) {
        values.push_back(functions.cells(id)[part]);
    }
    return values;
}

TEST(ServiceFunctions, KeepTheirValues) {
    std::mt19937_64 random(1);
    ServiceFunctions functions(kClasses);
    for (std::size_t distinct = 1; distinct < kClasses; ++distinct) {
        const Values values = random_values(random, distinct);
        EXPECT_EQ(values_of(functions, functions.make(values)), values);
    }
}

TEST(ServiceFunctions, EqualFunctionsAreOneHoweverTheyWereMade) {
    std::mt19937_64 random(2);
    ServiceFunctions functions(kClasses);
    for (int round = 0; round < 200; ++round) {
        const Values a = random_values(random, 1 + random() % 5);
        const Values b = random_values(random, 1 + random() % 5);
        Values sum(kClasses);
        for (std::size_t at = 0; at < kClasses; ++at) sum[at] = (a[at] + b[at]) % 3;  // merges what differed
        const FunctionId combined = functions.combine(functions.make(a), functions.make(b),
                                                      [](std::uint64_t x, std::uint64_t y) { return (x + y) % 3; });
        ASSERT_EQ(combined, functions.make(sum));
        ASSERT_EQ(values_of(functions, combined), sum);
    }
}

TEST(ServiceFunctions, MappingToOneValueGivesTheConstant) {
    std::mt19937_64 random(3);
    ServiceFunctions functions(kClasses);
    const FunctionId scattered = functions.make(random_values(random, 9));
    EXPECT_EQ(functions.map(scattered, [](std::uint64_t) { return std::uint64_t{4}; }), functions.constant(4));
}

}  // namespace
}  // namespace drywall::classify
