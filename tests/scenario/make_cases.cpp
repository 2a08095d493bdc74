// Writes the captures of every case: make_cases tests/scenario/cases. Resources and counters are written by hand.
#include <cstdio>

#include "cases.h"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: make_cases FOLDER\n");
        return 2;
    }
    for (const auto& [name, story] : drywall::test::all_cases()) {
        const std::filesystem::path folder = std::filesystem::path(argv[1]) / name;
        std::filesystem::create_directories(folder);
        for (const auto& [file, frames] : story.captures()) {
            const auto status = drywall::io::write_pcap(folder / file, frames);
            if (status) continue;
            std::fprintf(stderr, "%s\n", status.error().text().c_str());
            return 1;
        }
    }
    return 0;
}
