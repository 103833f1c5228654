// Qwen3, the dense ones: a Llama whose query and key heads are each normalized (arXiv 2505.09388).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_qwen3(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint, {.architecture = "qwen3", .context = 32768, .head_size = 128});
  family.config.head_norm = HeadNorm::kEachHead;
  family.config.qkv_bias = family.config.output_bias =
      family.settings.flag_or("attention_bias", false);
  read_qwen_windows(family.settings, family.config);
  family.names.query_norm = "self_attn.q_norm";
  family.names.key_norm = "self_attn.k_norm";
  return family.build(wanted_context);
}

}  // namespace hearth::models
