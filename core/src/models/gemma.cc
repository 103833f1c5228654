// Gemma 1, 2 and 3: a gated GELU, embeddings times the root of their width, and norms whose weights
// are stored less one (arXiv 2403.08295). Gemma 2 adds norms after each part, soft caps and windows
// in every other layer (arXiv 2408.00118); Gemma 3 normalizes heads instead of capping scores, and
// turns its layers with windows by another base (arXiv 2503.19786).
#include <cmath>

#include "base/cat.h"
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {
namespace {

DecoderConfig read_gemma(Settings& settings, DecoderDefaults defaults) {
  defaults.head_size = 256;
  defaults.tied = true;
  defaults.activation = "gelu_pytorch_tanh";
  // Gemma 1 was published with "hidden_act": "gelu" and meant the approximation; transformers reads
  // "hidden_activation" where it is given.
  defaults.activation_key = "hidden_activation";
  DecoderConfig config = read_decoder(settings, defaults);
  if (!settings.has("hidden_activation")) {
    const std::string old = settings.text_or("hidden_act", "gelu_pytorch_tanh");
    if (old != "gelu" && old != "gelu_pytorch_tanh") settings.refuse("hidden_act", old);
  }
  config.norm_offset = 1;
  config.embedding_scale = std::sqrt(static_cast<float>(config.facts.hidden_size));
  config.qkv_bias = config.output_bias = settings.flag_or("attention_bias", false);
  if (settings.flag_or("use_bidirectional_attention", false)) {
    settings.refuse("use_bidirectional_attention", "true");
  }
  return config;
}

/// What Gemma 2 and 3 share: a scale of its own and soft caps, which null turns off. The caps are
/// transformers' defaults for a config.json without them; 0 is none.
void read_second(Settings& settings, DecoderConfig& config, double attention_cap,
                 double logits_cap) {
  const auto positive = [&](std::string_view key, double otherwise) {
    const double value = settings.number_or(key, settings.stated(key) ? 0 : otherwise);
    const auto rounded = static_cast<float>(value);
    if (settings.has(key) && (!(rounded > 0) || !std::isfinite(rounded))) {
      settings.refuse(key, cat(value));
    }
    return rounded;
  };
  const float scalar = positive("query_pre_attn_scalar", 256);
  if (!(scalar > 0)) settings.refuse("query_pre_attn_scalar", "null");
  config.attention_scale = 1 / std::sqrt(scalar);
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
  constexpr double kGlobalBase = 1000000;
  RopeKeys global{.default_base = kGlobalBase};
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
  Settings settings = Settings::from_json(checkpoint.config());
  DecoderConfig config = read_gemma(settings, {.architecture = "gemma", .context = 8192});
  HEARTH_TRY(settings.status());
  config.ropes = {read_rope(settings, config.rotary_size, context_for(wanted_context, config))};
  HEARTH_TRY(settings.status());
  return build_decoder(checkpoint, std::move(config), hugging_face_names(), wanted_context);
}

Result<Model> build_gemma2(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  Settings settings = Settings::from_json(checkpoint.config());
  DecoderConfig config =
      read_gemma(settings, {.architecture = "gemma2", .context = 8192, .kv_heads = 4});
  read_second(settings, config, 50, 30);
  read_windows(settings, config, 4096, [](std::int64_t layer) { return layer % 2 == 0; });
  HEARTH_TRY(settings.status());
  config.ropes = {read_rope(settings, config.rotary_size, context_for(wanted_context, config))};
  HEARTH_TRY(settings.status());
  return build_decoder(checkpoint, std::move(config), second_names(), wanted_context);
}

Result<Model> build_gemma3(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  Settings settings = Settings::from_json(checkpoint.config());
  DecoderConfig config =
      read_gemma(settings, {.architecture = "gemma3", .context = 131072, .kv_heads = 4});
  config.head_norm = HeadNorm::kEachHead;
  read_second(settings, config, 0, 0);
  // One layer in so many sees everything.
  const std::int64_t pattern =
      settings.count_or("sliding_window_pattern", settings.count_or("_sliding_window_pattern", 6));
  read_windows(settings, config, 4096,
               [&](std::int64_t layer) { return (layer + 1) % pattern != 0; });
  HEARTH_TRY(settings.status());
  read_two_ropes(settings, config, context_for(wanted_context, config));
  HEARTH_TRY(settings.status());
  DecoderNames names = second_names();
  names.query_norm = "self_attn.q_norm";
  names.key_norm = "self_attn.k_norm";
  return build_decoder(checkpoint, std::move(config), names, wanted_context);
}

}  // namespace hearth::models
