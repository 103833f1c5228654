// Gemma 1, 2 and 3: a gated GELU, embeddings times the root of their width, and norms whose weights
// are stored less one (arXiv 2403.08295). Gemma 2 adds norms after each part, soft caps and windows
// in every other layer (arXiv 2408.00118); Gemma 3 normalizes heads instead of capping scores, and
// turns its layers with windows by another base (arXiv 2503.19786).
#include <algorithm>
#include <cmath>

#include "base/cat.h"
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {
namespace {

/// Layers of the sizes of 27 billion weights.
constexpr std::int64_t kGemma2Largest = 46, kGemma3Largest = 62;

DecoderDefaults gemma_defaults(DecoderDefaults defaults) {
  defaults.head_size = 256;
  defaults.tied = true;
  defaults.activation = "gelu_pytorch_tanh";
  // Gemma 1 was published with "hidden_act": "gelu" and meant the approximation; transformers reads
  // "hidden_activation" where it is given.
  defaults.activation_key = "hidden_activation";
  return defaults;
}

void read_gemma(DecoderFamily& family) {
  Settings& settings = family.settings;
  DecoderConfig& config = family.config;
  if (!settings.has("hidden_activation")) {
    const std::string old = settings.text_or("hidden_act", "gelu_pytorch_tanh");
    if (old != "gelu" && old != "gelu_pytorch_tanh") settings.refuse("hidden_act", old);
  }
  // GGUF files have the one added.
  config.norm_offset = family.gguf ? 0 : 1;
  config.embedding_scale = std::sqrt(static_cast<float>(config.facts.hidden_size));
  config.qkv_bias = config.output_bias = settings.flag_or("attention_bias", false);
  if (settings.flag_or("use_bidirectional_attention", false)) {
    settings.refuse("use_bidirectional_attention", "true");
  }
}

/// What Gemma 2 and 3 share: a scale of its own and soft caps, which null turns off. The caps are
/// transformers' defaults for a config.json without them; 0 is none. `largest` has so many layers.
void read_second(DecoderFamily& family, double attention_cap, double logits_cap,
                 std::int64_t largest) {
  Settings& settings = family.settings;
  DecoderConfig& config = family.config;
  const auto positive = [&](std::string_view key, double otherwise) {
    const double value = settings.number_or(key, settings.stated(key) ? 0 : otherwise);
    const auto rounded = static_cast<float>(value);
    if (settings.has(key) && (!(rounded > 0) || !std::isfinite(rounded))) {
      settings.refuse(key, cat(value));
    }
    return rounded;
  };
  if (family.gguf) {
    // Files that do not say have the scale of the published sizes, of which the largest has one of
    // its own, as in llama.cpp.
    const DecoderFacts& facts = config.facts;
    const std::int64_t per_head = std::max<std::int64_t>(1, facts.hidden_size / facts.heads);
    const std::int64_t scalar = facts.layers == largest ? per_head : facts.head_size;
    const float usual = 1 / std::sqrt(static_cast<float>(scalar));
    config.attention_scale = positive("attention_multiplier", static_cast<double>(usual));
  } else {
    const float scalar = positive("query_pre_attn_scalar", 256);
    if (!(scalar > 0)) settings.refuse("query_pre_attn_scalar", "null");
    config.attention_scale = 1 / std::sqrt(scalar);
  }
  config.attention_soft_cap = positive("attn_logit_softcapping", attention_cap);
  config.logits_soft_cap = positive("final_logit_softcapping", logits_cap);
}

DecoderNames second_names() {
  DecoderNames names = hugging_face_names();
  names.attention_post_norm = "post_attention_layernorm";
  names.ffn_norm = "pre_feedforward_layernorm";
  names.ffn_post_norm = "post_feedforward_layernorm";
  return names;
}

/// How Gemma 3 turns: "rope_parameters" has an object for each type of layer, or, in the old style,
/// "rope_local_base_freq" is the base of the layers with windows, which no scaling stretches.
void read_two_ropes(Settings& settings, DecoderConfig& config, std::int64_t context) {
  // GGUF's default is RoFormer's.
  RopeKeys global{.default_base = settings.gguf() ? kDefaultRopeBase : 1000000};
  RopeKeys local{.base = "rope_local_base_freq", .scaling = "", .parameters = ""};
  if (settings.has("rope_parameters")) {
    global.parameters = "rope_parameters.full_attention";
    local.parameters = "rope_parameters.sliding_attention";
    for (const std::string_view key : {global.parameters, local.parameters}) {
      if (!settings.has(key)) settings.number(key);  // records what is missing
    }
  }
  if (!settings.status()) return;
  config.ropes = {read_rope(settings, config.rotary_size, context, global),
                  read_rope(settings, config.rotary_size, context, local)};
  for (LayerOptions& layer : config.layers) layer.rope = layer.window == 0 ? 0 : 1;
}

}  // namespace

Result<Model> build_gemma(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint, gemma_defaults({.architecture = "gemma", .context = 8192}));
  read_gemma(family);
  return family.build(wanted_context);
}

Result<Model> build_gemma2(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint,
                       gemma_defaults({.architecture = "gemma2", .context = 8192, .kv_heads = 4}));
  read_gemma(family);
  read_second(family, 50, 30, kGemma2Largest);
  read_windows(family.settings, family.config, 4096,
               [](std::int64_t layer) { return layer % 2 == 0; });
  family.names = second_names();
  return family.build(wanted_context);
}

Result<Model> build_gemma3(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(
      checkpoint, gemma_defaults({.architecture = "gemma3", .context = 131072, .kv_heads = 4}));
  Settings& settings = family.settings;
  DecoderConfig& config = family.config;
  read_gemma(family);
  config.head_norm = HeadNorm::kEachHead;
  read_second(family, 0, 0, kGemma3Largest);
  // One layer in so many sees everything.
  const std::int64_t pattern =
      settings.count_or("sliding_window_pattern", settings.count_or("_sliding_window_pattern", 6));
  read_windows(settings, config, 4096,
               [&](std::int64_t layer) { return (layer + 1) % pattern != 0; });
  HEARTH_TRY(settings.status());
  read_two_ropes(settings, config, context_for(wanted_context, config));
  family.names = second_names();
  family.names.query_norm = "self_attn.q_norm";
  family.names.key_norm = "self_attn.k_norm";
  return family.build(wanted_context);
}

}  // namespace hearth::models
