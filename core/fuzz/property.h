// What the fuzz targets share: properties that hold for any input, checked where libFuzzer sees it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "formats/gguf.h"
#include "quant/dequantize.h"

namespace hearth::fuzz {

/// An accepted directory lies inside the file, agrees with itself, and its data can be read.
inline void check_directory(const TensorDirectory& directory, std::uint64_t data_offset, Bytes data,
                            std::uint64_t file_size) {
  for (const TensorInfo& info : directory.tensors()) {
    HEARTH_CHECK(directory.find(info.name) == &info);
    HEARTH_CHECK(info.offset >= data_offset && info.offset <= file_size);
    HEARTH_CHECK(info.bytes <= file_size - info.offset);
    HEARTH_CHECK(tensor_bytes(info.dtype, info.shape, info.name).value() == info.bytes);
    if (!can_dequantize(info.dtype) || info.offset + info.bytes > data.size()) continue;
    std::vector<float> values(static_cast<std::size_t>(info.shape.elements()));
    dequantize(
        info.dtype,
        data.subspan(static_cast<std::size_t>(info.offset), static_cast<std::size_t>(info.bytes)),
        values);
  }
}

/// An error has a sentence and a name; a wish for more lies between what was given and the file's
/// size.
template <typename Header>
void check_answer(const Result<HeaderOrNeed<Header>>& answer, std::size_t given,
                  std::uint64_t file_size) {
  if (!answer) {
    HEARTH_CHECK(answer.error().message.ends_with('.') &&
                 answer.error().code != ErrorCode::kInternal);
  } else if (!answer->header) {
    HEARTH_CHECK(answer->need > given && answer->need <= file_size);
  } else {
    HEARTH_CHECK(answer->need == 0);
  }
}

/// Feeds a reader ever longer heads of the same file, as a host does, from `first` bytes on. The
/// end must be that of reading the whole file at once.
template <typename Header, typename Parse>
void check_growing(Bytes file, std::size_t first, const Result<HeaderOrNeed<Header>>& whole,
                   Parse parse) {
  std::size_t size = std::min(first, file.size());
  while (true) {
    const Result<HeaderOrNeed<Header>> part = parse(file.first(size), file.size());
    check_answer(part, size, file.size());
    if (part && !part->header) {
      size = static_cast<std::size_t>(part->need);
      continue;
    }
    HEARTH_CHECK(part.has_value() == whole.has_value());
    if (part) {
      HEARTH_CHECK(part->header->data_offset == whole->header->data_offset);
      HEARTH_CHECK(part->header->directory.tensors().size() ==
                   whole->header->directory.tensors().size());
    } else {
      HEARTH_CHECK(part.error().code == whole.error().code);
      HEARTH_CHECK(part.error().message == whole.error().message);
    }
    return;
  }
}

}  // namespace hearth::fuzz
