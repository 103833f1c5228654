#include "models/shapes.h"

#include "base/cat.h"

namespace hearth::models {
namespace {

/// As the models' config.json files have them.
struct ModelShape {
  std::string_view name;
  std::string_view type;
  std::int64_t hidden, layers, heads, kv_heads, head_size, ffn, vocab;
  bool tied;
  bool qkv_bias = false;
  bool joined = false;  ///< query, key and value are one tensor, and so are gate and up
};

constexpr ModelShape kShapes[] = {
    {"smollm2-135m", "llama", 576, 30, 9, 3, 64, 1536, 49152, true},
    {"llama-3.2-1b", "llama", 2048, 16, 32, 8, 64, 8192, 128256, true},
    {"llama-3.2-3b", "llama", 3072, 28, 24, 8, 128, 8192, 128256, true},
    {"llama-3.1-8b", "llama", 4096, 32, 32, 8, 128, 14336, 128256, false},
    {"qwen2-1.5b", "qwen2", 1536, 28, 12, 2, 128, 8960, 151936, true, true},
    {"phi-3-mini", "phi3", 3072, 32, 32, 32, 96, 8192, 32064, false, false, true},
};

/// Enough for the contexts that a bench asks for.
constexpr std::int64_t kContext = 32768;

std::string config_of(const ModelShape& shape) {
  return cat("{\"model_type\":\"", shape.type, "\",\"hidden_size\":", shape.hidden,
             ",\"num_hidden_layers\":", shape.layers, ",\"num_attention_heads\":", shape.heads,
             ",\"num_key_value_heads\":", shape.kv_heads, ",\"head_dim\":", shape.head_size,
             ",\"intermediate_size\":", shape.ffn, ",\"vocab_size\":", shape.vocab,
             ",\"max_position_embeddings\":", kContext,
             ",\"rms_norm_eps\":1e-5,\"rope_theta\":500000,\"hidden_act\":\"silu\","
             "\"tie_word_embeddings\":",
             shape.tied, "}");
}

}  // namespace

std::vector<std::string> shape_names() {
  std::vector<std::string> names;
  for (const ModelShape& shape : kShapes) names.emplace_back(shape.name);
  return names;
}

Result<Checkpoint> shape_checkpoint(std::string_view name) {
  for (const ModelShape& s : kShapes) {
    if (s.name != name) continue;
    SafetensorsHeader header;
    std::uint64_t offset = 0;
    const auto add = [&](std::string tensor, DType dtype, Shape dims) -> Result<void> {
      TensorInfo info{.name = std::move(tensor), .dtype = dtype, .shape = dims, .offset = offset};
      HEARTH_ASSIGN(info.bytes, tensor_bytes(dtype, dims, info.name));
      offset += info.bytes;
      return header.directory.add(std::move(info));
    };
    const std::int64_t width = s.heads * s.head_size, kv_width = s.kv_heads * s.head_size;
    HEARTH_TRY(add("model.embed_tokens.weight", DType::kQ4_0, {s.vocab, s.hidden}));
    for (std::int64_t i = 0; i < s.layers; ++i) {
      const std::string layer = cat("model.layers.", i, ".");
      HEARTH_TRY(add(layer + "input_layernorm.weight", DType::kF32, {s.hidden}));
      if (s.joined) {
        HEARTH_TRY(add(layer + "self_attn.qkv_proj.weight", DType::kQ4_0,
                       {width + 2 * kv_width, s.hidden}));
        HEARTH_TRY(add(layer + "mlp.gate_up_proj.weight", DType::kQ4_0, {2 * s.ffn, s.hidden}));
      } else {
        HEARTH_TRY(add(layer + "self_attn.q_proj.weight", DType::kQ4_0, {width, s.hidden}));
        HEARTH_TRY(add(layer + "self_attn.k_proj.weight", DType::kQ4_0, {kv_width, s.hidden}));
        HEARTH_TRY(add(layer + "self_attn.v_proj.weight", DType::kQ4_0, {kv_width, s.hidden}));
        HEARTH_TRY(add(layer + "mlp.gate_proj.weight", DType::kQ4_0, {s.ffn, s.hidden}));
        HEARTH_TRY(add(layer + "mlp.up_proj.weight", DType::kQ4_0, {s.ffn, s.hidden}));
      }
      if (s.qkv_bias) {
        HEARTH_TRY(add(layer + "self_attn.q_proj.bias", DType::kF32, {width}));
        HEARTH_TRY(add(layer + "self_attn.k_proj.bias", DType::kF32, {kv_width}));
        HEARTH_TRY(add(layer + "self_attn.v_proj.bias", DType::kF32, {kv_width}));
      }
      HEARTH_TRY(add(layer + "self_attn.o_proj.weight", DType::kQ4_0, {s.hidden, width}));
      HEARTH_TRY(add(layer + "post_attention_layernorm.weight", DType::kF32, {s.hidden}));
      HEARTH_TRY(add(layer + "mlp.down_proj.weight", DType::kQ4_0, {s.hidden, s.ffn}));
    }
    HEARTH_TRY(add("model.norm.weight", DType::kF32, {s.hidden}));
    if (!s.tied) HEARTH_TRY(add("lm_head.weight", DType::kQ4_0, {s.vocab, s.hidden}));
    auto file = std::make_shared<SourceFile>();
    file->name = name;
    file->size = offset;
    file->header = std::move(header);
    return Checkpoint::make({std::move(file)}, config_of(s));
  }
  std::string known;
  for (const std::string& each : shape_names()) known += cat(known.empty() ? "" : ", ", each);
  return fail(ErrorCode::kInvalidArgument,
              cat("\"", name, "\" is no shape that is known; there are ", known, "."), "shape");
}

}  // namespace hearth::models
