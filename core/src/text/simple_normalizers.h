// Normalizers that look at one character at a time.
#pragma once

#include "text/normalizer.h"

namespace hearth {

class Lowercase final : public Normalizer {
 public:
  bool apply(const Slice& in, AlignedText& out) const override;
};

/// Takes all combining marks out; accents are marks only after NFD or NFKD.
class StripAccents final : public Normalizer {
 public:
  bool apply(const Slice& in, AlignedText& out) const override;
};

/// Takes the spaces at a text's ends off.
class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  bool apply(const Slice& in, AlignedText& out) const override;

 private:
  bool left_;
  bool right_;
};

/// SentencePiece's rules for translation: no control characters, and one kind of space.
class Nmt final : public Normalizer {
 public:
  bool apply(const Slice& in, AlignedText& out) const override;
};

/// Writes bytes in the byte-level alphabet (byte_level.h).
class ByteLevelText final : public Normalizer {
 public:
  bool apply(const Slice& in, AlignedText& out) const override;
};

/// What BERT's tokenizers do: control characters out, spaces around Chinese characters, accents
/// off, lower case.
class BertNormalizer final : public Normalizer {
 public:
  struct Options {
    bool clean = true;
    bool space_chinese = true;
    bool strip_accents = true;
    bool lowercase = true;
  };
  explicit BertNormalizer(const Options& options);
  bool apply(const Slice& in, AlignedText& out) const override { return chain_.apply(in, out); }

 private:
  NormalizerChain chain_;
};

}  // namespace hearth
