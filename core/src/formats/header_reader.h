// A cursor over the first bytes of a file, for parsing headers that lie about their sizes. Nothing
// is read past the bytes present, and a read that lacks bytes tells how many first bytes to come
// back with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/cat.h"
#include "base/result.h"

namespace hearth {

class HeaderReader {
 public:
  /// A header longer than `max_bytes` is refused as count_too_large whatever the file's size.
  HeaderReader(Bytes head, std::uint64_t file_size, std::uint64_t max_bytes)
      : head_(head.first(
            static_cast<std::size_t>(head.size() < file_size ? head.size() : file_size))),
        file_size_(file_size),
        max_bytes_(max_bytes) {}

  /// The next `count` bytes. `name` is the key or tensor they belong to.
  /// Errors: count_too_large (no header is that long), truncated_header (the file ends before, or,
  /// when need() is not 0 afterwards, only the head does).
  Result<Bytes> take(std::uint64_t count, std::string_view name) {
    HEARTH_TRY(check_room(count, 1, name));
    if (count > head_.size() - position_) {
      need_ = position_ + count;
      // Doubling keeps the number of attempts, each of which parses anew, logarithmic. 64 KiB hold
      // the header of most models without a vocabulary.
      constexpr std::uint64_t kLeast = 64 * 1024;
      for (std::uint64_t wish : {kLeast, 2 * static_cast<std::uint64_t>(head_.size())}) {
        if (need_ < wish) need_ = wish;
      }
      if (need_ > file_size_) need_ = file_size_;
      return fail(ErrorCode::kTruncatedHeader, "More of the header is needed.", name);
    }
    const Bytes taken = head_.subspan(position_, static_cast<std::size_t>(count));
    position_ += taken.size();
    return taken;
  }

  template <typename T>
  Result<T> read(std::string_view name) {
    HEARTH_ASSIGN(const Bytes bytes, take(sizeof(T), name));
    return load_le<T>(bytes.data());
  }

  /// Checks a claim of `count` items of at least `item_bytes` bytes each against the file, before
  /// anything is allocated for them. Errors: count_too_large, truncated_header.
  Result<void> check_room(std::uint64_t count, std::uint64_t item_bytes,
                          std::string_view name) const {
    if (count > (max_bytes_ - position_) / item_bytes) {
      return fail(
          ErrorCode::kCountTooLarge,
          cat("\"", name, "\" claims ", count, " items or bytes, more than any header holds."),
          name);
    }
    if (count > (file_size_ - position_) / item_bytes) {
      return fail(
          ErrorCode::kTruncatedHeader,
          cat("The file ends at byte ", file_size_, ", inside its header, at \"", name, "\"."),
          name);
    }
    return {};
  }

  /// Bytes read so far; at most max_bytes and the file's size.
  std::uint64_t position() const { return position_; }
  /// Bytes present and not yet read.
  std::size_t present() const { return head_.size() - position_; }
  /// How many first bytes the read that failed wants; 0 if none lacked bytes that the file has.
  std::uint64_t need() const { return need_; }

 private:
  Bytes head_;
  std::uint64_t file_size_;
  std::uint64_t max_bytes_;
  std::size_t position_ = 0;
  std::uint64_t need_ = 0;
};

}  // namespace hearth
