// What happens when something fails, and what the process gives away after its start.
#include <algorithm>
#include <array>

#include "settings_readers.h"

namespace drywall::loader {
namespace {

constexpr std::size_t kMaxCapabilities = 41;  // as many as there are

constexpr std::array<Choice<Fail>, 2> kFails{Choice<Fail>{"closed", Fail::kClosed}, {"open", Fail::kOpen}};
constexpr std::array<Choice<Seccomp>, 3> kSeccomps{
    Choice<Seccomp>{"enforce", Seccomp::kEnforce}, {"log", Seccomp::kLog}, {"off", Seccomp::kOff}};

void read_fail(Fields& top, Settings& settings) {
    if (const auto fail = top.choice<Fail>("fail", kFails)) settings.fail = *fail;
    const Node* node = top.node().find("fail");
    if (node == nullptr || settings.fail == Fail::kClosed || settings.posture == Posture::kOpen) return;
    top.complaints().add(node->line, node->column, "fail: open contradicts posture: closed",
                         "what nobody may pass unjudged must not pass when judging fails: write `fail: closed`");
}

void read_capability(const Node& item, Settings& settings, Complaints& complaints) {
    const auto text = read_text(item, "a capability in hardening.keep-capabilities", complaints);
    if (!text) return;
    const bool plain = !text->empty() && std::all_of(text->begin(), text->end(),
                                                     [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    if (!plain || text->starts_with("cap_"))
        complaints.add(item.line, item.column, shown(*text) + " can't be the name of a capability",
                       "write it as in sys_rawio or ipc_lock: capabilities(7) without CAP_, in small letters");
    settings.hardening.keep_capabilities.push_back(*text);
}

}  // namespace

void read_failing(Fields& top, Settings& settings) {
    read_fail(top, settings);
    auto hardening = section(top, "hardening");
    if (!hardening) return;
    settings.hardening.user = hardening->text("user").value_or("");
    settings.hardening.group = hardening->text("group").value_or("");
    const Node* group = hardening->node().find("group");
    if (group != nullptr && settings.hardening.user.empty())
        top.complaints().add(group->line, group->column, "hardening.group without hardening.user",
                             "name the user too: root keeps its rights in any group");
    if (const auto seccomp = hardening->choice<Seccomp>("seccomp", kSeccomps)) settings.hardening.seccomp = *seccomp;
    for (const Node& item : hardening->list("keep-capabilities", kMaxCapabilities))
        read_capability(item, settings, top.complaints());
    hardening->finish();
}

}  // namespace drywall::loader
