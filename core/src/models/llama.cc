#include "models/llama.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/cat.h"
#include "models/rope_scaling.h"
#include "models/settings.h"
#include "ops/op_table.h"

namespace hearth::models {
namespace {

// --- configuration ---------------------------------------------------------------------------

struct LlamaConfig {
  DecoderFacts facts;
  std::int64_t ffn_size = 0;
  std::int64_t rotary_size = 0;
  float epsilon = 0;
  bool attention_bias = false;
  bool mlp_bias = false;
  bool tied = false;  ///< the output matrix is the embedding
  /// GGUF files have the rows of query and key reordered so that the pairs that turn together lie
  /// side by side; Hugging Face's have them half a head apart.
  bool interleaved = false;
  std::vector<float> frequencies;  ///< (rotary_size / 2)
};

/// The largest number of layers. The deepest Llama has 126; a file of a few megabytes can name a
/// million tensors, and rewriting and planning a graph takes time that grows with the square.
constexpr std::int64_t kMostLayers = 1024;

/// The largest head. Models in use have up to 256; a table of frequencies is made for it before any
/// tensor has been looked at.
constexpr std::int64_t kLargestHead = 4096;

/// Refuses sizes that no model has and whose products would not fit 64 bits. With them in range,
/// and settings.h's limit on each count, no product overflows: the states of all layers together
/// are at most 2 · kMostLayers · kLargestCount² floats, 2^61 bytes; the matrices 7 · 2^60; a step's
/// activations less by far.
void check_sizes(Settings& settings, const DecoderFacts& facts, std::int64_t rotary_size) {
  if (facts.layers > kMostLayers) settings.refuse("layers", cat(facts.layers));
  if (facts.head_size > kLargestHead) settings.refuse("head_size", cat(facts.head_size));
  if (rotary_size > facts.head_size || rotary_size % 2 != 0) {
    settings.refuse("rotary_size", cat(rotary_size, " for heads of ", facts.head_size));
  }
  if (facts.heads * facts.head_size > kLargestCount) {
    settings.refuse("heads", cat(facts.heads, " of ", facts.head_size));
  }
  if (facts.vocab_size > kLargestCount) settings.refuse("vocab_size", cat(facts.vocab_size));
  if (facts.heads % facts.kv_heads != 0) {
    settings.refuse("kv_heads", cat(facts.kv_heads, " for ", facts.heads, " heads"));
  }
}

Result<LlamaConfig> from_gguf(const Checkpoint& checkpoint) {
  Settings settings = Settings::from_gguf(*checkpoint.gguf(), "llama");
  LlamaConfig config;
  DecoderFacts& facts = config.facts;
  facts.layers = settings.count("{arch}.block_count");
  facts.hidden_size = settings.count("{arch}.embedding_length");
  facts.heads = settings.count("{arch}.attention.head_count");
  facts.kv_heads = settings.count_or("{arch}.attention.head_count_kv", facts.heads);
  facts.head_size = settings.count_or("{arch}.attention.key_length",
                                      std::max<std::int64_t>(1, facts.hidden_size / facts.heads));
  facts.trained_context = settings.count("{arch}.context_length");
  config.ffn_size = settings.count("{arch}.feed_forward_length");
  config.epsilon = static_cast<float>(settings.number("{arch}.attention.layer_norm_rms_epsilon"));
  config.rotary_size = settings.count_or("{arch}.rope.dimension_count", facts.head_size);
  config.interleaved = true;
  if (settings.has("{arch}.expert_count"))
    settings.refuse("{arch}.expert_count", "a mixture of experts");
  // Llama 3.1's frequency factors come as a tensor, which is not read yet; without them it would
  // run wrongly.
  if (checkpoint.find("rope_freqs.weight"))
    settings.refuse("rope_freqs.weight", "a tensor of factors");
  if (const auto table = checkpoint.find("token_embd.weight")) {
    facts.vocab_size = table->info.shape.rank() == 2 ? table->info.shape[0] : 1;
  }
  config.tied = !checkpoint.find("output.weight");
  config.attention_bias = checkpoint.find("blk.0.attn_q.bias").has_value();
  config.mlp_bias = checkpoint.find("blk.0.ffn_up.bias").has_value();
  check_sizes(settings, facts, config.rotary_size);
  HEARTH_TRY(settings.status());
  config.frequencies = rope_frequencies(settings, true, config.rotary_size);
  HEARTH_TRY(settings.status());
  return config;
}

Result<LlamaConfig> from_json(const Checkpoint& checkpoint) {
  Settings settings = Settings::from_json(checkpoint.config());
  LlamaConfig config;
  DecoderFacts& facts = config.facts;
  facts.layers = settings.count("num_hidden_layers");
  facts.hidden_size = settings.count("hidden_size");
  facts.heads = settings.count("num_attention_heads");
  facts.kv_heads = settings.count_or("num_key_value_heads", facts.heads);
  facts.head_size =
      settings.count_or("head_dim", std::max<std::int64_t>(1, facts.hidden_size / facts.heads));
  facts.vocab_size = settings.count("vocab_size");
  // transformers' default for Llama.
  facts.trained_context = settings.count_or("max_position_embeddings", 2048);
  config.ffn_size = settings.count("intermediate_size");
  config.epsilon = static_cast<float>(settings.number_or("rms_norm_eps", 1e-6));
  config.rotary_size = facts.head_size;
  config.attention_bias = settings.flag_or("attention_bias", false);
  config.mlp_bias = settings.flag_or("mlp_bias", false);
  config.tied = settings.flag_or("tie_word_embeddings", false);
  const std::string activation = settings.text_or("hidden_act", "silu");
  if (activation != "silu") settings.refuse("hidden_act", activation);
  if (settings.has("quantization_config")) {
    settings.refuse("quantization_config.quant_method",
                    settings.text_or("quantization_config.quant_method", "unnamed"));
  }
  check_sizes(settings, facts, config.rotary_size);
  HEARTH_TRY(settings.status());
  config.frequencies = rope_frequencies(settings, false, config.rotary_size);
  HEARTH_TRY(settings.status());
  return config;
}

// --- weight names ----------------------------------------------------------------------------

struct LlamaNames {
  std::string_view embedding, output, final_norm;
  std::string_view layer;  ///< prefix of a layer's tensors, "{}" standing for its number
  std::string_view attention_norm, query, key, value, attention_output;
  std::string_view ffn_norm, gate, up, down;
};

constexpr LlamaNames kGgufNames = {
    .embedding = "token_embd",
    .output = "output",
    .final_norm = "output_norm",
    .layer = "blk.{}.",
    .attention_norm = "attn_norm",
    .query = "attn_q",
    .key = "attn_k",
    .value = "attn_v",
    .attention_output = "attn_output",
    .ffn_norm = "ffn_norm",
    .gate = "ffn_gate",
    .up = "ffn_up",
    .down = "ffn_down",
};

constexpr LlamaNames kHuggingFaceNames = {
    .embedding = "model.embed_tokens",
    .output = "lm_head",
    .final_norm = "model.norm",
    .layer = "model.layers.{}.",
    .attention_norm = "input_layernorm",
    .query = "self_attn.q_proj",
    .key = "self_attn.k_proj",
    .value = "self_attn.v_proj",
    .attention_output = "self_attn.o_proj",
    .ffn_norm = "post_attention_layernorm",
    .gate = "mlp.gate_proj",
    .up = "mlp.up_proj",
    .down = "mlp.down_proj",
};

// --- forward pass ----------------------------------------------------------------------------

class Llama {
 public:
  Llama(graph::Builder& builder, const LlamaConfig& config, const LlamaNames& names,
        std::int64_t context)
      : b_(builder), c_(config), n_(names), context_(context) {}

