#include "models/decoder.h"

#include <cmath>
#include <unordered_set>

#include "base/cat.h"
#include "ops/op_table.h"

namespace hearth::models {
namespace {

class Decoder {
 public:
  Decoder(graph::Builder& builder, const DecoderConfig& config, const DecoderNames& names,
          std::int64_t context)
      : b_(builder), c_(config), n_(names), context_(context) {}

  graph::ValueId forward() {
    const DecoderFacts& f = c_.facts;
    const auto ids = b_.input("ids", DType::kI32, {graph::kTokens});
    for (std::size_t i = 0; i < c_.ropes.size(); ++i) {
      const std::string name = i == 0 ? "rope.frequencies" : cat("rope.frequencies.", i);
      const Rope& rope = c_.ropes[i];
      frequencies_.push_back(b_.constant(name, rope.frequencies));
      const auto pairs = static_cast<std::int64_t>(rope.frequencies.size());
      divisors_.push_back(rope.divisors.empty() ? graph::kNone : b_.weight(rope.divisors, {pairs}));
    }
    const auto table =
        b_.weight(cat(n_.prefix, n_.embedding, ".weight"), {f.vocab_size, f.hidden_size});
    auto x =
        scaled("embedding_scale", b_.embed(ids, table), c_.embedding_scale);  // (tokens, hidden)
    if (!n_.positions.empty()) {
      const auto positions =
          b_.weight(cat(n_.prefix, n_.positions, ".weight"), {f.trained_context, f.hidden_size});
      x = b_.add("position_sum", x, b_.embed_positions(ids, positions));
    }
    for (std::int64_t i = 0; i < f.layers && !b_.failed(); ++i) {
      b_.set_scope(cat("layers.", i, "."));
      layer_ = cat(n_.prefix, n_.layer);
      layer_.replace(layer_.find("{}"), 2, cat(i));
      options_ = c_.layers.empty() ? LayerOptions{} : c_.layers[static_cast<std::size_t>(i)];
      auto y = attention(norm("attention_norm", n_.attention_norm, x));
      y = norm("attention_post_norm", n_.attention_post_norm, y);
      const auto before = x;
      x = b_.add("attention_residual", x, scaled("attention_scale", y, c_.residual_scale));
      y = ffn(norm("ffn_norm", n_.ffn_norm, c_.parallel ? before : x));
      y = norm("ffn_post_norm", n_.ffn_post_norm, y);
      x = b_.add("ffn_residual", x, scaled("ffn_scale", y, c_.residual_scale));
    }
    b_.set_scope("");
    layer_ = n_.prefix;
    x = norm("final_norm", n_.final_norm, b_.take_rows(x));  // (outputs, hidden)
    const auto output =
        c_.tied ? table : b_.weight(cat(n_.output, ".weight"), {f.vocab_size, f.hidden_size});
    x = scaled("logits_scale", b_.linear("logits", x, output), c_.logits_scale);
    if (c_.logits_soft_cap > 0) x = b_.soft_cap("logits_soft_cap", x, c_.logits_soft_cap);
    return x;  // (outputs, vocabulary)
  }

 private:
  graph::ValueId scaled(std::string_view name, graph::ValueId x, float factor) {
    return factor == 1 ? x : b_.scale(name, x, factor);
  }

  graph::ValueId norm(std::string_view name, std::string_view tensor, graph::ValueId x) {
    if (tensor.empty()) return x;
    const std::int64_t width = c_.facts.hidden_size;
    const auto weight = b_.weight(cat(layer_, tensor, ".weight"), {width});
    if (c_.layer_norm) {
      return b_.layer_norm(name, x, weight, b_.weight(cat(layer_, tensor, ".bias"), {width}),
                           c_.epsilon);
    }
    return b_.rms_norm(name, x, weight, {.epsilon = c_.epsilon, .weight_offset = c_.norm_offset});
  }

  graph::ValueId linear(std::string_view name, std::string_view tensor, graph::ValueId x,
                        std::int64_t out, std::int64_t in, bool bias) {
    const std::string full = cat(layer_, tensor, ".weight");
    const auto weight =
        c_.transposed ? b_.transposed_weight(full, {out, in}) : b_.weight(full, {out, in});
    return b_.linear(name, x, weight,
                     bias ? b_.weight(cat(layer_, tensor, ".bias"), {out}) : graph::kNone);
  }

  /// Query (0), key (1) or value (2) of a matrix whose rows are head after head, and in each its
  /// three: their rows are gathered as they are loaded.
  graph::ValueId linear_by_heads(std::string_view name, std::int64_t which, graph::ValueId x) {
    const DecoderFacts& f = c_.facts;
    const graph::RowRange rows{.first = which * f.head_size,
                               .count = f.head_size,
                               .stride = 3 * f.head_size,
                               .times = f.heads};
    const std::int64_t all = 3 * f.heads * f.head_size;
    const std::string tensor = cat(layer_, n_.qkv_by_heads);
    const auto weight = b_.weight_rows(cat(tensor, ".weight"), name, {all, f.hidden_size}, rows);
    return b_.linear(
        name, x, weight,
        c_.qkv_bias ? b_.weight_rows(cat(tensor, ".bias"), name, {all}, rows) : graph::kNone);
  }

