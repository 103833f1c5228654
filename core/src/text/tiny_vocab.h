// A byte-level vocabulary for tests and fuzzing: the 256 bytes, then tokens made by merges.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "text/byte_level.h"

namespace hearth::testing {

struct TinyVocab {
  std::vector<std::string> tokens;                          // in the byte-level alphabet
  std::vector<std::pair<std::string, std::string>> merges;  // the same

  /// Ids 0 to 255 are the bytes, then one token a merge, of the halves given as plain bytes.
  explicit TinyVocab(const std::vector<std::pair<std::string, std::string>>& pairs) {
    for (int byte = 0; byte < 256; ++byte)
      tokens.push_back(written(std::string(1, static_cast<char>(byte))));
    for (const auto& [left, right] : pairs) {
      merges.emplace_back(written(left), written(right));
      tokens.push_back(written(left + right));
    }
  }

  static std::string written(const std::string& bytes) {
    std::string out;
    append_byte_level_encoded(bytes, out);
    return out;
  }
};

/// Merges of every kind that matters: of letters, of a space and a letter, across the bytes of one
/// character, and one that competes with another for a byte.
inline TinyVocab tiny_vocab() {
  return TinyVocab({{"h", "e"},        // 256
                    {"l", "l"},        // 257
                    {"he", "ll"},      // 258
                    {"hell", "o"},     // 259
                    {" ", "hello"},    // 260
                    {"\xC3", "\xA9"},  // 261, é
                    {"l", "o"},        // 262
                    {"1", "2"},        // 263
                    {" ", " "}});      // 264
}

}  // namespace hearth::testing
