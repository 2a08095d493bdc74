// Every single-edit typo in a key, and every value of the wrong type, is refused with its place. An edit of the
// indentation may pass only where it changes nothing.
#include <gtest/gtest.h>

#include <set>

#include "drywall/loader/resources.h"

namespace drywall::loader {
namespace {

constexpr std::string_view kPolicy = R"(apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata:
  name: web-to-db
  labels: {team: shop}
  annotations: {note: why}
spec:
  stagedAction: Set
  tier: default
  order: 100
  selector: app == 'db'
  applyOnForward: false
  types:
  - Ingress
  - Egress
  ingress:
  - action: Allow
    ipVersion: 4
    protocol: TCP
    notProtocol: UDP
    source:
      nets:
      - 10.0.0.0/8
      notNets:
      - 10.1.0.0/16
      selector: app == 'web'
      notSelector: has(quarantine)
    destination:
      ports:
      - 8080
      notPorts:
      - 9090
  - action: Pass
    protocol: ICMP
    icmp:
      type: 8
      code: 0
    notICMP:
      type: 3
  egress:
  - action: Deny
    metadata:
      annotations: {note: last}
)";

struct Line {
    std::string text;
    std::size_t key_at = 0;   // where the key starts: after blanks and "- "
    std::size_t key_end = 0;  // its colon; equal to key_at when the line has no key
};

std::vector<Line> lines_of(std::string_view text) {
    std::vector<Line> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        Line line{std::string(text.substr(at, end - at))};
        line.key_at = line.text.find_first_not_of(" -");
        const std::size_t colon = line.text.find(':');
        line.key_end = colon == std::string::npos ? line.key_at : colon;
        lines.push_back(line);
        at = end + 1;
    }
    return lines;
}

std::string with_line(const std::vector<Line>& lines, std::size_t changed, const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i) out += (i == changed ? text : lines[i].text) + "\n";
    return out;
}

std::set<std::string> key_typos(const Line& line) {
    std::set<std::string> typos;
    for (std::size_t i = line.key_at; i < line.key_end; ++i) {
        std::string deleted = line.text;
        typos.insert(deleted.erase(i, 1));
        std::string doubled = line.text;
        typos.insert(doubled.insert(i, 1, line.text[i]));
        std::string cased = line.text;
        cased[i] = static_cast<char>(cased[i] ^ 0x20);
        typos.insert(cased);
        if (i + 1 == line.key_end) continue;
        std::string swapped = line.text;
        std::swap(swapped[i], swapped[i + 1]);
        typos.insert(swapped);
    }
    typos.erase(line.text);
    return typos;
}

std::vector<std::string> wrong_types(const Line& line) {
    const bool has_value = line.key_end > line.key_at && line.key_end + 1 < line.text.size();
    if (!has_value) return {};
    const std::string key = line.text.substr(0, line.key_end + 1);
    return {key + " {a: {b: []}}", key + " [[]]", key + " 022", key + " 'no such word' x"};
}

std::string original_json() { return to_json(load_resources({"p.yaml", std::string(kPolicy)}).value().front()); }

void expect_refused_with_place(const std::string& text) {
    const auto resources = load_resources({"p.yaml", text});
    ASSERT_FALSE(resources) << text;
    for (const Complaint& complaint : resources.error().complaints) {
        EXPECT_GT(complaint.place.line, 0) << complaint.text();
        EXPECT_GT(complaint.place.column, 0) << complaint.text();
    }
}

TEST(Typos, InAnyKeyAreRefusedWithTheirPlace) {
    ASSERT_TRUE(load_resources({"p.yaml", std::string(kPolicy)}));
    const std::vector<Line> lines = lines_of(kPolicy);
    std::size_t count = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        for (const std::string& typo : key_typos(lines[i])) {
            expect_refused_with_place(with_line(lines, i, typo));
            ++count;
        }
    }
    EXPECT_GE(count, 500U);
}

TEST(Typos, ThatRepeatAKeyAreRefused) {
    const std::vector<Line> lines = lines_of(kPolicy);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const bool scalar_field = lines[i].key_end > lines[i].key_at && lines[i].text.back() != ':' &&
                                  lines[i].text.find("- ") == std::string::npos;
        if (scalar_field) expect_refused_with_place(with_line(lines, i, lines[i].text + "\n" + lines[i].text));
    }
}

TEST(Typos, InTheTypeOfAValueAreRefused) {
    const std::vector<Line> lines = lines_of(kPolicy);
    std::size_t count = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        for (const std::string& wrong : wrong_types(lines[i])) {
            expect_refused_with_place(with_line(lines, i, wrong));
            ++count;
        }
    }
    EXPECT_GE(count, 90U);
}

// Kubernetes and Calico take null for absent; somebody who forgot a value learns of it all the same.
TEST(Typos, ThatLeaveOutAValueAreRefusedOrWarnedOf) {
    const std::vector<Line> lines = lines_of(kPolicy);
    std::size_t count = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (wrong_types(lines[i]).empty()) continue;
        for (const char* nothing : {"", " ~", " null"}) {
            const std::string text = with_line(lines, i, lines[i].text.substr(0, lines[i].key_end + 1) + nothing);
            const auto loaded = load_with_warnings({"p.yaml", text});
            const std::vector<Complaint>& said = loaded ? loaded->warnings : loaded.error().complaints;
            ASSERT_FALSE(said.empty()) << text;
            EXPECT_GT(said.front().place.line, 0) << said.front().text();
            ++count;
        }
    }
    EXPECT_GE(count, 50U);
}

TEST(Typos, InTheIndentationAreRefusedOrChangeNothing) {
    const std::string original = original_json();
    const std::vector<Line> lines = lines_of(kPolicy);
    std::size_t refused = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        for (const int shift : {-4, -2, -1, 1, 2, 3, 4}) {
            const std::size_t blanks = lines[i].text.find_first_not_of(' ');
            if (shift < 0 && blanks < static_cast<std::size_t>(-shift)) continue;
            const std::string text = shift < 0 ? lines[i].text.substr(static_cast<std::size_t>(-shift))
                                               : std::string(static_cast<std::size_t>(shift), ' ') + lines[i].text;
            const auto resources = load_resources({"p.yaml", with_line(lines, i, text)});
            if (!resources) {
                EXPECT_GT(resources.error().complaints.front().place.line, 0) << resources.error().text();
                ++refused;
                continue;
            }
            ASSERT_EQ(resources->size(), 1U);
            EXPECT_EQ(to_json(resources->front()), original) << "line " << i + 1 << " shifted by " << shift;
        }
    }
    EXPECT_GE(refused, 150U);
}

}  // namespace
}  // namespace drywall::loader
