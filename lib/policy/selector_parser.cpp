// One pass over the selector's characters; open parentheses stand on a stack of ours, so that their number is bounded
// by nothing but the text. The tokeniser's corner cases are Calico's: blanks are space and tab
// only (a newline is an error), a keyword and its parenthesis touch, keywords may be label names, strings have no
// escapes.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "selector_node.h"

namespace drywall::policy::selector_detail {
namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

bool is_label_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '/' || c == '-';
}

bool is_quote(char c) noexcept { return c == '\'' || c == '"'; }

struct Operand {
    NodePtr node;
    int depth = 0;  // groups and negations below it
};

// Every parse_*() returns nothing after the first complaint, which is kept in `complaint_`.
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<NodePtr> run() {
        skip_blanks();
        if (at_end()) return std::make_unique<SelectorNode>();  // blank text is all()
        NodePtr root = parse_expression();
        if (root && !at_end()) {
            fail(peek() == ')' ? "')' without a '(' before it" : "expected '&&', '||' or the end, found " + found());
        }
        if (!complaint_.empty()) return Error::invalid({}, complaint_);
        return root;
    }

private:
    [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
    [[nodiscard]] char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }
    [[nodiscard]] std::string_view rest() const noexcept { return text_.substr(at_); }

    void skip_blanks() noexcept {
        while (!at_end() && is_blank(text_[at_])) ++at_;
    }

    bool eat(std::string_view token) noexcept {
        if (!rest().starts_with(token)) return false;
        at_ += token.size();
        return true;
    }

    // The next characters as a person would name them.
    [[nodiscard]] std::string found() const {
        if (at_end()) return "the end";
        const char c = peek();
        if (c == '\n' || c == '\r') return "a line break (a selector is one line; in YAML, '>-' folds lines)";
        if (const std::string_view word = word_ahead(); !word.empty())
            return "'" + std::string(word.substr(0, 40)) + "'";
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e)
            return "a character that is not allowed here";
        return std::string("'") + c + "'";
    }

    NodePtr fail(std::string message) { return fail_at(at_, std::move(message)); }

    NodePtr fail_at(std::size_t at, std::string message) {
        if (complaint_.empty())
            complaint_ = "column " + std::to_string(at + 1) + " of the selector: " + std::move(message);
        return nullptr;
    }

    [[nodiscard]] std::string_view word_ahead() const noexcept {
        std::size_t end = at_;
        while (end < text_.size() && is_label_char(text_[end])) ++end;
        return text_.substr(at_, end - at_);
    }

    // What is inside one pair of parentheses, or the whole: operands of the && that is being read, and of the ||
    // around.
    struct Open {
        std::size_t at = 0;    // where the parenthesis stands
        bool negated = false;  // and whether '!' stands before it
        std::vector<Operand> ands;
        std::vector<Operand> ors;
    };

    // A single operand stands for itself.
    static Operand group(Operator op, std::vector<Operand> operands) {
        if (operands.size() == 1) return std::move(operands.front());
        Operand out{std::make_unique<SelectorNode>(), 0};
        out.node->op = op;
        for (Operand& operand : operands) {
            out.depth = std::max(out.depth, operand.depth + 1);
            out.node->children.push_back(std::move(operand.node));
        }
        return out;
    }

    static Operand negated(Operand operand) {
        if (operand.node->op == Operator::kNot) {  // !(!x)
            return {std::move(operand.node->children.front()), operand.depth - 1};
        }
        Operand inverse{std::make_unique<SelectorNode>(), operand.depth + 1};
        inverse.node->op = Operator::kNot;
        inverse.node->children.push_back(std::move(operand.node));
        return inverse;
    }

    NodePtr parse_expression() {
        std::vector<Open> open(1);
        while (true) {
            bool inverse = eat_negations();
            if (peek() == '(') {
                open.push_back({at_, inverse, {}, {}});
                ++at_;
                continue;
            }
            Operand operand{parse_leaf(), 0};
            if (!operand.node) return nullptr;
            // Every ')' that follows makes an operand of what it closes.
            while (true) {
                Open& innermost = open.back();
                innermost.ands.push_back(inverse ? negated(std::move(operand)) : std::move(operand));
                skip_blanks();
                if (eat("&&")) break;
                innermost.ors.push_back(group(Operator::kAnd, std::move(innermost.ands)));
                innermost.ands.clear();
                if (eat("||")) break;
                operand = group(Operator::kOr, std::move(innermost.ors));
                if (operand.depth > kMaxNesting) {
                    return fail_at(innermost.at,
                                   "more than " + std::to_string(kMaxNesting) + " groups are nested in each other");
                }
                if (open.size() == 1) return std::move(operand.node);
                if (!eat(")")) return complain_about_open(innermost);
                inverse = innermost.negated;
                open.pop_back();
            }
        }
    }

    NodePtr complain_about_open(const Open& innermost) {
        if (at_end()) return fail_at(innermost.at, "'(' is never closed");
        return fail("expected '&&', '||' or ')', found " + found());
    }

    // Pairs of '!' collapse.
    bool eat_negations() noexcept {
        bool odd = false;
        for (skip_blanks(); eat("!"); skip_blanks()) odd = !odd;
        return odd;
    }

    NodePtr parse_leaf() {
        if (rest().starts_with("all(")) return parse_always("all(");
        if (rest().starts_with("has(")) return parse_has();
        if (rest().starts_with("global(")) return parse_always("global(");
        return parse_label_test();
    }

    // global() holds always too; that it may only be the whole namespaceSelector of a rule is for its field to say.
    NodePtr parse_always(std::string_view word) {
        eat(word);
        skip_blanks();
        if (!eat(")")) return fail("expected ')' after '" + std::string(word) + "', found " + found());
        return std::make_unique<SelectorNode>();
    }

    NodePtr parse_has() {
        eat("has(");
        skip_blanks();
        auto node = std::make_unique<SelectorNode>();
        node->op = Operator::kHas;
        if (is_quote(peek())) return fail("a label's name is written without quotes");
        if (!parse_label(node->label)) return nullptr;
        skip_blanks();
        if (!eat(")")) return fail("expected ')' after 'has(" + node->label.substr(0, 40) + "', found " + found());
        return node;
    }

    bool parse_label(std::string& label) {
        const std::string_view word = word_ahead();
        if (word.empty()) {
            fail("expected a label's name, found " + found());
            return false;
        }
        if (word.size() > kMaxLabelLength) {
            fail("a label's name is longer than " + std::to_string(kMaxLabelLength) + " characters");
            return false;
        }
        label = word;
        at_ += word.size();
        return true;
    }

    NodePtr parse_label_test() {
        if (is_quote(peek())) return fail("a label's name is written without quotes");
        if (at_end()) return fail("expected a test such as \"app == 'web'\", found the end");
        auto node = std::make_unique<SelectorNode>();
        const std::size_t label_at = at_;
        if (!parse_label(node->label)) return nullptr;
        if (peek() == '(')
            return fail_at(label_at, "'" + node->label + "(' is not a function; there are all() and has(label)");
        skip_blanks();
        const std::optional<Operator> op = parse_operator(node->label);
        if (!op) return nullptr;
        node->op = *op;
        skip_blanks();
        const bool set = node->op == Operator::kIn || node->op == Operator::kNotIn;
        if (!(set ? parse_set(node->values) : parse_string(node->values))) return nullptr;
        return node;
    }

    std::optional<Operator> parse_operator(const std::string& label) {
        if (eat("==")) return Operator::kEquals;
        if (eat("!=")) return Operator::kNotEquals;
        if (peek() == '=') {
            fail("'=' alone is not an operator; write '=='");
            return std::nullopt;
        }
        const std::size_t word_at = at_;
        std::string word(word_ahead());
        at_ += word.size();
        if (word == "not" || word == "starts" || word == "ends") {
            skip_blanks();
            const std::string_view second = word_ahead();
            at_ += second.size();
            word += second;
        }
        struct Word {
            std::string_view text;
            Operator op;
        };
        static constexpr std::array kWords{
            Word{"in", Operator::kIn},
            Word{"notin", Operator::kNotIn},
            Word{"contains", Operator::kContains},
            Word{"startswith", Operator::kStartsWith},
            Word{"endswith", Operator::kEndsWith},
        };
        for (const Word& known : kWords)
            if (known.text == word) return known.op;
        at_ = word_at;
        fail("expected an operator after label '" + label.substr(0, 40) +
             "' (==, !=, in, not in, contains, starts with, ends with), found " + found());
        return std::nullopt;
    }

    bool parse_string(std::vector<std::string>& values) {
        const char quote = peek();
        if (!is_quote(quote)) {
            fail("expected a value in quotes, found " + found());
            return false;
        }
        const std::size_t close = text_.find(quote, at_ + 1);
        if (close == std::string_view::npos) {
            fail("the quote is never closed (there are no escapes; a value with ' in it is written in \")");
            return false;
        }
        values.emplace_back(text_.substr(at_ + 1, close - at_ - 1));
        at_ = close + 1;
        return true;
    }

    bool parse_set(std::vector<std::string>& values) {
        const std::size_t opened = at_;
        if (!eat("{")) {
            fail("expected a set such as {'a', 'b'}, found " + found());
            return false;
        }
        for (skip_blanks(); !eat("}"); skip_blanks()) {
            if (at_end()) {
                fail_at(opened, "'{' is never closed");
                return false;
            }
            if (!parse_string(values)) return false;
            skip_blanks();
            if (eat(",")) continue;  // a comma before '}' is allowed
            if (!at_end() && peek() != '}') {
                fail("expected ',' or '}', found " + found());
                return false;
            }
        }
        std::sort(values.begin(), values.end());
        values.erase(std::unique(values.begin(), values.end()), values.end());
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string complaint_;
};

}  // namespace

Result<NodePtr> parse_text(std::string_view text) { return Parser(text).run(); }

}  // namespace drywall::policy::selector_detail
