// What the benchmarks ask web servers for.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace drywall::perf {

// A browser's request for a page, with the fields that browsers send.
inline std::string request_for(const std::string& path) {
    return "GET " + path +
           " HTTP/1.1\r\nHost: shop.example.com\r\n"
           "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
           "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: "
           "en-US,en;q=0.5\r\n"
           "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nCookie: "
           "session=0123456789abcdef0123456789abcdef\r\n"
           "Upgrade-Insecure-Requests: 1\r\nCache-Control: max-age=0\r\n\r\n";
}

// Paths as interfaces have them: a version, then up to three words.
inline std::vector<std::string> made_paths(std::size_t count) {
    std::mt19937 random(8);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < count; ++i) {
        std::string path = "/api/v" + std::to_string(i % 7);
        for (auto words = 1 + random() % 3; words > 0; --words) {
            path += '/';
            for (auto letters = 3 + random() % 10; letters > 0; --letters)
                path += static_cast<char>('a' + random() % 26);
        }
        paths.push_back(path);
    }
    return paths;
}

}  // namespace drywall::perf
