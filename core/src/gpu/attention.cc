// Attention: storing keys and values, with turning query and key where rope_kv.wgsl takes them
// together, then one kernel for many tokens, or for one token pieces of the context and their sum.

#include <algorithm>

#include "base/cat.h"
#include "gpu/lower.h"

namespace hearth::gpu {
namespace {

using graph::Node;

/// Most pieces that one token's context is cut into: with 8 key heads, more workgroups than a large
/// GPU has processors. Twice as many were slower at 4,096 positions.
constexpr std::int64_t kSplits = 64;
/// Positions that a piece has at least: shorter ones cost more to join than they save.
constexpr std::int64_t kSpan = 64;
/// Queries that a workgroup of attention.wgsl takes.
constexpr std::int64_t kQueryTile = 64;

/// What the kernels' registers hold.
constexpr std::int64_t kLargestHead = 256;

std::uint64_t partial_bytes(const graph::AttentionParams& params) {
  // (heads, splits, head_size + 2) floats
  return static_cast<std::uint64_t>(params.heads * kSplits * (params.head_size + 2)) * 4;
}

Result<void> emit_rope_kv(Lowering& low, const Node& node, const RopeKv& group) {
  const auto& params = std::get<graph::AttentionParams>(node.params);
  const graph::Graph& graph = low.graph();
  const Rows query = low.rows(group.query);
  Writer& writer = low.writer();
  graph::RopeParams rope{.rotary_size = 0};
  graph::RmsNormParams norm;
  Bound frequencies = writer.nothing(Access::kRead, 1);
  Bound query_norm = writer.nothing(Access::kRead, 5), key_norm = query_norm;
  bool divided = false;
  Bound divisors = writer.nothing(Access::kRead, 7);
  if (group.query_rope != kNoNode) {
    const Node& turned = graph.nodes[group.query_rope];
    rope = std::get<graph::RopeParams>(turned.params);
    frequencies = read(low.constant(turned.inputs[1]));
    divided = turned.inputs[2] != graph::kNone;
    if (divided) divisors = read(low.weights().vector(turned.inputs[2]));
  }
  if (group.query_norm != kNoNode) {
    const Node& first = graph.nodes[group.query_norm];
    norm = std::get<graph::RmsNormParams>(first.params);
    query_norm = read(low.weights().vector(first.inputs[1]));
    key_norm = read(low.weights().vector(graph.nodes[group.key_norm].inputs[1]));
  }
  HEARTH_ASSIGN(const Variant variant, writer.variant("rope_kv", low.state_type()));
  return writer.dispatch(
      low.out(), node.name + ".rope_kv", variant,
      {set("HEADS", params.heads), set("KV_HEADS", params.kv_heads),
       set("HEAD_SIZE", params.head_size), set("ROTARY", rope.rotary_size),
       set("INTERLEAVED", rope.interleaved), set("SCALE", rope.scale),
       set("CAPACITY", graph.value(node.inputs[3]).shape[1]), set("X_STRIDE", query.stride),
       set("Q_OFFSET", query.offset), set("K_OFFSET", low.rows(group.key).offset),
       set("V_OFFSET", low.rows(group.value).offset), set("HEAD_NORM", group.query_norm != kNoNode),
       set("EPSILON", norm.epsilon), set("WEIGHT_OFFSET", norm.weight_offset),
       set("ROPE", group.query_rope != kNoNode), set("DIVIDED", divided)},
      {frequencies, write(query.binding), write(low.state(node.inputs[3])),
       write(low.state(node.inputs[4])), query_norm, key_norm, divisors},
      {.x = fixed(params.heads + 2 * params.kv_heads), .y = per("tokens")});
}

Result<void> emit_store(Lowering& low, const Node& node, std::size_t input) {
  const auto& params = std::get<graph::AttentionParams>(node.params);
  const Rows x = low.rows(node.inputs[input]);
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("store_kv", low.state_type()));
  // An invocation stores two elements; 64 a workgroup.
  const std::int64_t pairs = params.kv_heads * params.head_size / 2;
  return low.writer().dispatch(
      low.out(), node.name + ".store_kv", variant,
      {set("KV_HEADS", params.kv_heads), set("HEAD_SIZE", params.head_size),
       set("CAPACITY", low.graph().value(node.inputs[3]).shape[1]), set("X_STRIDE", x.stride),
       set("X_OFFSET", x.offset)},
      {write(x.binding), write(low.state(node.inputs[input + 2]))},
      {.x = fixed((pairs + 63) / 64), .y = per("tokens")});
}

}  // namespace