  graph::ValueId forward() {
    const DecoderFacts& f = c_.facts;
    const auto ids = b_.input("ids", DType::kI32, {graph::kTokens});
    frequencies_ = b_.constant("rope.frequencies", c_.frequencies);
    const auto table = b_.weight(cat(n_.embedding, ".weight"), {f.vocab_size, f.hidden_size});
    auto x = b_.embed(ids, table);  // (tokens, hidden)
    for (std::int64_t i = 0; i < f.layers && !b_.failed(); ++i) {
      b_.set_scope(cat("layers.", i, "."));
      layer_ = std::string(n_.layer);
      layer_.replace(layer_.find("{}"), 2, cat(i));
      x = b_.add("attention_residual", x, attention(norm("attention_norm", n_.attention_norm, x)));
      x = b_.add("ffn_residual", x, ffn(norm("ffn_norm", n_.ffn_norm, x)));
    }
    b_.set_scope("");
    layer_.clear();
    x = norm("final_norm", n_.final_norm, b_.take_rows(x));  // (outputs, hidden)
    const auto output =
        c_.tied ? table : b_.weight(cat(n_.output, ".weight"), {f.vocab_size, f.hidden_size});
    return b_.linear("logits", x, output);  // (outputs, vocabulary)
  }

 private:
  graph::ValueId norm(std::string_view name, std::string_view tensor, graph::ValueId x) {
    return b_.rms_norm(name, x, b_.weight(cat(layer_, tensor, ".weight"), {c_.facts.hidden_size}),
                       {.epsilon = c_.epsilon});
  }

