#include "drywall/observe/flow_recorder.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "drywall/base/out_of_memory.h"
#include "drywall/observe/flow_json.h"
#include "drywall/store/flow_history.h"
#include "rotating_file.h"

namespace drywall::observe {

namespace {

using namespace std::chrono_literals;
using store::StoredInterval;

constexpr auto kRound = 250ms;
constexpr auto kOpenAgain = 10s;  // after the history could not be opened
constexpr std::size_t kIntervalsAtOnce = 64;
constexpr std::size_t kSummedAtOnce = 1024;
constexpr std::size_t kRequestsPerWrite = 256;        // the file is turned over between them
constexpr std::int64_t kMostRecordsSummed = 200'000;  // a sum is made in memory

std::int64_t ms(WallTime time) {
    // A span without an end reaches as far as there are intervals.
    if (time == WallTime::min()) return INT64_MIN;
    if (time == WallTime::max()) return INT64_MAX;
    return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::int64_t as_signed(std::uint64_t number) {
    return number > static_cast<std::uint64_t>(INT64_MAX) ? INT64_MAX : static_cast<std::int64_t>(number);
}

// How history gets coarser with age.
struct Step {
    std::chrono::milliseconds from;
    std::chrono::milliseconds to;
    std::chrono::milliseconds age;
};

std::string lines_of(const FlowInterval& interval) {
    std::string lines;
    for (const FlowRecord& record : interval.records) {
        FlowGroup group(record);
        group.lost = interval.lost;
        if (interval.lost > 0) group.doubt = group.doubt | Doubt::kRecordsLost;
        lines += json_of_flow(group).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
        lines += '\n';
    }
    return lines;
}

std::string lines_of(std::span<const RequestRecord> requests) {
    std::string lines;
    for (const RequestRecord& request : requests) lines += line_of_request(request).dump() + '\n';
    return lines;
}

}  // namespace

class FlowRecorder::State {
public:
    State(FlowLog& log, const std::optional<FlowHistorySettings>& history, const std::optional<FlowFileSettings>& file,
          FlowLog::WallClock now)
        : log_(log), settings_(history), now_(std::move(now)), run_(now_().time_since_epoch().count()) {
        if (file) {
            file_ = std::make_unique<RotatingFile>(file->file, file->max_bytes, file->files);
            log_.hold_requests(true);
        }
        if (!settings_) return;
        steps_ = {{1s, 1min, settings_->fine}, {1min, 15min, 24h}};
        open_history();
    }

    void start() {
        thread_ = std::thread([this] {
            std::unique_lock lock(stop_mutex_);
            while (!stop_.wait_for(lock, kRound, [this] { return stopping_; })) {
                lock.unlock();
                (void)as_memory_allows([this] { work(false); });
                lock.lock();
            }
        });
    }
    void stop() {
        {
            const std::scoped_lock lock(stop_mutex_);
            stopping_ = true;
        }
        stop_.notify_all();
        if (thread_.joinable()) thread_.join();
    }

    void work(bool last) {
        const auto intervals = log_.take_intervals(last);
        write_lines(intervals);
        write_requests();
        if (!settings_) return;
        if (!history_) open_history();
        write_history(intervals);
        if (!history_ || last) return;
        for (const Step& step : steps_) note(sum_up(step));
        trim();
    }

    // Reading threads.
    void read(WallTime since, WallTime until, std::uint64_t first_in_memory,
              const std::function<bool(const FlowInterval&)>& take) const {
        const std::shared_ptr<store::FlowHistory> history = opened();
        if (!history) return;
        const Status read =
            history->read(ms(since), ms(until), as_signed(first_in_memory), [&](const StoredInterval& stored) {
                const std::optional<FlowInterval> interval = decode(stored.bytes);
                if (!interval)
                    note(Error::of(ErrorKind::kUnavailable, "an interval of the flow history can't be read"));
                return !interval || take(*interval);
            });
        if (!read) note(read);
    }
    [[nodiscard]] std::optional<WallTime> oldest() const {
        const std::shared_ptr<store::FlowHistory> history = opened();
        if (!history) return std::nullopt;
        const auto begin = history->oldest();
        if (!begin || !*begin) return std::nullopt;
        return WallTime(std::chrono::milliseconds(**begin));
    }
    [[nodiscard]] std::string trouble() const {
        const std::scoped_lock lock(mutex_);
        return trouble_;
    }

private:
    [[nodiscard]] std::shared_ptr<store::FlowHistory> opened() const {
        const std::scoped_lock lock(mutex_);
        return history_;
    }

    void open_history() {
        const auto now = std::chrono::steady_clock::now();
        if (tried_ && now - *tried_ < kOpenAgain) return;
        tried_ = now;
        std::error_code ignored;
        std::filesystem::create_directories(settings_->file.parent_path(), ignored);
        auto history = store::FlowHistory::open(settings_->file, run_, settings_->max_bytes);
        if (!history) {
            note(history.error());
            return;
        }
        const std::scoped_lock lock(mutex_);
        history_ = *std::move(history);
        trouble_.clear();
    }

    void write_lines(const std::vector<std::shared_ptr<const FlowInterval>>& intervals) {
        if (!file_) return;
        for (const auto& interval : intervals) {
            bool written = false;
            (void)as_memory_allows([&] {
                const Status appended = file_->append(lines_of(*interval));
                written = static_cast<bool>(appended);
                note_file(appended);
            });
            if (!written && !settings_) log_.not_recorded(interval->records.size());
        }
    }

