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

Constant constant(std::string_view name, std::int64_t value) {
  Constant made;
  made.name = name;
  made.value = static_cast<double>(value);
  return made;
}

Load load_of(const graph::FileTensor& tensor) {
  Load load;
  load.file = tensor.file;
  load.offset = tensor.info.offset;
  load.bytes = tensor.info.bytes;
  load.name = tensor.info.name;
  load.dtype = dtype_name(tensor.info.dtype);
  return load;
}

/// The groups of a matrix's columns, to be brought into order or only to be looked at.
Load order_load(const graph::Assembly& assembly, bool sorted) {
  Load load = load_of(*assembly.g_idx);
  load.unit_bytes = static_cast<std::uint32_t>(load.bytes);
  load.group_size = static_cast<std::uint32_t>(assembly.format.group_of(assembly.columns));
  load.sorted = sorted;
  return load;
}

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
  const auto is_placed = [&](std::size_t i) {
    return graph.values[i].kind == ValueKind::kWeight && uses[i] > 0;
  };
  std::uint64_t vector_bytes = 0;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (!is_placed(i) || value.shape.rank() != 1) continue;
    Binding& binding = weights.vectors_[i];
    binding.offset = vector_bytes;
    binding.bytes = align(static_cast<std::uint64_t>(value.shape[0]) * sizeof(float));
    vector_bytes += binding.bytes;
  }
  HEARTH_ASSIGN(const std::uint32_t buffer, writer.buffer("vectors", "weights", vector_bytes));
  weights.bytes_ += vector_bytes;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (!is_placed(i)) continue;
    const Value& value = graph.values[i];
    if (value.shape.rank() == 1) {
      weights.vectors_[i].buffer = buffer;
      HEARTH_TRY(weights.place_vector(value, weights.vectors_[i], writer));
    } else {
      HEARTH_TRY(weights.place_matrix(value, weights.matrices_[i], writer));
    }
  }
  std::sort(writer.plan.loads.begin(), writer.plan.loads.end(), [](const Load& a, const Load& b) {
    // Orders of columns first: matrices are put together by them.
    if ((a.group_size > 0) != (b.group_size > 0)) return a.group_size > 0;
    return a.file != b.file ? a.file < b.file : a.offset < b.offset;
  });
  return weights;
}

Result<void> Weights::place_matrix(const Value& value, Matrix& matrix, Writer& writer) {
  matrix.layout = layout_of(value.dtype);
  matrix.table = table_kind(value.dtype);
  matrix.zero_points = has_zero_points(value.dtype);
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
    if (part.assembly) {
      const bool ordered = value.order != graph::kNone;
      const Binding order =
          ordered ? vector(value.order) : writer.nothing(Access::kRead, 3).binding;
      HEARTH_TRY(load_assembled(part, order, part_row, matrix, writer));
      part_row += part_rows;
      continue;
    }
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
  load.pipeline = static_cast<std::int32_t>(
      writer.pipeline(variant,
                      {constant("K", columns), constant("ROWS", rows), constant("FROM", from),
                       constant("N", end - from), constant("TO", to)},
                      "urww"));
  load.unit_bytes =
      static_cast<std::uint32_t>(2 * rows * static_cast<std::int64_t>(type.block_bytes));
  load.slice_units = 1;
  load.targets = {piece.codes, writer.nothing(Access::kWrite, 3).binding};
  writer.plan.loads.push_back(std::move(load));
  return {};
}

Result<void> Weights::load_assembled(const graph::WeightPart& part, const Binding& order,
                                     std::int64_t first_row, const Matrix& matrix, Writer& writer) {
  const graph::Assembly& from = *part.assembly;
  const PackedFormat& format = from.format;
  if (from.g_idx && !from.reorders()) writer.plan.loads.push_back(order_load(from, true));
  for (const Piece& piece : matrix.pieces) {
    const std::int64_t begin = std::max(first_row, piece.first_row);
    const std::int64_t end = std::min(first_row + from.rows, piece.first_row + piece.rows);
    if (begin >= end) continue;
    std::vector<Constant> shape = {constant("K", from.columns),
                                   constant("OF", from.rows),
                                   constant("ROWS", end - begin),
                                   constant("FROM", begin - first_row),
                                   constant("TO", begin - piece.first_row),
                                   constant("BITS", format.bits),
                                   constant("AWQ", format.packing == Packing::kAwq),
                                   constant("WIDE", format.bits == 8)};
    // `units`: how many the tensor has, each what all rows have of some columns.
    const auto add = [&](const graph::FileTensor& tensor, std::string_view kernel,
                         std::int64_t units, std::vector<Constant> own,
                         std::vector<Binding> targets, std::string_view layout) -> Result<void> {
      HEARTH_ASSIGN(const Variant variant, writer.variant(kernel));
      Load load = load_of(tensor);
      own.insert(own.begin(), shape.begin(), shape.end());
      load.pipeline = static_cast<std::int32_t>(writer.pipeline(variant, own, layout));
      load.unit_bytes = static_cast<std::uint32_t>(load.bytes / static_cast<std::uint64_t>(units));
      load.rows = static_cast<std::uint32_t>(end - begin);
      load.targets = std::move(targets);
      writer.plan.loads.push_back(std::move(load));
      return {};
    };
    const std::int64_t block = layout_info(matrix.layout).block;
    const std::int64_t groups = format.groups(from.columns);
    const Constant group = constant("GROUP", format.group_of(from.columns) / block);
    const DType type = from.scales.info.dtype;
    HEARTH_TRY(add(from.qweight, "assemble_codes", from.columns / block,
                   {constant("ORDERED", from.reorders())}, {piece.codes, order}, "urwr"));
    HEARTH_TRY(add(from.qzeros, "assemble_zeros", groups,
                   {group, constant("LESS_ONE", format.zeros_less_one)}, {piece.scales}, "urw"));
    HEARTH_TRY(add(from.scales, "assemble_scales", groups,
                   {group, constant("TYPE", type == DType::kF32   ? 0
                                            : type == DType::kF16 ? 1
                                                                  : 2)},
                   {piece.scales}, "urw"));
  }
  return {};
}

Result<void> Weights::place_vector(const Value& value, const Binding& target, Writer& writer) {
  if (value.dtype == DType::kI32) {
    Load load = order_load(*value.parts[0].assembly, false);
    load.targets = {target};
    writer.plan.loads.push_back(std::move(load));
    return {};
  }
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
