// Llama and those that share its architecture (SmolLM2, TinyLlama; in GGUF files Mistral, too).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_llama(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint, {.architecture = "llama"});
  family.config.interleaved = family.gguf;
  family.config.qkv_bias = family.config.output_bias =
      family.settings.flag_or("attention_bias", false);
  family.config.mlp_bias = family.settings.flag_or("mlp_bias", false);
  return family.build(wanted_context);
}

}  // namespace hearth::models
