// Mistral: a Llama whose tokens see a window of those before them (Jiang et al. 2023, arXiv
// 2310.06825), in every layer. Its GGUF files say that they are a Llama.
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_mistral(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint, {.architecture = "mistral", .context = 131072, .kv_heads = 8});
  read_windows(family.settings, family.config, 4096, [](std::int64_t) { return true; });
  return family.build(wanted_context);
}

}  // namespace hearth::models
