#include "gpu/weights.h"

#include <algorithm>

#include "base/cat.h"

namespace hearth::gpu {
namespace {

using graph::Value;
using graph::ValueKind;

/// Pieces of a matrix hold a multiple of these rows, so that no group of rows that a kernel takes
/// together, and no pair of halves in the scales, is torn apart.
constexpr std::int64_t kPieceRows = 64;

/// Staged slices start at even blocks: two of them share 32 bits in a plane of halves.
constexpr std::uint32_t kSliceUnits = 2;

std::uint64_t plane_bytes(std::int64_t bits) { return static_cast<std::uint64_t>((bits + 7) / 8); }

}  // namespace

std::int64_t piece_rows(const Value& value, const Adapter& adapter) {
  const Layout layout = layout_of(value.dtype);
  const std::int64_t columns = value.shape.back();
  const std::int64_t codes = codes_row_bytes(layout, columns);
  const std::int64_t both = codes + (scales_row_bits(layout, columns) + 7) / 8;
  const auto binding = static_cast<std::int64_t>(adapter.max_binding_bytes);
  // Room for the alignment of the second plane.
  const auto buffer = static_cast<std::int64_t>(adapter.max_buffer_bytes - kBindingAlignment);
  const std::int64_t most = std::min(binding / codes, buffer / both);
  return most >= value.shape[0] ? value.shape[0] : most / kPieceRows * kPieceRows;
}

Result<Weights> Weights::place(const graph::Graph& graph, Writer& writer) {
  Weights weights;
  weights.matrices_.resize(graph.values.size());
  weights.vectors_.resize(graph.values.size());
  const std::vector<int> uses = graph.use_counts();
  std::uint64_t vector_bytes = 0;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.kind != ValueKind::kWeight || uses[i] == 0) continue;
    if (value.shape.rank() == 1) {
      Binding& binding = weights.vectors_[i];
      binding.offset = vector_bytes;
      binding.bytes = align(static_cast<std::uint64_t>(value.shape[0]) * sizeof(float));
      vector_bytes += binding.bytes;
    } else {
      HEARTH_TRY(weights.place_matrix(value, weights.matrices_[i], writer));
    }
  }
  HEARTH_ASSIGN(const std::uint32_t buffer, writer.buffer("vectors", "weights", vector_bytes));
  weights.bytes_ += vector_bytes;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (weights.vectors_[i].bytes == 0) continue;
    weights.vectors_[i].buffer = buffer;
    HEARTH_TRY(weights.place_vector(graph.values[i], weights.vectors_[i], writer));
  }
  std::sort(writer.plan.loads.begin(), writer.plan.loads.end(), [](const Load& a, const Load& b) {
    return a.file != b.file ? a.file < b.file : a.offset < b.offset;
  });
  return weights;
}

