// A model as a graph of ops on values, in execution order. Models build it once, for every format
// and device; fusion rewrites it (fuse.h) and the memory plan places it (plan.h).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "graph/op.h"
#include "tensor/packed_format.h"
#include "tensor/tensor_info.h"

namespace hearth::graph {

enum class ValueKind : std::uint8_t {
  kInput,     ///< given with each step
  kConstant,  ///< known when the model is built; floats
  kWeight,    ///< from the checkpoint
  kState,     ///< one for each session, kept between steps
  kActivation,
};

/// One tensor of a checkpoint, and which of its files holds it.
struct FileTensor {
  std::uint32_t file = 0;  ///< index into the checkpoint's files
  TensorInfo info;         ///< rows and columns as the graph has them
};

/// The tensors that a matrix of GPTQ or AWQ is put together from (tensor/packed_format.h).
struct Assembly {
  PackedFormat format;
  std::int64_t rows = 0, columns = 0;
  FileTensor qweight, qzeros, scales;
  std::optional<FileTensor> g_idx;

  /// Whether columns have to change places for those of a group to lie together.
  bool reorders() const { return format.act_order && format.groups(columns) > 1; }
};

/// What a weight, or a part of one, is made of: a tensor, or several.
struct WeightPart : FileTensor {
  /// Set for a matrix that is put together: `info` then is what it becomes, and its offset means
  /// nothing.
  std::shared_ptr<const Assembly> assembly;
  bool transposed = false;  ///< the file has the columns one after the other, not the rows
};

struct Value {
  std::string name;
  ValueKind kind = ValueKind::kActivation;
  DType dtype = DType::kF32;
  Shape shape;
  /// kWeight: the tensors stacked along the first dimension; one unless fusion joined several.
  std::vector<WeightPart> parts;
  /// kWeight: the order in which the matrix has its columns, a weight (columns) of I32; kNone for
  /// theirs. What is multiplied with it has to be brought into the same.
  ValueId order = kNone;
  /// kConstant: its elements.
  std::vector<float> constant;
};

struct Node {
  std::string name;  ///< such as "layers.3.attention"
  OpParams params;
  std::vector<ValueId> inputs;
  ValueId output = kNone;

  Op op() const { return static_cast<Op>(params.index()); }
};

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;  ///< each after those it reads
  ValueId output = kNone;   ///< logits (outputs, vocabulary)

  const Value& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<std::size_t>(id)]; }
  /// How many times nodes read each value.
  std::vector<int> use_counts() const;
};

/// Some rows of a tensor: `count` of them from `first` on, and again every `stride` rows, `times`
/// in all.
struct RowRange {
  std::int64_t first = 0, count = 0, stride = 0, times = 1;
};

/// Where a builder finds weights; a checkpoint implements it (models/checkpoint.h).
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  /// The tensor of that name in the checkpoint, or nullopt.
  virtual std::optional<WeightPart> find(std::string_view name) const = 0;
};

/// Builds a graph. Errors stick: the first is kept, later calls do nothing, and finish() returns
/// it, so that a model's forward pass reads as the formulas it implements.
class Builder {
 public:
  Builder(const OpTable& rules, const WeightSource& weights) : rules_(rules), weights_(weights) {}

  /// Names of nodes and values made from here on start with this, such as "layers.3.".
  void set_scope(std::string scope) { scope_ = std::move(scope); }

  ValueId input(std::string_view name, DType dtype, Shape shape);
  ValueId constant(std::string_view name, std::vector<float> elements);
  ValueId state(std::string_view name, Shape shape);

  /// A weight of exactly that shape; the same name gives the same value again. Errors:
  /// missing_tensor, shape_mismatch.
  ValueId weight(std::string_view tensor, Shape shape);
  /// The same, or kNone when the checkpoint has no such tensor.
  ValueId optional_weight(std::string_view tensor, Shape shape);

  /// A matrix (rows, columns) that the checkpoint has as (columns, rows), of a float type. Errors:
  /// those of weight(), unsupported_config for quantized types.
  ValueId transposed_weight(std::string_view tensor, Shape shape);
  /// Some rows of a tensor of `shape`, under the tensor's name and `part`. Errors: as weight().
  ValueId weight_rows(std::string_view tensor, std::string_view part, Shape shape,
                      const RowRange& rows);

  ValueId embed(ValueId ids, ValueId table);
  /// Rows of the table by the positions of the tokens, of which `ids` says how many there are.
  ValueId embed_positions(ValueId ids, ValueId table);
  ValueId rms_norm(std::string_view name, ValueId x, ValueId weight, const RmsNormParams& params);
  ValueId layer_norm(std::string_view name, ValueId x, ValueId weight, ValueId bias, float epsilon);
  /// Brings x into the order of the weight's columns first, where that is not theirs.
  ValueId linear(std::string_view name, ValueId x, ValueId weight, ValueId bias = kNone);
  ValueId rope(std::string_view name, ValueId x, ValueId frequencies, const RopeParams& params,
               ValueId divisors = kNone);
  ValueId attention(std::string_view name, ValueId query, ValueId key, ValueId value,
                    ValueId key_state, ValueId value_state, const AttentionParams& params);
  ValueId slice(std::string_view name, ValueId x, std::int64_t begin, std::int64_t count);
  ValueId glu(std::string_view name, ValueId gate, ValueId up, Activation activation);
  ValueId add(std::string_view name, ValueId a, ValueId b);
  ValueId take_rows(ValueId x);
  ValueId scale(std::string_view name, ValueId x, float factor);
  ValueId soft_cap(std::string_view name, ValueId x, float cap);
  ValueId activate(std::string_view name, ValueId x, Activation activation);
  ValueId gather_columns(std::string_view name, ValueId x, ValueId order);

  /// Records an error of the model's own; ignored when there is one already.
  void set_error(Error error);
  /// Whether an error has occurred: loops over a count that the checkpoint claims end on it.
  bool failed() const { return error_.has_value(); }

  /// The graph that computes `output`. Errors: the first that occurred.
  Result<Graph> finish(ValueId output) &&;

 private:
  ValueId add_value(Value value);
  ValueId add_weight(std::string name, Shape shape, std::vector<WeightPart> parts);
  ValueId missing(std::string_view tensor);
  ValueId mismatch(std::string_view tensor, const Shape& has, const Shape& wanted);
  ValueId add_order(const Assembly& assembly);
  ValueId node(std::string_view name, const OpParams& params, std::vector<ValueId> inputs);

  const OpTable& rules_;
  const WeightSource& weights_;
  Graph graph_;
  std::string scope_;
  std::unordered_map<std::string, ValueId> weight_ids_;  ///< by tensor name
  std::optional<Error> error_;
};

/// What the rules see of a node's inputs.
std::vector<Operand> operands(const Graph& graph, std::span<const ValueId> inputs);

}  // namespace hearth::graph
