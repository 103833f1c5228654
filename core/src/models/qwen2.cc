// Qwen2 and Qwen2.5: a Llama with biases on query, key and value (arXiv 2407.10671).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_qwen2(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  Settings settings = Settings::from_json(checkpoint.config());
  DecoderConfig config = read_decoder(settings, {.architecture = "qwen2", .context = 32768});
  config.qkv_bias = true;
  read_qwen_windows(settings, config);
  HEARTH_TRY(settings.status());
  config.ropes = {read_rope(settings, config.rotary_size, context_for(wanted_context, config))};
  HEARTH_TRY(settings.status());
  return build_decoder(checkpoint, std::move(config), hugging_face_names(), wanted_context);
}

}  // namespace hearth::models
