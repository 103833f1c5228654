// GPT-NeoX and Pythia (arXiv 2204.06745): attention and feed-forward side by side, heads that turn
// in part, and rows of query, key and value that lie head by head.
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_gpt_neox(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(
      checkpoint,
      {.architecture = "gpt_neox",
       .epsilon = 1e-5,
       .epsilon_key = "layer_norm_eps",
       .activation = "gelu",
       .partial_rotary = 0.25,
       .may_turn_part = true},
      {{"partial_rotary_factor", "rotary_pct"}, {"rope_theta", "rotary_emb_base"}});
  Settings& settings = family.settings;
  DecoderConfig& config = family.config;
  config.layer_norm = true;
  config.qkv_bias = config.output_bias = settings.flag_or("attention_bias", true);
  config.mlp_bias = true;
  config.parallel = settings.flag_or("use_parallel_residual", true);
  // Every head has a key of its own, and their rows are counted so.
  if (config.facts.kv_heads != config.facts.heads) {
    settings.refuse("num_key_value_heads", "other than as many as heads");
  }
  DecoderNames& names = family.names;
  names.prefix = "gpt_neox.";
  names.embedding = "embed_in";
  names.output = "embed_out";
  names.final_norm = "final_layer_norm";
  names.query = names.key = names.value = "";
  names.qkv_by_heads = "attention.query_key_value";
  names.attention_output = "attention.dense";
  names.gate = "";
  names.up = "mlp.dense_h_to_4h";
  names.down = "mlp.dense_4h_to_h";
  return family.build(wanted_context);
}

}  // namespace hearth::models
