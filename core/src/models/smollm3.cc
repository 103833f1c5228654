// SmolLM3: a Llama in which every so many layers do not turn queries and keys.
#include "base/cat.h"
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

namespace {

/// `no_rope_layers` has a 1 for each layer that turns and a 0 for each that does not; without it
/// every `no_rope_layer_interval`-th layer does not.
void read_no_rope(Settings& settings, DecoderConfig& config) {
  const std::vector<double> turns = settings.numbers("no_rope_layers");
  const std::int64_t interval = settings.count_or("no_rope_layer_interval", 4);
  if (!settings.status()) return;
  const auto layers = static_cast<std::size_t>(config.facts.layers);
  if (settings.has("no_rope_layers") && turns.size() != layers) {
    settings.refuse("no_rope_layers", cat(turns.size(), " for ", layers, " layers"));
    return;
  }
  for (std::size_t i = 0; i < layers; ++i) {
    const bool turned =
        turns.empty() ? (static_cast<std::int64_t>(i) + 1) % interval != 0 : turns[i] != 0;
    if (!turned) config.layers[i].rope = LayerOptions::kNoRope;
  }
}

}  // namespace

Result<Model> build_smollm3(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint, {.architecture = "smollm3", .context = 32768, .tied = true});
  Settings& settings = family.settings;
  DecoderConfig& config = family.config;
  config.interleaved = family.gguf;
  config.qkv_bias = config.output_bias = settings.flag_or("attention_bias", false);
  config.mlp_bias = settings.flag_or("mlp_bias", false);
  read_qwen_windows(settings, config);
  read_no_rope(settings, config);
  if (!family.gguf) family.rope.default_base = 2000000;
  return family.build(wanted_context);
}

}  // namespace hearth::models
