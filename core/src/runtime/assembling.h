// Putting a matrix of GPTQ or AWQ together in memory. Its tensors land where the matrix will be, as
// far as they fit there, and become blocks by way of working memory once all are present.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "cpu/kernels.h"
#include "graph/graph.h"
#include "quant/assemble.h"

namespace hearth::runtime {

/// The tensors of an assembly as the quantization's own code takes them. `order` is empty for
/// columns that stay in order.
PackedMatrix packed_matrix(const graph::Assembly& assembly, Bytes qweight, Bytes qzeros,
                           Bytes scales, std::span<const std::uint32_t> order);

/// Bytes of working memory that putting the matrix together takes.
std::uint64_t assembling_bytes(const graph::Assembly& assembly);

/// Bytes that its tensors need beside those of the matrix.
std::uint64_t overflow_bytes(const graph::WeightPart& part);

class Assembling {
 public:
  /// The matrix at `target`, with overflow_bytes() at `overflow`, both of which start at a multiple
  /// of 4. `order` is where the order of its columns will be, or null.
  Assembling(const graph::WeightPart& part, std::uint8_t* target, std::uint8_t* overflow,
             const std::uint8_t* order, cpu::Layout layout);

  struct Tensor {
    graph::FileTensor from;
    std::uint8_t* address = nullptr;
  };
  /// What has to be read, and where to.
  const std::vector<Tensor>& tensors() const { return tensors_; }
  /// How many tensors, the order among them, are still missing.
  int missing() const { return missing_; }

  /// Notes that a tensor, or the order, is there; after the last the matrix is put together, with
  /// assembling_bytes() of `work`. Errors: malformed_tensor, for groups that are out of order.
  Result<void> arrived(std::uint8_t* work);

 private:
  Result<void> finish(std::uint8_t* work) const;

  std::shared_ptr<const graph::Assembly> assembly_;
  std::vector<Tensor> tensors_;  ///< qweight, qzeros, scales, and g_idx where it is only checked
  std::uint8_t* target_;
  const std::uint8_t* order_;
  cpu::Layout layout_;
  int missing_;
};

/// Turns the groups at `data` into the order of columns, in place. Errors: malformed_tensor.
Result<void> order_in_place(const graph::Assembly& assembly, std::uint8_t* data);

}  // namespace hearth::runtime