Result<void> Weights::place_matrix(const Value& value, Matrix& matrix, Writer& writer) {
  matrix.layout = layout_of(value.dtype);
  matrix.table = table_kind(value.dtype);
  matrix.rows = value.shape[0];
  matrix.columns = value.shape.back();
  const LayoutInfo& info = layout_info(matrix.layout);
  if (matrix.columns % info.block != 0) {
    return fail(ErrorCode::kUnsupportedDevice,
                cat("\"", value.name, "\" has ", matrix.columns,
                    " columns, and the GPU's kernels take multiples of ", info.block, "."),
                value.name);
  }
  const std::int64_t most = piece_rows(value, writer.adapter());
  if (most == 0) {
    return fail(ErrorCode::kOutOfMemory,
                cat("A few rows of \"", value.name, "\" are larger than this GPU's bindings."),
                value.name);
  }
  for (std::int64_t row = 0; row < matrix.rows; row += most) {
    Piece piece;
    piece.first_row = row;
    piece.rows = std::min(most, matrix.rows - row);
    const std::uint64_t codes =
        static_cast<std::uint64_t>(piece.rows * codes_row_bytes(matrix.layout, matrix.columns));
    const std::uint64_t scales =
        plane_bytes(piece.rows * scales_row_bits(matrix.layout, matrix.columns));
    HEARTH_ASSIGN(const std::uint32_t buffer,
                  writer.buffer(value.name, "weights", align(codes) + scales));
    piece.codes.buffer = piece.scales.buffer = buffer;
    piece.codes.bytes = align(codes);
    piece.scales.offset = align(codes);
    piece.scales.bytes = align(scales);
    if (scales == 0) piece.scales = writer.nothing(Access::kRead, 2).binding;
    bytes_ += align(codes) + align(scales);
    matrix.pieces.push_back(piece);
  }

  const DTypeInfo& type = dtype_info(value.dtype);
  const std::string_view kernel = repack_kernel(value.dtype);
  std::int64_t part_row = 0;
  for (const graph::WeightPart& part : value.parts) {
    const std::int64_t part_rows = part.info.shape[0];
    for (const Piece& piece : matrix.pieces) {
      const std::int64_t begin = std::max(part_row, piece.first_row);
      const std::int64_t end = std::min(part_row + part_rows, piece.first_row + piece.rows);
      if (begin >= end) continue;
      if (part.transposed) {
        HEARTH_TRY(place_transposed(part, piece, begin - part_row, end - part_row,
                                    begin - piece.first_row, writer));
        continue;
      }
      const std::uint64_t row_bytes =
          dtype_bytes(value.dtype, static_cast<std::uint64_t>(matrix.columns));
      Load load;
      load.file = part.file;
      load.offset = part.info.offset + static_cast<std::uint64_t>(begin - part_row) * row_bytes;
      load.bytes = static_cast<std::uint64_t>(end - begin) * row_bytes;
      load.name = part.info.name;
      load.dtype = type.name;
      const auto first_element =
          static_cast<std::uint64_t>((begin - piece.first_row) * matrix.columns);
      if (kernel.empty()) {
        // Copied as they are, four elements at a time: rows are a multiple of that.
        load.unit_bytes = static_cast<std::uint32_t>(4 * type.block_bytes);
        load.first_unit = first_element / 4;
        load.targets = {piece.codes};
      } else {
        HEARTH_ASSIGN(const Variant variant, writer.variant(kernel));
        load.pipeline = static_cast<std::int32_t>(writer.pipeline(variant, {}, "urww"));
        load.unit_bytes = static_cast<std::uint32_t>(type.block_bytes);
        load.slice_units = kSliceUnits;
        load.first_unit = first_element / static_cast<std::uint64_t>(type.block_elements);
        load.targets = {piece.codes, piece.scales};
      }
      writer.plan.loads.push_back(std::move(load));
    }
    part_row += part_rows;
  }
  return {};
}

Result<void> Weights::place_transposed(const graph::WeightPart& part, const Piece& piece,
                                       std::int64_t from, std::int64_t end, std::int64_t to,
                                       Writer& writer) {
  const DTypeInfo& type = dtype_info(part.info.dtype);
  const std::int64_t rows = part.info.shape[0], columns = part.info.shape[1];
  const std::string_view kernel =
      type.block_bytes == 4 ? "repack_transposed_f32" : "repack_transposed_f16";
  HEARTH_ASSIGN(const Variant variant, writer.variant(kernel));
  Load load;
  load.file = part.file;
  // A row here is spread over the whole tensor there, so each piece reads all of it.
  load.offset = part.info.offset;
  load.bytes = part.info.bytes;
  load.name = part.info.name;
  load.dtype = type.name;
  const auto set = [](std::string_view name, std::int64_t value) {
    Constant constant;
    constant.name = name;
    constant.value = static_cast<double>(value);
    return constant;
  };
  load.pipeline = static_cast<std::int32_t>(
      writer.pipeline(variant,
                      {set("K", columns), set("ROWS", rows), set("FROM", from),
                       set("N", end - from), set("TO", to)},
                      "urww"));
  load.unit_bytes =
      static_cast<std::uint32_t>(2 * rows * static_cast<std::int64_t>(type.block_bytes));
  load.slice_units = 1;
  load.targets = {piece.codes, writer.nothing(Access::kWrite, 3).binding};
  writer.plan.loads.push_back(std::move(load));
  return {};
}

Result<void> Weights::place_vector(const Value& value, const Binding& target, Writer& writer) {
  std::uint64_t first = 0;
  for (const graph::WeightPart& part : value.parts) {
    Load load;
    load.file = part.file;
    load.offset = part.info.offset;
    load.bytes = part.info.bytes;
    load.name = part.info.name;
    load.dtype = dtype_name(value.dtype);
    load.unit_bytes = static_cast<std::uint32_t>(dtype_info(value.dtype).block_bytes);
    load.first_unit = first;
    load.targets = {target};
    if (value.dtype != DType::kF32) {
      const std::string_view kernel =
          value.dtype == DType::kF16 ? "repack_f16_vector" : "repack_bf16_vector";
      HEARTH_ASSIGN(const Variant variant, writer.variant(kernel));
      load.pipeline = static_cast<std::int32_t>(writer.pipeline(variant, {}, "urww"));
      load.slice_units = kSliceUnits;
      load.targets.push_back(writer.nothing(Access::kWrite, 3).binding);
    }
    first += static_cast<std::uint64_t>(part.info.shape[0]);
    writer.plan.loads.push_back(std::move(load));
  }
  return {};
}

}  // namespace hearth::gpu
