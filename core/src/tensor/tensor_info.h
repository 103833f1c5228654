// A tensor's entry in a file's directory, and the directory: what every format reader returns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace hearth {

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;  ///< outermost first; a matrix of weights is (out features, in features)
  std::uint64_t offset = 0;  ///< bytes from the start of the file
  std::uint64_t bytes = 0;
};

/// The tensors of one file, in file order, found by name in constant time.
class TensorDirectory {
 public:
  /// Adds a tensor. Errors: duplicate_tensor.
  Result<void> add(TensorInfo info);

  /// The tensor of that name, or nullptr.
  const TensorInfo* find(std::string_view name) const;

  const std::vector<TensorInfo>& tensors() const { return tensors_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::vector<TensorInfo> tensors_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> by_name_;
};

/// Bytes of a tensor of that type and shape, with overflow, negative dimensions and rows that are
/// no whole number of blocks refused. Errors: count_too_large, shape_mismatch.
Result<std::uint64_t> tensor_bytes(DType dtype, const Shape& shape, std::string_view name);

}  // namespace hearth
