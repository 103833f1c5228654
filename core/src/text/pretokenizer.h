// Pre-tokenizers: they cut a text into words, which the model then turns into tokens one by one. No
// token spans two words. Steps are chained; each sees the words of the one before as whole texts.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/aligned_text.h"

namespace hearth {

/// Takes words in order. A word's bytes live only during the call.
class WordSink {
 public:
  virtual void word(const Slice& word) = 0;

 protected:
  ~WordSink() = default;
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void split(const Slice& slice, WordSink& out) const = 0;
  /// Whether it asks slices where they start in the original, and so needs them tracked.
  virtual bool needs_origin() const { return false; }
};

/// Matches a pattern at byte `at` only: the byte where the match ends, or `at` for none. `at` is
/// inside `text` and at a character.
using WordPattern = std::size_t (*)(std::string_view text, std::size_t at);

/// Makes each match of a pattern a word, and each stretch between matches one ("Isolated" in
/// tokenizer.json). A general regular expression is another PreTokenizer beside this one.
class PatternSplit final : public PreTokenizer {
 public:
  explicit PatternSplit(WordPattern pattern) : pattern_(pattern) {}
  void split(const Slice& slice, WordSink& out) const override;

 private:
  WordPattern pattern_;
};

/// Puts a space before a text that starts with none (ByteLevel's add_prefix_space).
class SpacePrefix final : public PreTokenizer {
 public:
  void split(const Slice& slice, WordSink& out) const override;
};

/// Several steps, the first applied first; none passes the text through.
class PreTokenizerChain final : public PreTokenizer {
 public:
  void add(std::unique_ptr<PreTokenizer> step) { steps_.push_back(std::move(step)); }
  void split(const Slice& slice, WordSink& out) const override;
  bool needs_origin() const override;

 private:
  struct Stage;
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

}  // namespace hearth
