// Granite 3: a Llama with a multiplier wherever values meet (transformers' GraniteConfig).
#include <cmath>

#include "base/cat.h"
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_granite(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint, {.architecture = "granite"});
  Settings& settings = family.settings;
  DecoderConfig& config = family.config;
  config.interleaved = family.gguf;
  config.qkv_bias = config.output_bias = settings.flag_or("attention_bias", false);
  config.mlp_bias = settings.flag_or("mlp_bias", false);
  const auto multiplier = [&](std::string_view key) {
    const double value = settings.number_or(key, 1);
    // As a float, too: attention_scale's zero means another rule, and logits are divided by theirs.
    const auto rounded = static_cast<float>(value);
    if (!(rounded > 0) || !std::isfinite(rounded)) settings.refuse(key, cat(value));
    return rounded;
  };
  config.embedding_scale = multiplier("embedding_multiplier");
  config.residual_scale = multiplier("residual_multiplier");
  config.logits_scale = 1 / multiplier("logits_scaling");
  // A GGUF file without it has the usual scale.
  if (!family.gguf || settings.has("attention_multiplier")) {
    config.attention_scale = multiplier("attention_multiplier");
  }
  return family.build(wanted_context);
}

}  // namespace hearth::models
