// safetensors: tensor directory from the file's first bytes.
// Format: https://github.com/huggingface/safetensors#format
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "formats/gguf.h"
#include "tensor/tensor_info.h"

namespace hearth {

struct SafetensorsHeader {
  std::uint64_t data_offset = 0;
  std::vector<std::pair<std::string, std::string>> metadata;  ///< "__metadata__", strings only
  TensorDirectory directory;  ///< offsets from the start of the file
};

/// As parse_gguf. Errors: truncated_header, malformed_json, malformed_header, count_too_large,
/// tensor_out_of_bounds, truncated_data, duplicate_tensor, unsupported_dtype, shape_mismatch.
Result<HeaderOrNeed<SafetensorsHeader>> parse_safetensors(Bytes head, std::uint64_t file_size);

}  // namespace hearth
