// Repairing broken UTF-8: see sanitized.h.
#include "text/sanitized.h"

#include <algorithm>

#include "base/cat.h"
#include "text/utf8.h"

namespace hearth {

Result<Sanitized> Sanitized::make(std::string_view text, std::size_t most) {
  if (text.size() > most) {
    return fail(ErrorCode::kCountTooLarge,
                cat("A text of ", text.size(), " bytes is past the limit of ", most, "."), "text");
  }
  Sanitized result;
  result.given_ = text;
  std::size_t at = find_invalid_utf8(text);
  if (at == text.size()) return result;
  result.repaired_ = text.substr(0, at);
  while (at < text.size()) {
    const Utf8Char c = decode_utf8(text, at);
    if (c.state == Utf8State::kValid) {
      result.repaired_ += text.substr(at, c.length);
    } else {
      result.replaced_.push_back({static_cast<std::uint32_t>(result.repaired_.size()),
                                  static_cast<std::uint32_t>(at), c.length});
      result.repaired_ += kReplacementUtf8;
    }
    at += c.length;
  }
  return result;
}

std::uint32_t Sanitized::restored(std::uint32_t at) const {
  // The last replacement at or before; spans start and end at characters.
  auto after = std::ranges::upper_bound(replaced_, at, {}, &Replaced::at);
  if (after == replaced_.begin()) return at;
  const Replaced& last = *(after - 1);
  if (last.at == at) return last.given;
  const std::uint32_t size = kReplacementUtf8.size();
  return last.given + last.size + (at - last.at - size);
}

void Sanitized::restore(std::vector<Span>& spans) const {
  if (replaced_.empty()) return;
  for (Span& span : spans) span = {restored(span.begin), restored(span.end)};
}

}  // namespace hearth
