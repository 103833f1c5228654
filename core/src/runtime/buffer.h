// A block of aligned memory that says when it is not to be had.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/cat.h"
#include "base/result.h"

namespace hearth {

class Buffer {
 public:
  /// A cache line, which is also the widest vector any kernel loads.
  static constexpr std::size_t kAlignment = 64;

  Buffer() = default;

  /// `bytes` of memory, not zeroed. Errors: out_of_memory, naming `what`.
  static Result<Buffer> allocate(std::uint64_t bytes, std::string_view what) {
    Buffer buffer;
    // Checked before rounding, which could wrap around to almost nothing.
    if (bytes <= SIZE_MAX / 2) {
      // aligned_alloc takes whole multiples of the alignment.
      const std::uint64_t rounded = (bytes / kAlignment + 1) * kAlignment;
      buffer.data_.reset(static_cast<std::uint8_t*>(
          std::aligned_alloc(kAlignment, static_cast<std::size_t>(rounded))));
    }
    if (buffer.data_ == nullptr) {
      return fail(ErrorCode::kOutOfMemory,
                  cat("There are no ", bytes / (1 << 20), " MB of memory for the ", what, "."),
                  what);
    }
    return buffer;
  }

  std::uint8_t* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(std::uint8_t* data) const { std::free(data); }
  };
  std::unique_ptr<std::uint8_t[], Free> data_;
};

}  // namespace hearth
