// The vocabulary of graphs: each op's parameters, and the table of rules that ops/ fills in. The
// rules live in ops/ (one file an op), the CPU's code in cpu/, the GPU's in gpu/: same stem
// everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace hearth::graph {

/// Index into Graph::values; kNone marks an optional input that is absent.
using ValueId = std::int32_t;
inline constexpr ValueId kNone = -1;

// Dimensions that differ from step to step. A step processes `kTokens` tokens and returns logits
// for `kOutputs` of them; everything else is known when the plan is made.
inline constexpr std::int64_t kTokens = -1;
inline constexpr std::int64_t kOutputs = -2;

/// ids (tokens), table (vocabulary, width) → (tokens, width): the rows of the ids; or of the
/// tokens' positions, of which the table then has a row each
struct EmbedParams {
  bool positions = false;
};

/// x (rows, groups · width), weight (width) → as x: each group of a row on its own,
/// x / sqrt(mean(x²) + epsilon) · (weight + weight_offset)
struct RmsNormParams {
  float epsilon = 1e-6f;
  std::int64_t groups = 1;  ///< heads, where each is normalized alone
  float weight_offset = 0;  ///< 1 in models that store their weights as differences from one
};

/// x (rows, in), weight (out, in), bias (out)?, residual (rows, out)? → (rows, out): x Wᵀ + b + r
struct LinearParams {};

/// x (rows, width) → (rows, count): columns [begin, begin + count). A view: no work at run time.
struct SliceParams {
  std::int64_t begin = 0;
  std::int64_t count = 0;
};

/// x (tokens, heads · head_size), frequencies (rotary_size / 2), divisors of them (rotary_size /
/// 2)? → as x
struct RopeParams {
  std::int64_t heads = 0;
  std::int64_t head_size = 0;
  std::int64_t rotary_size = 0;  ///< leading part of each head that turns
  bool interleaved = false;      ///< pairs (2i, 2i + 1); else (i, i + rotary_size / 2)
  float scale = 1;               ///< multiplies sine and cosine
};

/// query (tokens, heads · head_size), key and value (tokens, kv_heads · head_size), the state of
/// keys and of values (kv_heads, context, head_size) → (tokens, heads · head_size). Appends to the
/// states, then attends causally.
struct AttentionParams {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_size = 0;
  float scale = 1;
  std::int64_t window = 0;  ///< keys that a token sees, its own included; 0 for all
  float soft_cap = 0;       ///< scores become cap · tanh(score / cap); 0 for none
};

enum class Activation : std::uint8_t {
  kSilu,      ///< x · sigmoid(x)
  kGeluTanh,  ///< x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
  kGelu,      ///< x / 2 · (1 + erf(x / √2))
  kRelu,      ///< max(x, 0)
};

/// gate, up (rows, width) → (rows, width): activation(gate) · up
struct GluParams {
  Activation activation = Activation::kSilu;
};

/// a, b → a + b
struct AddParams {};

/// x (tokens, width) → (outputs, width): the rows whose logits the step was asked for
struct TakeRowsParams {};

/// x (rows, width), weight (width), bias (width)? → as x:
/// (x − mean(x)) / sqrt(variance(x) + epsilon) · weight + bias
struct LayerNormParams {
  float epsilon = 1e-5f;
};

/// x → factor · x
struct ScaleParams {
  float factor = 1;
};

/// x → cap · tanh(x / cap)
struct SoftCapParams {
  float cap = 1;
};

/// x → activation(x)
struct ActivateParams {
  Activation activation = Activation::kGelu;
};

/// x (rows, width), order (width) of I32 → as x: column i of the output is column order[i] of x
struct GatherColumnsParams {};

using OpParams =
    std::variant<EmbedParams, RmsNormParams, LinearParams, SliceParams, RopeParams, AttentionParams,
                 GluParams, AddParams, TakeRowsParams, LayerNormParams, ScaleParams, SoftCapParams,
                 ActivateParams, GatherColumnsParams>;

/// Ops by the place of their parameters in OpParams.
enum class Op : std::uint8_t {
  kEmbed,
  kRmsNorm,
  kLinear,
  kSlice,
  kRope,
  kAttention,
  kGlu,
  kAdd,
  kTakeRows,
  kLayerNorm,
  kScale,
  kSoftCap,
  kActivate,
  kGatherColumns,
};
inline constexpr std::size_t kOpCount = std::variant_size_v<OpParams>;

/// What a rule sees of an input.
struct Operand {
  std::string_view name;
  DType dtype = DType::kF32;
  Shape shape;
  bool present = false;
};

/// The rules of one op.
struct OpRules {
  std::string_view name;
  /// Refuses operands that the op cannot take, naming the op and the tensor. `at` names the node.
  Result<void> (*check)(const OpParams& params, std::span<const Operand> inputs,
                        std::string_view at) = nullptr;
  /// Shape of the output; called after check.
  Shape (*infer)(const OpParams& params, std::span<const Operand> inputs) = nullptr;
  /// Which input's memory the output may take when nothing else reads that input later; -1 for
  /// none.
  int in_place = -1;
};

using OpTable = std::array<OpRules, kOpCount>;

}  // namespace hearth::graph
