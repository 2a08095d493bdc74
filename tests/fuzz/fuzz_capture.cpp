// Any bytes as a capture: as a stream, as a file whose interfaces are read too, and read whole. All three say the same
// of every packet, or refuse it.
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "drywall/io/capture.h"
#include "drywall/io/pcap_file.h"

namespace {

using namespace drywall;
using Next = io::CaptureReader::Next;

void require(bool condition) {
    if (!condition) std::abort();
}

// The input as a file that can be opened by name.
class MemoryFile {
public:
    explicit MemoryFile(std::span<const std::uint8_t> data) : descriptor_(memfd_create("capture", MFD_CLOEXEC)) {
        require(descriptor_ >= 0);
        require(write(descriptor_, data.data(), data.size()) == static_cast<ssize_t>(data.size()));
    }
    ~MemoryFile() { close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

private:
    int descriptor_;
};

struct Read {
    std::vector<io::CapturedFrame> frames;
    std::string link_type;
    Next end = Next::kBroken;
};

// Nothing of a packet may lie outside the input, and every refusal says what to do.
Read read(Result<io::CaptureReader> reader, std::size_t size) {
    Read out;
    if (!reader) {
        require(!reader.error().complaints.empty() && !reader.error().complaints.front().hint.empty());
        return out;
    }
    out.link_type = reader->link_type();
    io::CapturedPacket packet;
    while ((out.end = reader->next(packet)) == Next::kPacket) {
        require(packet.bytes.size() <= size + 14 && packet.length >= packet.bytes.size() && packet.time.count() >= 0);
        require(reader->interfaces().size() <= size);
        out.frames.push_back({packet.time, {packet.bytes.begin(), packet.bytes.end()}, packet.length});
    }
    require(reader->packets() == out.frames.size());
    if (out.end == Next::kBroken) require(!reader->error().complaints.front().hint.empty());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;  // fmemopen takes nothing less
    std::vector<std::uint8_t> bytes(data, data + size);
    std::FILE* stream = fmemopen(bytes.data(), bytes.size(), "rb");
    require(stream != nullptr);
    const Read streamed = read(io::CaptureReader::adopt(stream, "fuzz"), size);

    const MemoryFile memory({data, size});
    auto file = io::CaptureReader::open(memory.path());
    if (file) file->tell_interfaces_apart();
    const Read filed = read(std::move(file), size);
    require(filed.end == streamed.end && filed.frames == streamed.frames && filed.link_type == streamed.link_type);

    const auto whole = io::read_pcap(memory.path());
    if (streamed.end == Next::kEnd && streamed.link_type == "EN10MB")
        require(static_cast<bool>(whole) && *whole == streamed.frames);
    return 0;
}
