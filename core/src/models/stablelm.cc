// StableLM 2: a Llama with layer norms, and heads that turn in part (transformers'
// StableLmConfig).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_stablelm(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint, {.architecture = "stablelm",
                                    .context = 4096,
                                    .epsilon = 1e-5,
                                    .epsilon_key = "layer_norm_eps",
                                    .partial_rotary = 0.25,
                                    .may_turn_part = true});
  family.config.layer_norm = true;
  family.config.qkv_bias = family.settings.flag_or("use_qkv_bias", false);
  for (const std::string_view key : {"qk_layernorm", "use_parallel_residual"}) {
    if (family.settings.flag_or(key, false)) family.settings.refuse(key, "true");
  }
  return family.build(wanted_context);
}

}  // namespace hearth::models