    // They are kept nowhere else.
    void write_requests() {
        if (!file_) return;
        RequestLog::Taken taken;
        if (!as_memory_allows([&] { taken = log_.take_requests(); })) return;  // asked for again in the next round
        if (taken.missed > 0) log_.not_recorded(taken.missed);
        const std::span<const RequestRecord> requests(taken.requests);
        for (std::size_t at = 0; at < requests.size(); at += kRequestsPerWrite) {
            const auto some = requests.subspan(at, std::min(requests.size() - at, kRequestsPerWrite));
            bool written = false;
            (void)as_memory_allows([&] {
                const Status appended = file_->append(lines_of(some));
                written = static_cast<bool>(appended);
                note_file(appended);
            });
            if (!written) log_.not_recorded(some.size());
        }
    }

    void write_history(const std::vector<std::shared_ptr<const FlowInterval>>& intervals) {
        for (std::size_t at = 0; at < intervals.size(); at += kIntervalsAtOnce) {
            const auto batch = std::span(intervals).subspan(at, std::min(intervals.size() - at, kIntervalsAtOnce));
            std::uint64_t records = 0;
            for (const auto& interval : batch) records += interval->records.size();
            bool written = false;
            (void)as_memory_allows([&] { written = history_ && write_batch(batch); });
            if (!written) log_.not_recorded(records);
        }
    }

    bool write_batch(std::span<const std::shared_ptr<const FlowInterval>> intervals) {
        std::vector<StoredInterval> batch;
        for (const auto& interval : intervals) batch.push_back(stored(*interval, 1s));
        const Status appended = history_->append(batch);
        note(appended);
        return static_cast<bool>(appended);
    }

    [[nodiscard]] StoredInterval stored(const FlowInterval& interval, std::chrono::milliseconds grain) const {
        return {.id = 0,
                .run = run_,
                .number = as_signed(interval.number),
                .grain = grain.count(),
                .begin = ms(interval.begin),
                .end = ms(interval.end),
                .records = as_signed(interval.records.size()),
                .bytes = encode(interval)};
    }

    // One longer interval in the place of those of one minute (or quarter of an hour).
    Status sum_up(const Step& step) {
        const std::int64_t before = ms(now_() - step.age);
        const auto old =
            history_->older_than(step.from.count(), before, as_signed(log_.first_interval_in_memory()), kSummedAtOnce);
        if (!old) return old.error();
        if (old->empty()) return Done{};
        const std::int64_t span = step.to.count();
        const std::int64_t place = old->front().begin / span;
        if ((place + 1) * span > before) return Done{};  // more of it is to come
        std::vector<StoredInterval> parts;
        std::int64_t records = 0;
        for (const StoredInterval& interval : *old) {
            if (interval.begin / span != place || interval.run != old->front().run) break;
            records += interval.records;
            parts.push_back(interval);
        }
        // So many different groups a minute have little in common that could be summed up.
        if (records > kMostRecordsSummed) return history_->set_grain(parts, span);
        return history_->replace(parts, sum_of(parts, step.to));
    }

    [[nodiscard]] StoredInterval sum_of(const std::vector<StoredInterval>& parts,
                                        std::chrono::milliseconds grain) const {
        FlowSums sums;
        FlowInterval sum;
        for (const StoredInterval& part : parts) {
            const std::optional<FlowInterval> interval = decode(part.bytes);
            if (!interval) continue;  // damaged: its records are gone
            for (const FlowRecord& record : interval->records) sums.add(record);
            sum.lost += interval->lost;
        }
        sum.number = static_cast<std::uint64_t>(parts.back().number);
        sum.begin = WallTime(std::chrono::milliseconds(parts.front().begin));
        sum.end = WallTime(std::chrono::milliseconds(parts.back().end));
        sum.records = sums.take();
        StoredInterval out = stored(sum, grain);
        out.run = parts.front().run;
        return out;
    }

    void trim() {
        const Result<bool> more = history_->trim(ms(now_() - settings_->keep));
        if (!more) note(more.error());
    }

    void note(const Status& done) const {
        const std::scoped_lock lock(mutex_);
        trouble_ = done ? std::string() : done.error().text();
    }
    void note_file(const Status& done) {
        if (!done) note(done);
    }

    FlowLog& log_;
    std::optional<FlowHistorySettings> settings_;
    FlowLog::WallClock now_;
    const std::int64_t run_;
    std::vector<Step> steps_;
    std::unique_ptr<RotatingFile> file_;
    std::optional<std::chrono::steady_clock::time_point> tried_;

    mutable std::mutex mutex_;  // guards what follows; the recorder's thread alone changes `history_`
    std::shared_ptr<store::FlowHistory> history_;
    mutable std::string trouble_;

    std::mutex stop_mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    std::thread thread_;
};

FlowRecorder::FlowRecorder(FlowLog& log, const std::optional<FlowHistorySettings>& history,
                           const std::optional<FlowFileSettings>& file, FlowLog::WallClock now)
    : state_(std::make_unique<State>(log, history, file,
                                     now ? std::move(now) : FlowLog::WallClock(std::chrono::system_clock::now))),
      log_(log) {
    log.set_archive(this);
}

FlowRecorder::~FlowRecorder() {
    state_->stop();
    state_->work(true);
    log_.set_archive(nullptr);
    log_.hold_requests(false);
}

void FlowRecorder::start() { state_->start(); }
void FlowRecorder::work(bool last) { state_->work(last); }

void FlowRecorder::read(WallTime since, WallTime until, std::uint64_t first_in_memory,
                        const std::function<bool(const FlowInterval&)>& take) const {
    state_->read(since, until, first_in_memory, take);
}
std::optional<WallTime> FlowRecorder::oldest() const { return state_->oldest(); }
std::string FlowRecorder::trouble() const { return state_->trouble(); }

}  // namespace drywall::observe
