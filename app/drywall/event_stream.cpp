#include "event_stream.h"

namespace drywall::cli {

void EventStream::take(std::string_view piece, const Each& each) {
    rest_ += piece;
    std::size_t begin = 0;
    for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
        read_line(std::string_view(rest_).substr(begin, end - begin), each);
        begin = end + 1;
    }
    rest_.erase(0, begin);
}

void EventStream::read_line(std::string_view line, const Each& each) {
    constexpr std::string_view kName = "event: ";
    constexpr std::string_view kData = "data: ";
    if (line.starts_with(kName)) {
        name_ = line.substr(kName.size());
    } else if (line.starts_with(kData)) {
        data_ += line.substr(kData.size());
    } else if (line.empty() && !name_.empty()) {
        Json data = Json::parse(data_, nullptr, false);
        each({name_, data.is_discarded() ? Json() : std::move(data)});
        name_.clear();
        data_.clear();
    }
}

}  // namespace drywall::cli
