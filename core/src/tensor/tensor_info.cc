#include "tensor/tensor_info.h"

#include "base/cat.h"

namespace hearth {

Result<void> TensorDirectory::add(TensorInfo info) {
  auto [position, inserted] = by_name_.try_emplace(info.name, tensors_.size());
  if (!inserted) {
    return fail(ErrorCode::kDuplicateTensor, cat("The tensor \"", info.name, "\" appears twice."),
                info.name);
  }
  tensors_.push_back(std::move(info));
  return {};
}

const TensorInfo* TensorDirectory::find(std::string_view name) const {
  auto position = by_name_.find(name);
  return position == by_name_.end() ? nullptr : &tensors_[position->second];
}

Result<std::uint64_t> tensor_bytes(DType dtype, const Shape& shape, std::string_view name) {
  const DTypeInfo& info = dtype_info(dtype);
  std::uint64_t elements = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    // Shape::elements() is signed, and must not overflow even where a later dimension is 0.
    if (shape[axis] < 0 ||
        __builtin_mul_overflow(elements, static_cast<std::uint64_t>(shape[axis]), &elements) ||
        elements > INT64_MAX) {
      return fail(
          ErrorCode::kCountTooLarge,
          cat("The tensor \"", name, "\" has the impossible shape ", shape.to_string(), "."), name);
    }
  }
  const auto block = static_cast<std::uint64_t>(info.block_elements);
  const std::uint64_t row = shape.rank() == 0 ? 1 : static_cast<std::uint64_t>(shape.back());
  if (row % block != 0) {
    return fail(ErrorCode::kShapeMismatch,
                cat("The rows of \"", name, "\" have ", row, " elements, no multiple of ",
                    info.name, "'s block of ", block, "."),
                name);
  }
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(elements / block, static_cast<std::uint64_t>(info.block_bytes),
                             &bytes)) {
    return fail(ErrorCode::kCountTooLarge,
                cat("The tensor \"", name, "\" claims more than 2^64 bytes."), name);
  }
  return bytes;
}

}  // namespace hearth
