// Phi-3 and Phi-3.5: a Llama with query, key and value in one matrix and gate and up in another,
// long texts by LongRoPE, and in some sizes heads that turn in part (arXiv 2404.14219).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_phi3(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(
      checkpoint,
      {.architecture = "phi3", .context = 4096, .epsilon = 1e-5, .may_turn_part = true});
  read_windows(family.settings, family.config, 0, [](std::int64_t) { return true; });
  DecoderNames& names = family.names;
  names.query = names.key = names.value = "";
  names.qkv = "self_attn.qkv_proj";
  names.gate = names.up = "";
  names.gate_up = "mlp.gate_up_proj";
  return family.build(wanted_context);
}

}  // namespace hearth::models
