// embed(): rows of a table by token id, from either layout.
#include "base/check.h"
#include "cpu/packing.h"
#include "quant/dequantize.h"

namespace hearth::cpu {
namespace {

void embed_row(const Matrix& table, std::int64_t row, float* output) {
  const DTypeInfo& info = dtype_info(table.dtype);
  const auto columns = static_cast<std::size_t>(table.columns);
  if (table.layout == Layout::kPlain) {
    const auto bytes = static_cast<std::size_t>(dtype_bytes(table.dtype, columns));
    dequantize(table.dtype, Bytes(table.data + static_cast<std::size_t>(row) * bytes, bytes),
               std::span<float>(output, columns));
    return;
  }
  std::uint8_t block[4 + kBlock];  // the largest packed type's, Z8
  const auto block_bytes = static_cast<std::size_t>(info.block_bytes);
  HEARTH_CHECK(block_bytes <= sizeof block);
  for (std::int64_t b = 0; b < table.columns / kBlock; ++b) {
    read_block(table, row, b, block);
    dequantize(table.dtype, Bytes(block, block_bytes),
               std::span<float>(output + b * kBlock, static_cast<std::size_t>(kBlock)));
  }
}

}  // namespace

void embed(const Matrix& table, std::span<const std::uint32_t> ids, float* output,
           ThreadPool& pool) {
  // A row is about a microsecond's work.
  pool.run(static_cast<std::int64_t>(ids.size()), 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      embed_row(table, ids[static_cast<std::size_t>(t)], output + t * table.columns);
    }
  });
}

}  // namespace hearth::cpu
