#include "drywall/loader/settings.h"

#include <array>

#include "settings_readers.h"

namespace drywall::loader {
namespace {

constexpr std::size_t kMaxSocketPath = 107;  // sockaddr_un's room, without the closing zero

constexpr std::array<Choice<std::string_view>, 6> kLogLevels{Choice<std::string_view>{"trace", "trace"},
                                                             {"debug", "debug"},
                                                             {"info", "info"},
                                                             {"warn", "warn"},
                                                             {"error", "error"},
                                                             {"off", "off"}};

void read_socket_path(Fields& control, std::string_view name, std::string& target) {
    const Node* node = control.take(name);
    if (node == nullptr) return;
    const auto path = read_text(*node, control.path_to(name), control.complaints());
    if (path && (!path->starts_with('/') || path->size() > kMaxSocketPath)) {
        control.complaints().add(node->line, node->column,
                                 control.path_to(name) + " " + shown(*path) + " can't be a socket's path",
                                 "write an absolute path of at most " + std::to_string(kMaxSocketPath) + " characters");
    }
    target = path.value_or("");
}

void read_control(Fields& top, Settings& settings) {
    auto control = section(top, "control");
    if (!control) return;
    read_socket_path(*control, "socket", settings.control_socket);
    settings.control_group = control->text("group").value_or("");
    read_socket_path(*control, "view-socket", settings.view_socket);
    settings.view_group = control->text("view-group").value_or("");
    const Node* view = control->node().find("view-socket");
    if (view != nullptr && settings.view_socket == settings.control_socket) {
        top.complaints().add(view->line, view->column, "control.view-socket and control.socket are the same",
                             "who may change policy, and who may only look, is told by the socket: give each its own");
    }
    control->finish();
}

void read_state(Fields& top, Settings& settings) {
    auto state = section(top, "state");
    if (!state) return;
    if (const Node* node = state->take("directory")) {
        const auto path = read_text(*node, "state.directory", top.complaints());
        if (path && !path->starts_with('/'))
            top.complaints().add(node->line, node->column, "state.directory " + shown(*path) + " is not absolute",
                                 "write a path that begins with /");
        settings.state_directory = path.value_or("");
    }
    assign_integer(*state, "generations", 2, 1'000'000, settings.state_generations);
    assign_integer(*state, "audit-entries", 100, 10'000'000, settings.state_audit_entries);
    state->finish();
}

void complete_ports(Settings& settings) {
    settings.ports_assumed = settings.ports.empty();
    if (settings.ports_assumed)
        for (const char* name : {"left", "right"}) settings.ports.emplace_back().name = name;
    if (settings.pairs.empty() && settings.ports.size() == 2)
        settings.pairs = {{settings.ports[0].name, settings.ports[1].name}};
}

void read_log(Fields& top, Settings& settings) {
    auto log = section(top, "log");
    if (!log) return;
    if (const auto level = log->choice<std::string_view>("level", kLogLevels)) settings.log_level = *level;
    log->finish();
}

constexpr std::array<Choice<Existing>, 3> kExisting{
    Choice<Existing>{"recheck", Existing::kRecheck}, {"keep", Existing::kKeep}, {"reset", Existing::kReset}};

void read_check(Fields& top, Settings& settings) {
    if (const auto existing = top.choice<Existing>("existing", kExisting)) settings.existing = *existing;
    auto check = section(top, "check");
    if (!check) return;
    if (const Node* node = check->take("min-time")) {
        const auto value = read_duration(*node, "check.min-time", std::chrono::seconds(0), std::chrono::hours(24 * 365),
                                         top.complaints());
        if (value) settings.check_min_time = std::chrono::duration_cast<std::chrono::seconds>(*value);
    }
    assign_integer(*check, "min-connections", 0, 1'000'000'000'000, settings.check_min_connections);
    check->finish();
}

Settings read_settings(Fields& top, Purpose purpose) {
    Settings settings;
    read_machine(top, purpose, settings);
    read_traffic(top, settings);
    read_failing(top, settings);
    read_limits(top, settings);
    read_layer7(top, settings);
    read_control(top, settings);
    read_state(top, settings);
    read_export(top, settings);
    settings.policy_directory = top.text("policies").value_or("");
    read_log(top, settings);
    read_check(top, settings);
    top.finish();
    if (purpose == Purpose::kQuestions) complete_ports(settings);
    return settings;
}

}  // namespace

std::optional<Fields> section(Fields& parent, std::string_view name) {
    const Node* node = parent.take(name);
    if (node == nullptr) return std::nullopt;
    return Fields(*node, parent.path_to(name), parent.complaints());
}

void assign_duration(Fields& fields, std::string_view name, std::chrono::seconds least, std::chrono::seconds most,
                     std::chrono::seconds& target) {
    const Node* node = fields.take(name);
    if (node == nullptr) return;
    const auto value = read_duration(*node, fields.path_to(name), least, most, fields.complaints());
    if (!value) return;
    target = std::chrono::duration_cast<std::chrono::seconds>(*value);
    if (target != *value) {
        fields.complaints().add(node->line, node->column, fields.path_to(name) + " must be whole seconds");
    }
}

Settings settings_for_questions() {
    Settings settings;
    settings.non_ip = default_non_ip();
    complete_ports(settings);
    return settings;
}

Result<Settings> load_settings(const Source& source, Purpose purpose) {
    Complaints complaints(source.name);
    const std::vector<Node> documents = parse_yaml(source.text, complaints);
    if (!complaints.empty()) return std::move(complaints).error();
    if (documents.empty()) {
        if (purpose == Purpose::kQuestions) return settings_for_questions();
        return Error::invalid({source.name, 1, 1}, "the configuration is empty", "start from config/drywall.yaml");
    }
    if (documents.size() > 1) {
        complaints.add(documents[1].line, documents[1].column, "a second document",
                       "the configuration is one document");
        return std::move(complaints).error();
    }
    Fields top(documents.front(), "", complaints, "the configuration");
    Settings settings = read_settings(top, purpose);
    if (!complaints.empty()) return std::move(complaints).error();
    return settings;
}

}  // namespace drywall::loader
