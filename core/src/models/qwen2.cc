// Qwen2 and Qwen2.5: a Llama with biases on query, key and value (arXiv 2407.10671).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_qwen2(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint, {.architecture = "qwen2", .context = 32768});
  family.config.qkv_bias = true;
  read_qwen_windows(family.settings, family.config);
  return family.build(wanted_context);
}

}  // namespace hearth::models
