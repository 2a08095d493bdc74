// Runs a fuzz target over every file of the folders and files that are named. An empty corpus is a failure: it would
// test nothing and look green.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::vector<std::uint8_t> input(text.begin(), text.end());  // exactly sized, on the heap
    std::fprintf(stderr, "%s\n", file.c_str());                       // the last one named is the one that crashed
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

}  // namespace

int main(int argc, char** argv) {
    int inputs = 0;
    for (int i = 1; i < argc; ++i) {
        const std::filesystem::path path = argv[i];
        if (!std::filesystem::is_directory(path)) {
            replay(path);
            ++inputs;
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            if (!entry.is_regular_file()) continue;
            replay(entry.path());
            ++inputs;
        }
    }
    std::printf("%d inputs\n", inputs);
    if (inputs == 0) std::fprintf(stderr, "no inputs: name a corpus folder that has at least one file\n");
    return inputs == 0 ? 1 : 0;
}
