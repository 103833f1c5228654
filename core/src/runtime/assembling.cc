#include "runtime/assembling.h"

#include <algorithm>
#include <cstring>

namespace hearth::runtime {
namespace {

/// Tensors start at multiples of the widest of their elements.
std::uint64_t padded(std::uint64_t bytes) { return (bytes + 3) / 4 * 4; }

std::vector<graph::FileTensor> tensors_of(const graph::Assembly& assembly) {
  std::vector<graph::FileTensor> result = {assembly.qweight, assembly.qzeros, assembly.scales};
  // Where columns change places the groups become the order, a weight of its own.
  if (assembly.g_idx && !assembly.reorders()) result.push_back(*assembly.g_idx);
  return result;
}

}  // namespace

PackedMatrix packed_matrix(const graph::Assembly& assembly, Bytes qweight, Bytes qzeros,
                           Bytes scales, std::span<const std::uint32_t> order) {
  return {.format = assembly.format,
          .rows = assembly.rows,
          .columns = assembly.columns,
          .qweight = qweight,
          .qzeros = qzeros,
          .scales = scales,
          .scale_type = assembly.scales.info.dtype,
          .order = order};
}

std::uint64_t assembling_bytes(const graph::Assembly& assembly) {
  std::uint64_t sum = 0;
  for (const graph::FileTensor& tensor : tensors_of(assembly)) sum += padded(tensor.info.bytes);
  return sum;
}

std::uint64_t overflow_bytes(const graph::WeightPart& part) {
  std::uint64_t inside = 0, outside = 0;
  for (const graph::FileTensor& tensor : tensors_of(*part.assembly)) {
    const std::uint64_t bytes = padded(tensor.info.bytes);
    (inside + bytes <= part.info.bytes ? inside : outside) += bytes;
  }
  return outside;
}

Assembling::Assembling(const graph::WeightPart& part, std::uint8_t* target, std::uint8_t* overflow,
                       const std::uint8_t* order, cpu::Layout layout)
    : assembly_(part.assembly), target_(target), order_(order), layout_(layout) {
  std::uint64_t inside = 0;
  for (const graph::FileTensor& tensor : tensors_of(*assembly_)) {
    const std::uint64_t bytes = padded(tensor.info.bytes);
    const bool fits = inside + bytes <= part.info.bytes;
    tensors_.push_back({.from = tensor, .address = fits ? target + inside : overflow});
    if (fits) {
      inside += bytes;
    } else {
      overflow += bytes;
    }
  }
  missing_ = static_cast<int>(tensors_.size()) + (order == nullptr ? 0 : 1);
}

Result<void> Assembling::arrived(std::uint8_t* work) {
  return --missing_ == 0 ? finish(work) : Result<void>();
}

Result<void> Assembling::finish(std::uint8_t* work) const {
  std::vector<Bytes> parts;
  for (const Tensor& tensor : tensors_) {
    const auto bytes = static_cast<std::size_t>(tensor.from.info.bytes);
    std::memcpy(work, tensor.address, bytes);
    parts.emplace_back(work, bytes);
    work += padded(bytes);
  }
  const graph::Assembly& from = *assembly_;
  const auto columns = static_cast<std::size_t>(from.columns);
  if (parts.size() > 3) {
    std::vector<std::uint32_t> unused(columns);
    HEARTH_TRY(column_order(parts[3], from.format.group_of(from.columns), true,
                            from.g_idx->info.name, unused));
  }
  std::span<const std::uint32_t> order;
  if (order_ != nullptr) order = {reinterpret_cast<const std::uint32_t*>(order_), columns};
  assemble(packed_matrix(from, parts[0], parts[1], parts[2], order), target_);
  cpu::pack_in_place(from.format.dtype(), layout_, from.rows, from.columns, target_);
  return {};
}

Result<void> order_in_place(const graph::Assembly& assembly, std::uint8_t* data) {
  const auto columns = static_cast<std::size_t>(assembly.columns);
  const std::vector<std::uint8_t> groups(data, data + columns * 4);
  return column_order(groups, assembly.format.group_of(assembly.columns), false,
                      assembly.g_idx->info.name, {reinterpret_cast<std::uint32_t*>(data), columns});
}

}  // namespace hearth::runtime
