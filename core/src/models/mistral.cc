// Mistral: a Llama whose tokens see a window of those before them (Jiang et al. 2023, arXiv
// 2310.06825), in every layer.
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_mistral(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  Settings settings = Settings::from_json(checkpoint.config());
  DecoderConfig config =
      read_decoder(settings, {.architecture = "mistral", .context = 131072, .kv_heads = 8});
  read_windows(settings, config, 4096, [](std::int64_t) { return true; });
  HEARTH_TRY(settings.status());
  config.ropes = {read_rope(settings, config.rotary_size, context_for(wanted_context, config))};
  HEARTH_TRY(settings.status());
  return build_decoder(checkpoint, std::move(config), hugging_face_names(), wanted_context);
}

}  // namespace hearth::models
