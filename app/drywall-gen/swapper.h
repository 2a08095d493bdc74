// Swapper: applies two sets of files to an appliance in turns, so many times a second, on a thread of its own.
//
// Threads: start() and stop() by the main thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client.h"
#include "drywall/base/result.h"
#include "drywall/generate/latency_histogram.h"

namespace drywall::gen {

class Swapper {
public:
    // Reads the files, applies the second set and then the first, so that both are known to be taken.
    [[nodiscard]] static Result<std::unique_ptr<Swapper>> create(const std::string& socket,
                                                                 const std::vector<std::string>& between);
    // Puts the generation back that was in force before.
    ~Swapper();
    Swapper(const Swapper&) = delete;
    Swapper& operator=(const Swapper&) = delete;

    void start(double per_second);
    void stop();  // waits for the swap that is under way

    // Of all times that it ran; once it has stopped.
    [[nodiscard]] std::uint64_t swaps() const noexcept { return latency_.count(); }
    [[nodiscard]] const generate::LatencyHistogram& latency() const noexcept { return latency_; }  // of a request
    [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }            // it then stopped

    // Puts the generation back that was in force before; one that the appliance did not keep so long, by its resources.
    // An error: what the appliance said when it could not.
    [[nodiscard]] Status put_back();

private:
    Swapper(const std::string& socket, std::vector<std::string> bodies) : client_(socket), bodies_(std::move(bodies)) {}
    [[nodiscard]] Result<cli::Json> apply(std::size_t which) const;
    void run(double per_second);

    cli::Client client_;
    std::vector<std::string> bodies_;
    std::uint64_t generation_before_ = 0;
    std::string resources_before_;  // as YAML
    bool is_back_ = false;
    std::size_t next_ = 1;
    std::atomic<bool> stop_{false};
    std::thread thread_;
    generate::LatencyHistogram latency_;
    std::optional<Error> error_;
};

}  // namespace drywall::gen
