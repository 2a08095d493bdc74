#include "yaml_document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <exception>
#include <numeric>
#include <sstream>

#include "drywall/loader/resources.h"

namespace drywall::loader {
namespace {

// Thrown through yaml-cpp to end a parse whose complaint is already written down.
struct Stop : std::exception {};

// Where the first byte that is not UTF-8 (or a control character that YAML does not allow) stands.
struct BadByte {
    int line = 0;
    int column = 0;
    bool control = false;
};

// The length of the well-formed UTF-8 sequence at the start of `text`, or 0 (RFC 3629: no overlong forms, no
// surrogates).
std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const bool range = (first != 0xe0 || byte(1) >= 0xa0) && (first != 0xed || byte(1) <= 0x9f);
        return range && tail(1) && tail(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const bool range = (first != 0xf0 || byte(1) >= 0x90) && (first != 0xf4 || byte(1) <= 0x8f);
        return range && tail(1) && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

bool find_bad_byte(std::string_view text, BadByte& bad) noexcept {
    int line = 1;
    std::size_t line_start = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_length(text.substr(at));
        const auto c = static_cast<unsigned char>(text[at]);
        const bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
        if (length == 0 || control) {
            bad = {line, static_cast<int>(at - line_start) + 1, control};
            return true;
        }
        at += length;
        if (c != '\n') continue;
        ++line;
        line_start = at;
    }
    return false;
}

class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(std::string_view text, Complaints& complaints, std::size_t max_nodes)
        : complaints_(complaints), max_nodes_(max_nodes) {
        line_starts_.push_back(0);
        for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
            line_starts_.push_back(at + 1);
        }
        text_ = text;
    }

    std::vector<Node> take_documents() { return std::move(documents_); }

    // yaml-cpp starts a new document wherever the old one ended, be it in the middle of a line.
    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++document_count_ == 1 || line_at(mark.line).starts_with("---")) return;
        stop(mark, "text follows the end of the document",
             "check the brackets and the indentation, or start a new document with '---'");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        Node node = node_at(mark, Node::Kind::kNull);
        place(std::move(node));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        stop(mark, "aliases are not accepted", "write the value out where it is used");
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        Node node = node_at(mark, Node::Kind::kScalar);
        node.quoted = tag == "!";  // yaml-cpp: "?" for a plain scalar, "!" for any other
        node.scalar = value;
        place(std::move(node));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::kSequence);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::kMapping);
    }
    void OnMapEnd() override {
        refuse_duplicates(stack_.back().node);
        close();
    }

private:
    struct Open {
        Node node;
        bool has_key = false;  // a mapping whose last entry still waits for its value
    };

    [[noreturn]] void stop(const YAML::Mark& mark, std::string message, std::string hint = {}) {
        complaints_.add(mark.line + 1, mark.column + 1, std::move(message), std::move(hint));
        throw Stop{};
    }

    void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0) stop(mark, "anchors are not accepted", "write the value out where it is used");
    }

    void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        if (tag.empty() || tag == "?" || tag == "!") return;
        stop(mark, "tags are not accepted: " + shown(tag), "put text in quotes instead");
    }

    void refuse_duplicates(const Node& mapping) {
        std::vector<const Entry*> sorted;
        for (const Entry& entry : mapping.entries) sorted.push_back(&entry);
        std::stable_sort(sorted.begin(), sorted.end(), [](const Entry* a, const Entry* b) { return a->key < b->key; });
        for (std::size_t i = 1; i < sorted.size(); ++i) {
            if (sorted[i]->key != sorted[i - 1]->key) continue;
            complaints_.add(sorted[i]->line, sorted[i]->column, "key " + shown(sorted[i]->key) + " is written twice",
                            "the first is on line " + std::to_string(sorted[i - 1]->line));
        }
    }

    Node node_at(const YAML::Mark& mark, Node::Kind kind) {
        if (++node_count_ > max_nodes_)
            stop(mark, "more than " + std::to_string(max_nodes_) + " values", "split the file");
        Node node;
        node.kind = kind;
        node.line = mark.line + 1;
        node.column = mark.column + 1;
        return node;
    }

    // Puts a finished node where it belongs: a document, an item, a key, or the value of the last key.
    void place(Node node) {
        if (stack_.empty()) {
            if (!node.is_null()) documents_.push_back(std::move(node));
            return;
        }
        Open& parent = stack_.back();
        if (parent.node.is_sequence()) {
            parent.node.items.push_back(std::move(node));
        } else if (parent.has_key) {
            parent.node.entries.back().value = std::move(node);
            parent.has_key = false;
        } else {
            place_key(std::move(node));
        }
    }

    void place_key(Node node) {
        const YAML::Mark mark = mark_of(node);
        if (!node.is_scalar()) stop(mark, "a key must be text");
        if (node.scalar == "<<" && !node.quoted) {
            stop(mark, "merge keys are not accepted", "write the fields out where they are used");
        }
        stack_.back().node.entries.push_back({std::move(node.scalar), node.line, node.column, {}});
        stack_.back().has_key = true;
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        if (!stack_.empty() && stack_.back().node.is_mapping() && !stack_.back().has_key) {
            stop(mark, "a key must be text");
        }
        if (stack_.size() >= kMaxDepth) stop(mark, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
        stack_.push_back({node_at(mark, kind), false});
    }

    void close() {
        Node node = std::move(stack_.back().node);
        stack_.pop_back();
        place(std::move(node));
    }

    static YAML::Mark mark_of(const Node& node) {
        YAML::Mark mark;
        mark.line = node.line - 1;
        mark.column = node.column - 1;
        return mark;
    }

    [[nodiscard]] std::string_view line_at(int line) const {
        const auto at = static_cast<std::size_t>(std::max(line, 0));
        return at < line_starts_.size() ? text_.substr(line_starts_[at]) : std::string_view();
    }

    Complaints& complaints_;
    const std::size_t max_nodes_;
    std::string_view text_;
    std::vector<std::size_t> line_starts_;
    std::vector<Open> stack_;
    std::vector<Node> documents_;
    std::size_t node_count_ = 0;
    std::size_t document_count_ = 0;
};

