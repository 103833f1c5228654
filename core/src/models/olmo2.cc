// OLMo 2: a Llama with its norms after attention and feed-forward instead of before, and with query
// and key normalized over all heads together (arXiv 2501.00656).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_olmo2(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint, {.architecture = "olmo2", .epsilon = 1e-5});
  family.config.head_norm = HeadNorm::kFullWidth;
  family.config.qkv_bias = family.config.output_bias =
      family.settings.flag_or("attention_bias", false);
  DecoderNames& names = family.names;
  names.attention_norm = names.ffn_norm = "";
  names.attention_post_norm = "post_attention_layernorm";
  names.ffn_post_norm = "post_feedforward_layernorm";
  names.query_norm = "self_attn.q_norm";
  names.key_norm = "self_attn.k_norm";
  return family.build(wanted_context);
}

}  // namespace hearth::models
