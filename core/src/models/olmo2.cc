// OLMo 2: a Llama with its norms after attention and feed-forward instead of before, and with query
// and key normalized over all heads together (arXiv 2501.00656).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_olmo2(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  Settings settings = Settings::from_json(checkpoint.config());
  DecoderConfig config = read_decoder(settings, {.architecture = "olmo2", .epsilon = 1e-5});
  config.head_norm = HeadNorm::kFullWidth;
  config.qkv_bias = config.output_bias = settings.flag_or("attention_bias", false);
  HEARTH_TRY(settings.status());
  config.ropes = {read_rope(settings, config.rotary_size, context_for(wanted_context, config))};
  HEARTH_TRY(settings.status());
  DecoderNames names = hugging_face_names();
  names.attention_norm = names.ffn_norm = "";
  names.attention_post_norm = "post_attention_layernorm";
  names.ffn_post_norm = "post_feedforward_layernorm";
  names.query_norm = "self_attn.q_norm";
  names.key_norm = "self_attn.k_norm";
  return build_decoder(checkpoint, std::move(config), names, wanted_context);
}

}  // namespace hearth::models