unsigned hex_at(std::string_view text, std::size_t at) noexcept {
    unsigned value = 0x10000;
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return value;
    const auto [end, error] = std::from_chars(text.data() + at + 2, text.data() + at + 6, value, 16);
    return error == std::errc{} && end == text.data() + at + 6 ? value : 0x10000;
}

// JSON writes a character beyond the 65,536th as two escapes (RFC 8259, section 7), YAML as one of another form. Only
// in JSON: elsewhere the same letters may be what a person wrote.
std::string with_whole_characters(std::string_view text) {
    std::string out(text);
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos || (text[start] != '{' && text[start] != '[')) return out;
    out.clear();
    constexpr std::size_t kEscape = 6;
    for (std::size_t at = 0; at < text.size();) {
        const unsigned high = hex_at(text, at);
        const unsigned low = hex_at(text, at + kEscape);
        if (high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            std::array<char, 11> whole{};
            std::snprintf(whole.data(), whole.size(), "\\U%08X", 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            out += whole.data();
            at += 2 * kEscape;
        } else {
            const std::size_t length = text[at] == '\\' && at + 1 < text.size() ? 2 : 1;  // "\\\\ud83d" is text
            out += text.substr(at, length);
            at += length;
        }
    }
    return out;
}

bool acceptable(std::string_view text, Complaints& complaints) {
    if (text.size() > kMaxSourceBytes) {
        complaints.add(1, 1, "larger than " + std::to_string(kMaxSourceBytes >> 20) + " MiB", "split the file");
        return false;
    }
    if (BadByte bad; find_bad_byte(text, bad)) {
        complaints.add(bad.line, bad.column, bad.control ? "a control character" : "not UTF-8 text",
                       "save the file as UTF-8 text");
        return false;
    }
    return true;
}

}  // namespace

const Node* Node::find(std::string_view key) const noexcept {
    const auto entry = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
    return entry == entries.end() ? nullptr : &entry->value;
}

std::vector<Node> parse_yaml(std::string_view text, Complaints& complaints, std::size_t max_nodes) {
    if (!acceptable(text, complaints)) return {};
    TreeBuilder builder(text, complaints, max_nodes);
    try {
        std::istringstream stream{with_whole_characters(text)};
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const Stop&) {
        return {};
    } catch (const YAML::Exception& e) {
        const bool known = !e.mark.is_null();
        complaints.add(known ? e.mark.line + 1 : 1, known ? e.mark.column + 1 : 1, "not YAML: " + e.msg);
        return {};
    } catch (const std::bad_alloc&) {
        throw;  // no fault of the text
    } catch (const std::exception& e) {
        complaints.add(1, 1, std::string("not YAML: ") + e.what());
        return {};
    }
    return builder.take_documents();
}

}  // namespace drywall::loader
