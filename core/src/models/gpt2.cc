// GPT-2 (Radford et al. 2019): positions are learned, layers have norms with biases, and the
// feed-forward no gate. Its matrices are stored (in, out).
#include "models/decoder.h"
#include "models/families.h"

namespace hearth::models {

Result<Model> build_gpt2(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  DecoderFamily family(checkpoint,
                       {.architecture = "gpt2",
                        .context = 1024,
                        .epsilon = 1e-5,
                        .tied = true,
                        .ffn_factor = 4,
                        .epsilon_key = "layer_norm_eps",
                        .activation_key = "activation_function",
                        .activation = "gelu_new"},
                       {{"num_hidden_layers", "n_layer"},
                        {"hidden_size", "n_embd"},
                        {"num_attention_heads", "n_head"},
                        {"max_position_embeddings", "n_positions"},
                        {"intermediate_size", "n_inner"},
                        {"layer_norm_eps", "layer_norm_epsilon"}});
  Settings& settings = family.settings;
  DecoderConfig& config = family.config;
  family.turns = false;
  config.layer_norm = true;
  config.qkv_bias = config.output_bias = config.mlp_bias = true;
  config.transposed = !family.gguf;
  if (!settings.flag_or("scale_attn_weights", true)) config.attention_scale = 1;
  for (const std::string_view key : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"}) {
    if (settings.flag_or(key, false)) settings.refuse(key, "true");
  }
  family.names = {
      // The published files are those of the model without its head.
      .prefix = checkpoint.find("wte.weight") ? "" : "transformer.",
      .embedding = "wte",
      .output = "lm_head",
      .final_norm = "ln_f",
      .positions = "wpe",
      .layer = "h.{}.",
      .attention_norm = "ln_1",
      .query = "",
      .key = "",
      .value = "",
      .qkv = "attn.c_attn",
      .qkv_by_heads = "",
      .query_norm = "",
      .key_norm = "",
      .attention_output = "attn.c_proj",
      .attention_post_norm = "",
      .ffn_norm = "ln_2",
      .gate = "",
      .up = "mlp.c_fc",
      .gate_up = "",
      .down = "mlp.c_proj",
      .ffn_post_norm = "",
  };
  return family.build(wanted_context);
}

}  // namespace hearth::models