  /// Query or key, normed and turned.
  graph::ValueId turned(std::string_view name, std::string_view norm_tensor, graph::ValueId x,
                        std::int64_t heads) {
    const std::int64_t size = c_.facts.head_size;
    if (c_.head_norm != HeadNorm::kNone) {
      const bool each = c_.head_norm == HeadNorm::kEachHead;
      const auto weight =
          b_.weight(cat(layer_, norm_tensor, ".weight"), {each ? size : heads * size});
      x = b_.rms_norm(
          cat(name, "_norm"), x, weight,
          {.epsilon = c_.epsilon, .groups = each ? heads : 1, .weight_offset = c_.norm_offset});
    }
    if (options_.rope == LayerOptions::kNoRope || c_.ropes.empty()) return x;
    const auto index = static_cast<std::size_t>(options_.rope);
    return b_.rope(cat(name, "_rope"), x, frequencies_[index],
                   {.heads = heads,
                    .head_size = size,
                    .rotary_size = c_.rotary_size,
                    .interleaved = c_.interleaved,
                    .scale = c_.ropes[index].scale},
                   divisors_[index]);
  }

  graph::ValueId attention(graph::ValueId x) {
    const DecoderFacts& f = c_.facts;
    const std::int64_t width = f.heads * f.head_size, kv_width = f.kv_heads * f.head_size;
    graph::ValueId query = graph::kNone, key = graph::kNone, value = graph::kNone;
    if (!n_.qkv_by_heads.empty()) {
      query = linear_by_heads("query", 0, x);
      key = linear_by_heads("key", 1, x);
      value = linear_by_heads("value", 2, x);
    } else if (n_.qkv.empty()) {
      query = linear("query", n_.query, x, width, f.hidden_size, c_.qkv_bias);
      key = linear("key", n_.key, x, kv_width, f.hidden_size, c_.qkv_bias);
      value = linear("value", n_.value, x, kv_width, f.hidden_size, c_.qkv_bias);
    } else {
      const auto all = linear("qkv", n_.qkv, x, width + 2 * kv_width, f.hidden_size, c_.qkv_bias);
      query = b_.slice("query", all, 0, width);
      key = b_.slice("key", all, width, kv_width);
      value = b_.slice("value", all, width + kv_width, kv_width);
    }
    query = turned("query", n_.query_norm, query, f.heads);
    key = turned("key", n_.key_norm, key, f.kv_heads);
    const auto keys = b_.state("keys", {f.kv_heads, context_, f.head_size});
    const auto values = b_.state("values", {f.kv_heads, context_, f.head_size});
    const float usual = 1.0f / std::sqrt(static_cast<float>(f.head_size));
    const auto mixed = b_.attention("attention", query, key, value, keys, values,
                                    {.heads = f.heads,
                                     .kv_heads = f.kv_heads,
                                     .head_size = f.head_size,
                                     .scale = c_.attention_scale == 0 ? usual : c_.attention_scale,
                                     .window = options_.window,
                                     .soft_cap = c_.attention_soft_cap});
    return linear("attention_output", n_.attention_output, mixed, f.hidden_size, width,
                  c_.output_bias);
  }

  graph::ValueId ffn(graph::ValueId x) {
    const std::int64_t hidden = c_.facts.hidden_size, size = c_.ffn_size;
    graph::ValueId gate = graph::kNone, up = graph::kNone;
    if (n_.gate_up.empty() && n_.gate.empty()) {
      up = linear("up", n_.up, x, size, hidden, c_.mlp_bias);
      return linear("down", n_.down, b_.activate("activation", up, c_.activation), hidden, size,
                    c_.mlp_bias);
    }
    if (n_.gate_up.empty()) {
      gate = linear("gate", n_.gate, x, size, hidden, c_.mlp_bias);
      up = linear("up", n_.up, x, size, hidden, c_.mlp_bias);
    } else {
      const auto both = linear("gate_up", n_.gate_up, x, 2 * size, hidden, c_.mlp_bias);
      gate = b_.slice("gate", both, 0, size);
      up = b_.slice("up", both, size, size);
    }
    return linear("down", n_.down, b_.glu("glu", gate, up, c_.activation), hidden, size,
                  c_.mlp_bias);
  }

  graph::Builder& b_;
  const DecoderConfig& c_;
  const DecoderNames& n_;
  std::int64_t context_;
  std::string layer_;  ///< prefix of the current layer's tensors
  LayerOptions options_;
  std::vector<graph::ValueId> frequencies_, divisors_;  ///< one for each of c_.ropes
};

/// Every tensor of a GGUF file is one that its model needs: what is not read, such as a bias, is a
/// part that the graph lacks. llama.cpp counts them for the same reason.
Result<void> check_all_read(const Checkpoint& checkpoint, const graph::Graph& graph,
                            std::string_view architecture) {
  std::unordered_set<std::string_view> read;
  for (const graph::Value& value : graph.values) {
    for (const graph::WeightPart& part : value.parts) read.insert(part.info.name);
  }
  for (const auto& file : checkpoint.files()) {
    for (const TensorInfo& tensor : file->directory().tensors()) {
      // Of LongRoPE's two lists a session takes one.
      if (read.contains(tensor.name) || tensor.name.starts_with("rope_factors_")) continue;
      return fail(ErrorCode::kUnsupportedConfig,
                  cat("The tensor \"", tensor.name, "\" is not supported in models of the kind \"",
                      architecture, "\"."),
                  tensor.name);
    }
  }
  return {};
}

}  // namespace

Result<Model> build_decoder(const Checkpoint& checkpoint, DecoderConfig config,
                            const DecoderNames& names, std::int64_t wanted_context) {
  Model model;
  HEARTH_ASSIGN(model.context_length, choose_context(wanted_context, config.facts.trained_context));
  graph::Builder builder(ops::op_table(), checkpoint);
  Decoder decoder(builder, config, names, model.context_length);
  const graph::ValueId logits = decoder.forward();
  HEARTH_ASSIGN(model.graph, std::move(builder).finish(logits));
  if (checkpoint.gguf() != nullptr) {
    HEARTH_TRY(check_all_read(checkpoint, model.graph, config.facts.architecture));
  }
  model.facts = std::move(config.facts);
  return model;
}

}  // namespace hearth::models