  graph::ValueId linear(std::string_view name, std::string_view tensor, graph::ValueId x,
                        std::int64_t out, std::int64_t in, bool bias) {
    const auto weight = b_.weight(cat(layer_, tensor, ".weight"), {out, in});
    return b_.linear(name, x, weight,
                     bias ? b_.weight(cat(layer_, tensor, ".bias"), {out}) : graph::kNone);
  }

  graph::ValueId attention(graph::ValueId x) {
    const DecoderFacts& f = c_.facts;
    const std::int64_t width = f.heads * f.head_size, kv_width = f.kv_heads * f.head_size;
    auto query = linear("query", n_.query, x, width, f.hidden_size, c_.attention_bias);
    auto key = linear("key", n_.key, x, kv_width, f.hidden_size, c_.attention_bias);
    auto value = linear("value", n_.value, x, kv_width, f.hidden_size, c_.attention_bias);
    query = b_.rope("query_rope", query, frequencies_, rope(f.heads));
    key = b_.rope("key_rope", key, frequencies_, rope(f.kv_heads));
    const auto keys = b_.state("keys", {f.kv_heads, context_, f.head_size});
    const auto values = b_.state("values", {f.kv_heads, context_, f.head_size});
    const auto mixed = b_.attention("attention", query, key, value, keys, values,
                                    {.heads = f.heads,
                                     .kv_heads = f.kv_heads,
                                     .head_size = f.head_size,
                                     .scale = 1.0f / std::sqrt(static_cast<float>(f.head_size))});
    return linear("attention_output", n_.attention_output, mixed, f.hidden_size, width,
                  c_.attention_bias);
  }

  graph::ValueId ffn(graph::ValueId x) {
    const std::int64_t hidden = c_.facts.hidden_size;
    const auto gate = linear("gate", n_.gate, x, c_.ffn_size, hidden, c_.mlp_bias);
    const auto up = linear("up", n_.up, x, c_.ffn_size, hidden, c_.mlp_bias);
    return linear("down", n_.down, b_.glu("glu", gate, up, graph::Activation::kSilu), hidden,
                  c_.ffn_size, c_.mlp_bias);
  }

  graph::RopeParams rope(std::int64_t heads) const {
    return {.heads = heads,
            .head_size = c_.facts.head_size,
            .rotary_size = c_.rotary_size,
            .interleaved = c_.interleaved};
  }

  graph::Builder& b_;
  const LlamaConfig& c_;
  const LlamaNames& n_;
  std::int64_t context_;
  std::string layer_;  ///< prefix of the current layer's tensors
  graph::ValueId frequencies_ = graph::kNone;
};

}  // namespace

Result<Model> build_llama(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  const bool gguf = checkpoint.gguf() != nullptr;
  HEARTH_ASSIGN(LlamaConfig config, gguf ? from_gguf(checkpoint) : from_json(checkpoint));
  config.facts.architecture = "llama";
  Model model;
  HEARTH_ASSIGN(model.context_length, choose_context(wanted_context, config.facts.trained_context));
  graph::Builder builder(ops::op_table(), checkpoint);
  Llama llama(builder, config, gguf ? kGgufNames : kHuggingFaceNames, model.context_length);
  const graph::ValueId logits = llama.forward();
  HEARTH_ASSIGN(model.graph, std::move(builder).finish(logits));
  model.facts = std::move(config.facts);
  return model;
}

}  // namespace hearth::models
