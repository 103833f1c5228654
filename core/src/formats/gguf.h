// GGUF, versions 2 and 3: metadata and tensor directory from the file's first bytes.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tensor/tensor_info.h"

namespace hearth {

enum class GgufType : std::uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

/// One metadata value. Scalars are widened; arrays keep one vector of the widened type.
struct GgufValue {
  GgufType type = GgufType::kU32;
  GgufType element_type = GgufType::kU32;  ///< of arrays
  std::variant<std::uint64_t, std::int64_t, double, bool, std::string, std::vector<std::uint64_t>,
               std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>
      value;
};

struct GgufEntry {
  std::string key;
  GgufValue value;
};

struct GgufHeader {
  std::uint32_t version = 0;
  std::uint32_t alignment = 32;
  std::uint64_t data_offset = 0;  ///< where tensor data starts, bytes from the start of the file
  std::vector<GgufEntry> metadata;
  TensorDirectory directory;

  /// The entry's value, or nullptr.
  const GgufValue* find(std::string_view key) const;

  // Typed access: nullopt (or nullptr) when absent or of another kind. Integers of any width and
  // signedness convert when they fit.
  std::optional<std::uint64_t> unsigned_value(std::string_view key) const;
  std::optional<std::int64_t> signed_value(std::string_view key) const;
  std::optional<double> float_value(std::string_view key) const;
  std::optional<bool> bool_value(std::string_view key) const;
  const std::string* string_value(std::string_view key) const;
  const std::vector<std::string>* string_array(std::string_view key) const;
  /// Integer arrays of any width, widened, and truth values as 0 and 1.
  std::optional<std::vector<std::int64_t>> integer_array(std::string_view key) const;
  std::optional<std::vector<double>> float_array(std::string_view key) const;
};

/// Either a parsed header or how many first bytes to come back with.
template <typename Header>
struct HeaderOrNeed {
  std::optional<Header> header;
  std::uint64_t need = 0;  ///< > head.size() and <= file_size when `header` is empty
};

/// Parses the header from the first bytes of a file of `file_size` bytes. `head` may be shorter
/// than the header: then `need` says how many to come back with. When `head` is the whole file and
/// the header does not end in it, that is truncated_header. Every tensor is checked to lie inside
/// the file (tensor_out_of_bounds when it starts past the end, truncated_data when the file ends
/// inside it). Errors: bad_magic, unsupported_version, truncated_header, malformed_header,
/// count_too_large, tensor_out_of_bounds, truncated_data, duplicate_tensor, unsupported_dtype,
/// shape_mismatch.
Result<HeaderOrNeed<GgufHeader>> parse_gguf(Bytes head, std::uint64_t file_size);

}  // namespace hearth
