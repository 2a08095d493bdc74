// Fields: the fields of one mapping, taken by name. What nobody asked for is a complaint, with the nearest name that
// somebody did ask for.
//
// Threads: one pass over one source. The node outlives the Fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scalars.h"

namespace drywall::loader {

class Fields {
public:
    // `path` says where the mapping is ("spec.ingress[0]"), empty for the top of a document, which complaints then call
    // `top_name`. A node that is no mapping is a complaint and has no fields.
    Fields(const Node& node, std::string path, Complaints& complaints, std::string_view top_name = "a resource");

    // The field's value, or nullptr when it is absent. A field without a value is a complaint (who forgot the value
    // learns of it), or a warning where null counts as absent, as Kubernetes has it.
    [[nodiscard]] const Node* take(std::string_view name);

    // As take(); an absent field is a complaint too.
    [[nodiscard]] const Node* require(std::string_view name);

    // Accepted, whatever it holds: it has no say in verdicts.
    void ignore(std::string_view name) { know(name); }

    // A field that Calico knows and Drywall does not have yet: refused, unless its value says nothing.
    void unsupported(std::string_view name, std::string_view hint = {});

    // Complains about every field that nobody took. Call it last.
    void finish();

    [[nodiscard]] std::optional<std::string> text(std::string_view name);
    [[nodiscard]] std::optional<bool> boolean(std::string_view name);
    [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view name, std::uint64_t least, std::uint64_t most);
    [[nodiscard]] std::optional<double> number(std::string_view name);
    template <typename T>
    [[nodiscard]] std::optional<T> choice(std::string_view name, std::span<const Choice<T>> choices) {
        const Node* node = take(name);
        return node ? read_choice<T>(*node, path_to(name), choices, complaints_) : std::nullopt;
    }

    // The items of a list field; none when it is absent or wrong. At most `limit` of them.
    [[nodiscard]] std::span<const Node> list(std::string_view name, std::size_t limit);

    [[nodiscard]] std::string path_to(std::string_view name) const;
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const Node& node() const noexcept { return node_; }
    [[nodiscard]] Complaints& complaints() noexcept { return complaints_; }

private:
    void know(std::string_view name);

    const Node& node_;
    std::string path_;
    Complaints& complaints_;
    std::vector<std::string_view> known_;  // literals
};

}  // namespace drywall::loader
