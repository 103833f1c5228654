// Normalizers: they change a text before it is cut into words, for instance to lower case.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/aligned_text.h"
#include "text/regex.h"

namespace hearth {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// Writes the changed text into `out` and returns true; returns false, whatever is in `out`, when
  /// the text stays as it is.
  virtual bool apply(const Slice& in, AlignedText& out) const = 0;
};

/// Several steps, the first applied first.
class NormalizerChain final : public Normalizer {
 public:
  void add(std::unique_ptr<Normalizer> step) { steps_.push_back(std::move(step)); }
  bool empty() const { return steps_.empty(); }
  bool apply(const Slice& in, AlignedText& out) const override;

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

/// Puts a text before another that is not empty. It counts as part of the first character.
class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string text) : text_(std::move(text)) {}
  bool apply(const Slice& in, AlignedText& out) const override;

 private:
  std::string text_;
};

/// Puts one text in place of another, from left to right. It counts as the last character replaced.
class ReplaceText final : public Normalizer {
 public:
  ReplaceText(std::string pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  bool apply(const Slice& in, AlignedText& out) const override;

 private:
  std::string pattern_;
  std::string content_;
};

/// Puts a text in place of each match of a regular expression.
class ReplaceRegex final : public Normalizer {
 public:
  ReplaceRegex(Regex regex, std::string content)
      : regex_(std::move(regex)), content_(std::move(content)) {}
  bool apply(const Slice& in, AlignedText& out) const override;

 private:
  Regex regex_;
  std::string content_;
};

}  // namespace hearth