std::uint64_t attention_scratch_bytes(const Node& node) {
  return partial_bytes(std::get<graph::AttentionParams>(node.params));
}

Result<void> emit_attention(Lowering& low, std::size_t index) {
  const Node& node = low.graph().nodes[index];
  const auto& params = std::get<graph::AttentionParams>(node.params);
  if (params.head_size > kLargestHead) {
    return fail(ErrorCode::kUnsupportedDevice,
                cat("The GPU's attention takes heads of ", kLargestHead, " at most, not of ",
                    params.head_size, "."),
                node.name);
  }
  const RopeKv& rope_kv = low.groups().rope_kv[index];
  if (rope_kv.fused) {
    HEARTH_TRY(emit_rope_kv(low, node, rope_kv));
  } else {
    HEARTH_TRY(emit_store(low, node, 1));
    HEARTH_TRY(emit_store(low, node, 2));
  }
  const Rows query = low.rows(rope_kv.fused ? rope_kv.query : node.inputs[0]);
  const Rows y = low.rows(node.output);
  const std::vector<Constant> constants = {
      set("HEADS", params.heads),
      set("KV_HEADS", params.kv_heads),
      set("HEAD_SIZE", params.head_size),
      set("CAPACITY", low.graph().value(node.inputs[3]).shape[1]),
      set("SCALE", params.scale),
      set("WINDOW", params.window),
      set("SOFT_CAP", params.soft_cap),
      set("Q_STRIDE", query.stride),
      set("Q_OFFSET", query.offset),
      set("Y_STRIDE", y.stride),
      set("Y_OFFSET", y.offset)};
  const Bound keys = write(low.state(node.inputs[3])), values = write(low.state(node.inputs[4]));
  Writer& writer = low.writer();
  if (low.kind() != Kind::kDecode) {
    HEARTH_ASSIGN(const Variant variant, writer.variant("attention", low.state_type()));
    return writer.dispatch(low.out(), node.name, variant, constants,
                           {write(query.binding), keys, values, write(y.binding)},
                           {.x = per("tokens", 1, kQueryTile), .y = fixed(params.heads)});
  }
  const Bound partial = write(low.scratch(0, partial_bytes(params)));
  std::vector<Constant> split = constants;
  split.push_back(set("SPLITS", kSplits));
  split.push_back(set("SPAN", kSpan));
  // A workgroup of attention_split.wgsl takes up to four heads that share a key's.
  const std::int64_t group = params.heads / params.kv_heads;
  const std::int64_t together = std::min<std::int64_t>(4, group);
  const std::int64_t shares = params.kv_heads * ((group + together - 1) / together);
  HEARTH_ASSIGN(const Variant first, writer.variant("attention_split", low.state_type()));
  HEARTH_TRY(writer.dispatch(low.out(), node.name + ".split", first, split,
                             {write(query.binding), keys, values, partial},
                             {.x = fixed(kSplits), .y = fixed(shares)}));
  HEARTH_ASSIGN(const Variant second, writer.variant("attention_merge"));
  return writer.dispatch(low.out(), node.name + ".merge", second, split,
                         {partial, write(y.binding)}, {.x = fixed(params.heads)});
}

}  // namespace hearth::gpu
