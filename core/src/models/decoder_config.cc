// What the families' config.json have in common.
#include <algorithm>

#include "base/cat.h"
#include "models/decoder.h"

namespace hearth::models {
namespace {

/// The largest number of layers. The deepest Llama has 126; a file of a few megabytes can name a
/// million tensors, and rewriting and planning a graph takes time that grows with the square.
constexpr std::int64_t kMostLayers = 1024;

/// The largest head. Models in use have up to 256; a table of frequencies is made for it before any
/// tensor has been looked at.
constexpr std::int64_t kLargestHead = 4096;

graph::Activation read_activation(Settings& settings, const DecoderDefaults& defaults) {
  const std::string name = settings.text_or(defaults.activation_key, defaults.activation);
  if (name == "silu" || name == "swish") return graph::Activation::kSilu;
  if (name == "gelu") return graph::Activation::kGelu;
  if (name == "relu") return graph::Activation::kRelu;
  // Three names for one function in transformers' table of activations.
  if (name == "gelu_pytorch_tanh" || name == "gelu_new" || name == "gelu_fast") {
    return graph::Activation::kGeluTanh;
  }
  settings.refuse(defaults.activation_key, name);
  return graph::Activation::kSilu;
}

}  // namespace

DecoderNames hugging_face_names() {
  return {
      .prefix = "model.",
      .embedding = "embed_tokens",
      .output = "lm_head",
      .final_norm = "norm",
      .positions = "",
      .layer = "layers.{}.",
      .attention_norm = "input_layernorm",
      .query = "self_attn.q_proj",
      .key = "self_attn.k_proj",
      .value = "self_attn.v_proj",
      .qkv = "",
      .qkv_by_heads = "",
      .query_norm = "",
      .key_norm = "",
      .attention_output = "self_attn.o_proj",
      .attention_post_norm = "",
      .ffn_norm = "post_attention_layernorm",
      .gate = "mlp.gate_proj",
      .up = "mlp.up_proj",
      .gate_up = "",
      .down = "mlp.down_proj",
      .ffn_post_norm = "",
  };
}

DecoderNames gguf_names(const DecoderNames& theirs) {
  const auto named = [](std::string_view part, std::string_view name) {
    return part.empty() ? part : name;
  };
  // Converters bring rows that lie head by head into one order.
  const std::string_view qkv = theirs.qkv.empty() ? theirs.qkv_by_heads : theirs.qkv;
  return {
      .prefix = "",
      .embedding = "token_embd",
      .output = "output",
      .final_norm = "output_norm",
      .positions = named(theirs.positions, "position_embd"),
      .layer = "blk.{}.",
      .attention_norm = named(theirs.attention_norm, "attn_norm"),
      .query = named(theirs.query, "attn_q"),
      .key = named(theirs.key, "attn_k"),
      .value = named(theirs.value, "attn_v"),
      .qkv = named(qkv, "attn_qkv"),
      .qkv_by_heads = "",
      .query_norm = named(theirs.query_norm, "attn_q_norm"),
      .key_norm = named(theirs.key_norm, "attn_k_norm"),
      .attention_output = "attn_output",
      .attention_post_norm = named(theirs.attention_post_norm, "post_attention_norm"),
      .ffn_norm = named(theirs.ffn_norm, "ffn_norm"),
      .gate = named(theirs.gate, "ffn_gate"),
      .up = named(theirs.up, "ffn_up"),
      .gate_up = named(theirs.gate_up, "ffn_up"),
      .down = "ffn_down",
      .ffn_post_norm = named(theirs.ffn_post_norm, "post_ffw_norm"),
  };
}

// The states of all layers together are at most 2 · kMostLayers · kLargestCount² floats, 2^61
// bytes; the matrices 7 · 2^60; a step's activations less by far.
void check_sizes(Settings& settings, const DecoderConfig& config) {
  const DecoderFacts& facts = config.facts;
  if (facts.layers > kMostLayers) settings.refuse("layers", cat(facts.layers));
  if (facts.head_size > kLargestHead) settings.refuse("head_size", cat(facts.head_size));
  if (config.rotary_size < 2 || config.rotary_size > facts.head_size ||
      config.rotary_size % 2 != 0) {
    settings.refuse("rotary_size", cat(config.rotary_size, " for heads of ", facts.head_size));
  }
  if (facts.heads * facts.head_size > kLargestCount) {
    settings.refuse("heads", cat(facts.heads, " of ", facts.head_size));
  }
  if (facts.vocab_size > kLargestCount) settings.refuse("vocab_size", cat(facts.vocab_size));
  if (facts.heads % facts.kv_heads != 0) {
    settings.refuse("kv_heads", cat(facts.kv_heads, " for ", facts.heads, " heads"));
  }
}

DecoderConfig read_decoder(Settings& settings, const DecoderDefaults& defaults) {
  DecoderConfig config;
  DecoderFacts& facts = config.facts;
  facts.architecture = defaults.architecture;
  facts.layers = settings.count("num_hidden_layers");
  facts.hidden_size = settings.count("hidden_size");
  facts.heads = settings.count("num_attention_heads");
  facts.kv_heads = settings.count_or("num_key_value_heads",
                                     defaults.kv_heads == 0 ? facts.heads : defaults.kv_heads);
  facts.head_size =
      settings.count_or("head_dim", defaults.head_size == 0
                                        ? std::max<std::int64_t>(1, facts.hidden_size / facts.heads)
                                        : defaults.head_size);
  facts.vocab_size = settings.count("vocab_size");
  // transformers has defaults where a GGUF file has to say.
  facts.trained_context = settings.gguf()
                              ? settings.count("max_position_embeddings")
                              : settings.count_or("max_position_embeddings", defaults.context);
  config.epsilon = static_cast<float>(
      settings.gguf() ? settings.number(defaults.epsilon_key)
                      : settings.number_or(defaults.epsilon_key, defaults.epsilon));
  config.ffn_size =
      defaults.ffn_factor == 0
          ? settings.count("intermediate_size")
          : settings.count_or("intermediate_size", defaults.ffn_factor * facts.hidden_size);
  config.tied = settings.flag_or("tie_word_embeddings", defaults.tied);
  config.activation = read_activation(settings, defaults);
  const std::string_view factor_key = settings.has("rope_parameters.partial_rotary_factor")
                                          ? "rope_parameters.partial_rotary_factor"
                                          : "partial_rotary_factor";
  const double part = settings.number_or(factor_key, settings.gguf() ? 1 : defaults.partial_rotary);
  if (!(part > 0 && part <= 1) || (part != 1 && !defaults.may_turn_part)) {
    settings.refuse(factor_key, cat(part));
  }
  config.rotary_size = facts.head_size;
  if (settings.gguf()) {
    config.rotary_size = settings.count_or("gguf.rotary_size", facts.head_size);
    const std::int64_t value_size = settings.count_or("gguf.value_size", facts.head_size);
    if (value_size != facts.head_size) settings.refuse("gguf.value_size", cat(value_size));
  } else if (defaults.may_turn_part && part > 0 && part <= 1) {
    config.rotary_size = static_cast<std::int64_t>(static_cast<double>(facts.head_size) * part);
  }
  check_sizes(settings, config);
  return config;
}

DecoderFamily::DecoderFamily(const Checkpoint& read, const DecoderDefaults& defaults)
    : DecoderFamily(read, defaults, {}) {}

DecoderFamily::DecoderFamily(const Checkpoint& read, const DecoderDefaults& defaults,
                             const Renames& renames)
    : checkpoint(read), settings(Settings::of(read)), gguf(settings.gguf()) {
  for (const auto& [key, name] : renames) settings.rename(key, name);
  config = read_decoder(settings, defaults);
}

Result<Model> DecoderFamily::build(std::int64_t wanted_context) {
  HEARTH_TRY(settings.status());
  if (turns && config.ropes.empty()) {
    const std::int64_t context = context_for(wanted_context, config);
    config.ropes = {read_rope(settings, config.rotary_size, context, rope)};
  }
  settings.refuse_unread();
  HEARTH_TRY(settings.status());
  return build_decoder(checkpoint, std::move(config), gguf ? gguf_names(names) : names,
                       wanted_context);
}

std::int64_t context_for(std::int64_t wanted, const DecoderConfig& config) {
  return choose_context(wanted, config.facts.trained_context).value_or(1);
}

void read_windows(Settings& settings, DecoderConfig& config, std::int64_t otherwise,
                  const Slides& slides) {
  const std::vector<std::string> types = settings.texts("layer_types");
  const std::int64_t window =
      settings.count_or("sliding_window", settings.stated("sliding_window") ? 0 : otherwise);
  // Counts may be out of range until the caller asks for the status.
  if (!settings.status()) return;
  config.layers.resize(static_cast<std::size_t>(config.facts.layers));
  if (settings.has("layer_types") && types.size() != config.layers.size()) {
    settings.refuse("layer_types", cat(types.size(), " for ", config.layers.size(), " layers"));
    return;
  }
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    bool slide = slides(static_cast<std::int64_t>(i));
    if (!types.empty()) {
      slide = types[i] == "sliding_attention";
      if (!slide && types[i] != "full_attention") settings.refuse("layer_types", types[i]);
      if (slide && window == 0)
        settings.refuse("layer_types", "sliding_attention without a window");
    }
    if (slide) config.layers[i].window = window;
  }
}

void read_qwen_windows(Settings& settings, DecoderConfig& config) {
  const bool used = settings.flag_or("use_sliding_window", false);
  const std::int64_t first = settings.count_or("max_window_layers", 28);
  read_windows(settings, config, 0, [&](std::int64_t layer) { return used && layer >= first; });
  for (const LayerOptions& layer : config.layers) {
    if (layer.window != 0 && !used) settings.refuse("layer_types", "a window that is not used");
  }
}

}  // namespace hearth::models
