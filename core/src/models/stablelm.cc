// StableLM 2: a Llama with layer norms, and heads that turn in part (transformers'
// StableLmConfig).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_stablelm(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  Settings settings = Settings::from_json(checkpoint.config());
  DecoderConfig config = read_decoder(settings, {.architecture = "stablelm",
                                                 .context = 4096,
                                                 .epsilon = 1e-5,
                                                 .epsilon_key = "layer_norm_eps",
                                                 .partial_rotary = 0.25,
                                                 .may_turn_part = true});
  config.layer_norm = true;
  config.qkv_bias = settings.flag_or("use_qkv_bias", false);
  for (const std::string_view key : {"qk_layernorm", "use_parallel_residual"}) {
    if (settings.flag_or(key, false)) settings.refuse(key, "true");
  }
  HEARTH_TRY(settings.status());
  config.ropes = {read_rope(settings, config.rotary_size, context_for(wanted_context, config))};
  HEARTH_TRY(settings.status());
  return build_decoder(checkpoint, std::move(config), hugging_face_names(), wanted_context);
}

}  // namespace hearth::models
