// Qwen3, the dense ones: a Llama whose query and key heads are each normalized (arXiv 2505.09388).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_qwen3(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  Settings settings = Settings::from_json(checkpoint.config());
  DecoderConfig config =
      read_decoder(settings, {.architecture = "qwen3", .context = 32768, .head_size = 128});
  config.head_norm = HeadNorm::kEachHead;
  config.qkv_bias = config.output_bias = settings.flag_or("attention_bias", false);
  read_qwen_windows(settings, config);
  HEARTH_TRY(settings.status());
  config.ropes = {read_rope(settings, config.rotary_size, context_for(wanted_context, config))};
  HEARTH_TRY(settings.status());
  DecoderNames names = hugging_face_names();
  names.query_norm = "self_attn.q_norm";
  names.key_norm = "self_attn.k_norm";
  return build_decoder(checkpoint, std::move(config), names, wanted_context);
}

}  // namespace hearth::models
