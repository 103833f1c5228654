#include "models/llama.h"

#include <algorithm>

#include "models/decoder.h"

namespace hearth::models {
namespace {

// --- configuration ---------------------------------------------------------------------------

Result<DecoderConfig> from_gguf(const Checkpoint& checkpoint) {
  Settings settings = Settings::from_gguf(*checkpoint.gguf(), "llama");
  DecoderConfig config;
  DecoderFacts& facts = config.facts;
  facts.architecture = "llama";
  facts.layers = settings.count("{arch}.block_count");
  facts.hidden_size = settings.count("{arch}.embedding_length");
  facts.heads = settings.count("{arch}.attention.head_count");
  facts.kv_heads = settings.count_or("{arch}.attention.head_count_kv", facts.heads);
  facts.head_size = settings.count_or("{arch}.attention.key_length",
                                      std::max<std::int64_t>(1, facts.hidden_size / facts.heads));
  facts.trained_context = settings.count("{arch}.context_length");
  config.ffn_size = settings.count("{arch}.feed_forward_length");
  config.epsilon = static_cast<float>(settings.number("{arch}.attention.layer_norm_rms_epsilon"));
  config.rotary_size = settings.count_or("{arch}.rope.dimension_count", facts.head_size);
  config.interleaved = true;
  if (settings.has("{arch}.expert_count"))
    settings.refuse("{arch}.expert_count", "a mixture of experts");
  // Llama 3.1's frequency factors come as a tensor, which is not read yet; without them it would
  // run wrongly.
  if (checkpoint.find("rope_freqs.weight"))
    settings.refuse("rope_freqs.weight", "a tensor of factors");
  if (const auto table = checkpoint.find("token_embd.weight")) {
    facts.vocab_size = table->info.shape.rank() == 2 ? table->info.shape[0] : 1;
  }
  config.tied = !checkpoint.find("output.weight");
  config.qkv_bias = config.output_bias = checkpoint.find("blk.0.attn_q.bias").has_value();
  config.mlp_bias = checkpoint.find("blk.0.ffn_up.bias").has_value();
  check_sizes(settings, config);
  HEARTH_TRY(settings.status());
  config.ropes = {read_gguf_rope(settings, config.rotary_size)};
  HEARTH_TRY(settings.status());
  return config;
}

Result<DecoderConfig> from_json(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  Settings settings = Settings::from_json(checkpoint.config());
  DecoderConfig config = read_decoder(settings, {.architecture = "llama"});
  config.qkv_bias = config.output_bias = settings.flag_or("attention_bias", false);
  config.mlp_bias = settings.flag_or("mlp_bias", false);
  HEARTH_TRY(settings.status());
  config.ropes = {read_rope(settings, config.rotary_size, context_for(wanted_context, config))};
  HEARTH_TRY(settings.status());
  return config;
}

// --- weight names ----------------------------------------------------------------------------

constexpr DecoderNames kGgufNames = {
    .embedding = "token_embd",
    .output = "output",
    .final_norm = "output_norm",
    .layer = "blk.{}.",
    .attention_norm = "attn_norm",
    .query = "attn_q",
    .key = "attn_k",
    .value = "attn_v",
    .qkv = "",
    .query_norm = "",
    .key_norm = "",
    .attention_output = "attn_output",
    .attention_post_norm = "",
    .ffn_norm = "ffn_norm",
    .gate = "ffn_gate",
    .up = "ffn_up",
    .gate_up = "",
    .down = "ffn_down",
    .ffn_post_norm = "",
};

}  // namespace

Result<Model> build_llama(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  const bool gguf = checkpoint.gguf() != nullptr;
  HEARTH_ASSIGN(DecoderConfig config,
                gguf ? from_gguf(checkpoint) : from_json(checkpoint, wanted_context));
  return build_decoder(checkpoint, std::move(config), gguf ? kGgufNames : hugging_face_names(),
                       wanted_context);
}

}  // namespace hearth::models
