// Statements with their parameters in one line.
//
// Threads: the Database's.
#pragma once

#include <cstdint>
#include <string_view>

#include "drywall/base/ids.h"
#include "drywall/store/database.h"

namespace drywall::store {

[[nodiscard]] inline std::int64_t stored(Generation generation) noexcept {
    return static_cast<std::int64_t>(generation);
}

template <typename... Values>
[[nodiscard]] Result<Statement> query(Database& database, std::string_view sql, const Values&... values) {
    Result<Statement> statement = database.prepare(sql);
    int parameter = 0;
    if (statement) ((void)statement->bind(++parameter, values), ...);
    return statement;
}

template <typename... Values>
[[nodiscard]] Status run(Database& database, std::string_view sql, const Values&... values) {
    Result<Statement> statement = query(database, sql, values...);
    if (!statement) return statement.error();
    return statement->run();
}

// Hands every row to `take`; stops at the first error.
template <typename Take>
[[nodiscard]] Status each_row(Result<Statement> statement, Take take) {
    if (!statement) return statement.error();
    while (true) {
        const Result<bool> row = statement->step();
        if (!row) return row.error();
        if (!*row) return Done{};
        take(*statement);
    }
}

}  // namespace drywall::store
