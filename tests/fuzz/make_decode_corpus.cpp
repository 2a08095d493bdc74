// Writes one frame of every kind that the parser looks into, as the seeds of corpus/decode.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "sample_packets.h"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: make_decode_corpus FOLDER\n");
        return 2;
    }
    for (auto& [name, packet] : drywall::test::ip_samples()) {
        std::replace(name.begin(), name.end(), ' ', '-');
        const drywall::test::Bytes frame = packet.bytes();
        std::ofstream out(std::filesystem::path(argv[1]) / name, std::ios::binary);
        out.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
        if (!out.flush()) {
            std::fprintf(stderr, "%s/%s: can't be written\n", argv[1], name.c_str());
            return 1;
        }
    }
    return 0;
}
