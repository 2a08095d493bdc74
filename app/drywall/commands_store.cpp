#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "arguments.h"
#include "client.h"
#include "commands.h"
#include "fields.h"
#include "offline.h"

namespace drywall::cli {

namespace {

Error unwritable(const std::string& file) {
    return Error::of(ErrorKind::kInvalid, file + " can't be written: " + std::strerror(errno));
}

// Nobody else may read it, and it appears as a whole or not at all.
Status write_file(const std::string& file, const std::string& bytes) {
    const std::string unfinished = file + ".part";
    const int descriptor = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) return unwritable(file);
    std::size_t written = 0;
    bool sound = true;
    while (sound && written < bytes.size()) {
        const ssize_t more = ::write(descriptor, bytes.data() + written, bytes.size() - written);
        sound = more > 0 || (more < 0 && errno == EINTR);
        if (more > 0) written += static_cast<std::size_t>(more);
    }
    sound = sound && ::fsync(descriptor) == 0;
    sound = ::close(descriptor) == 0 && sound;
    if (sound && std::rename(unfinished.c_str(), file.c_str()) == 0) return Done{};
    Status failed = unwritable(file);
    ::unlink(unfinished.c_str());
    return failed;
}

Result<Json> asked_diff(const Invocation& invocation, const DiffArguments& arguments) {
    const Client client(invocation.socket);
    if (arguments.files.empty()) {
        Query query;
        if (!arguments.generations.empty()) query["from"] = arguments.generations.front();
        if (arguments.generations.size() == 2) query["to"] = arguments.generations.back();
        return client.get(with_query("/v1/diff", query));
    }
    const Result<std::vector<loader::Source>> sources = read_all(arguments.files);
    if (!sources) return sources.error();
    const Result<std::string> body = bundle_of(*sources);
    if (!body) return body.error();
    return client.post("/v1/diff", *body);
}

}  // namespace

Exit history(const Invocation& invocation, const HistoryArguments& arguments) {
    const std::string path = arguments.audit ? "/v1/audit" : "/v1/generations";
    const Result<Json> answer =
        Client(invocation.socket).get(with_query(path, {{"limit", std::to_string(arguments.limit)}}));
    if (!answer) return report(invocation, answer.error());
    const Style style{invocation.color, invocation.format == Format::kWide};
    if (invocation.format == Format::kJson)
        invocation.out << answer->dump(2) << '\n';
    else
        invocation.out << (arguments.audit ? render_audit(*answer, style) : render_history(*answer, style));
    return Exit::kOk;
}

// As diff(1) and kubectl say it: 0 is the same, 1 is different, more is trouble.
Exit diff(const Invocation& invocation, const DiffArguments& arguments) {
    if (!arguments.files.empty() && !arguments.generations.empty()) {
        invocation.err << "diff compares generations, or files with what is in force: give one or the other\n";
        return Exit::kUsage;
    }
    const Result<Json> answer = asked_diff(invocation, arguments);
    if (!answer) {
        const Exit code = report(invocation, answer.error());
        return code == Exit::kNegative ? Exit::kInvalid : code;  // a generation that is not kept is no difference
    }
    if (invocation.format == Format::kJson)
        invocation.out << answer->dump(2) << '\n';
    else
        invocation.out << render_diff(*answer, {invocation.color, false});
    return flag_at(*answer, "/differs") ? Exit::kNegative : Exit::kOk;
}

Exit backup(const Invocation& invocation, const BackupArguments& arguments) {
    const Result<std::string> bytes = Client(invocation.socket).get_text("/v1/backup");
    if (!bytes) return report(invocation, bytes.error());
    if (Status written = write_file(arguments.file, *bytes); !written) return report(invocation, written.error());
    if (!invocation.quiet) invocation.out << arguments.file << ": " << bytes->size() << " bytes\n";
    return Exit::kOk;
}

}  // namespace drywall::cli
