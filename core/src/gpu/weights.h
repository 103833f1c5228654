// Where a model's weights lie on the GPU, and the list of byte ranges that fill them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/adapter.h"
#include "gpu/layout.h"
#include "gpu/writer.h"
#include "graph/graph.h"

namespace hearth::gpu {

/// Some rows of a matrix, in a buffer of their own.
struct Piece {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  Binding codes, scales;
};

struct Matrix {
  Layout layout = Layout::kF32;
  int table = 0;             ///< `TABLE_KIND` of its type
  bool zero_points = false;  ///< `ZERO_POINTS`
  std::int64_t rows = 0, columns = 0;
  std::vector<Piece> pieces;
};

/// How many rows of a matrix fit a binding and a buffer of the adapter: all, unless it is huge.
std::int64_t piece_rows(const graph::Value& value, const Adapter& adapter);

class Weights {
 public:
  /// Places every weight that the graph's nodes read and writes the load plan. Errors:
  /// unsupported_device for shapes that the kernels do not take or when a kernel is missing,
  /// out_of_memory for a row larger than a binding.
  static Result<Weights> place(const graph::Graph& graph, Writer& writer);

  const Matrix& matrix(graph::ValueId id) const { return matrices_[static_cast<std::size_t>(id)]; }
  /// Floats: norm weights, biases.
  const Binding& vector(graph::ValueId id) const { return vectors_[static_cast<std::size_t>(id)]; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  Result<void> load_assembled(const graph::WeightPart& part, const Binding& order,
                              std::int64_t first_row, const Matrix& matrix, Writer& writer);
  Result<void> place_matrix(const graph::Value& value, Matrix& matrix, Writer& writer);
  /// Rows [from, end) of a part that the file has transposed, to the piece's rows from `to` on.
  Result<void> place_transposed(const graph::WeightPart& part, const Piece& piece,
                                std::int64_t from, std::int64_t end, std::int64_t to,
                                Writer& writer);
  Result<void> place_vector(const graph::Value& value, const Binding& target, Writer& writer);

  std::vector<Matrix> matrices_;  ///< by value
  std::vector<Binding> vectors_;  ///< by value
  std::uint64_t bytes_ = 0;
};

}  // namespace hearth::gpu
