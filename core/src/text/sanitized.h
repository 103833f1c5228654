// A text made valid: what is no UTF-8 becomes U+FFFD, and spans in the valid text are turned back
// into spans in the one that was given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace hearth {

class Sanitized {
 public:
  /// Views `text` where it is valid. Errors: count_too_large for more than `most` bytes.
  static Result<Sanitized> make(std::string_view text, std::size_t most);

  std::string_view text() const { return replaced_.empty() ? given_ : repaired_; }

  /// Turns spans in text() into spans in the text given.
  void restore(std::vector<Span>& spans) const;

 private:
  struct Replaced {
    std::uint32_t at;     // in repaired_, where its U+FFFD starts
    std::uint32_t given;  // where the broken bytes start
    std::uint32_t size;   // how many they are, 1 to 3
  };
  std::uint32_t restored(std::uint32_t at) const;

  std::string_view given_;
  std::string repaired_;
  std::vector<Replaced> replaced_;  // from left to right
};

}  // namespace hearth
