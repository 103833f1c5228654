// Ends a text at the first of several stop strings, and holds back what may turn out to be the
// start of one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::runtime {

class StopMatcher {
 public:
  /// Empty stop strings are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  /// Takes more text and appends to `out` what no stop string can claim any more. Returns true when
  /// a stop string has been found: what precedes the earliest is in `out`, the rest is dropped.
  bool push(std::string_view text, std::string& out);

  /// The text has ended otherwise: what was held back is text after all.
  void finish(std::string& out);

 private:
  std::vector<std::string> stops_;
  std::string held_;
};

}  // namespace hearth::runtime
