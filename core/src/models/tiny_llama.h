// A complete Llama of a few thousand random weights, for tests: as one GGUF file with its
// tokenizer, and as safetensors with a config.json. What a test wants wrong it changes before it
// writes the file.
//
//   TinyLlama tiny({.matrix = DType::kQ4_1});
//   tiny.metadata.erase("llama.block_count");
//   std::vector<std::uint8_t> file = tiny.gguf();
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "cpu/test_support.h"
#include "formats/gguf_builder.h"
#include "formats/safetensors_builder.h"
#include "models/checkpoint.h"
#include "quant/dequantize.h"
#include "text/tiny_vocab.h"

namespace hearth::testing {

struct TinyOptions {
  DType matrix = DType::kF32;
  DType value_matrix = DType::kF32;  ///< of attn_v, which quantizers like to keep finer
  bool mixed = false;                ///< use value_matrix; otherwise every matrix has one type
  DType vector = DType::kF32;        ///< of norms and biases
  bool tied = true;
  bool attention_bias = false;
  bool mlp_bias = false;
  std::int64_t layers = 2;
  std::int64_t hidden = 64;  // whole blocks of 32
  std::int64_t heads = 4;
  std::int64_t kv_heads = 2;
  std::int64_t head_size = 16;
  std::int64_t ffn = 96;
  std::int64_t context = 64;
  std::uint32_t seed = 1;
};

struct TinyTensor {
  DType dtype = DType::kF32;
  Shape shape;
  std::vector<std::uint8_t> bytes;

  std::vector<float> floats() const {
    std::vector<float> out(static_cast<std::size_t>(shape.elements()));
    dequantize(dtype, bytes, out);
    return out;
  }
};

class TinyLlama {
 public:
  using Scalar = std::variant<std::uint32_t, float, std::string>;

  /// tiny_vocab()'s 265 tokens and three control tokens: a whole number of groups of four rows.
  static constexpr std::int64_t kVocab = 268;
  static constexpr std::uint32_t kBegin = 265;
  static constexpr std::uint32_t kEnd = 266;  ///< the tokenizer's stop token

  TinyOptions options;
  std::map<std::string, Scalar> metadata;     ///< GGUF's, without the tokenizer's lists
  std::map<std::string, TinyTensor> tensors;  ///< by GGUF name
  nlohmann::json config;                      ///< config.json

  explicit TinyLlama(TinyOptions wanted = {}) : options(wanted), random_(wanted.seed) {
    const TinyOptions& o = options;
    const auto u32 = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
    metadata = {{"general.architecture", "llama"},
                {"general.name", "tiny"},
                {"llama.block_count", u32(o.layers)},
                {"llama.embedding_length", u32(o.hidden)},
                {"llama.attention.head_count", u32(o.heads)},
                {"llama.attention.head_count_kv", u32(o.kv_heads)},
                {"llama.attention.key_length", u32(o.head_size)},
                {"llama.context_length", u32(o.context)},
                {"llama.feed_forward_length", u32(o.ffn)},
                {"llama.attention.layer_norm_rms_epsilon", 1e-5F},
                {"llama.rope.dimension_count", u32(o.head_size)},
                {"llama.rope.freq_base", 10000.0F},
                {"tokenizer.ggml.model", "gpt2"},
                {"tokenizer.ggml.pre", "smollm"},
                {"tokenizer.ggml.bos_token_id", kBegin},
                {"tokenizer.ggml.eos_token_id", kEnd}};
    config = {{"model_type", "llama"},
              {"num_hidden_layers", o.layers},
              {"hidden_size", o.hidden},
              {"num_attention_heads", o.heads},
              {"num_key_value_heads", o.kv_heads},
              {"head_dim", o.head_size},
              {"vocab_size", kVocab},
              {"max_position_embeddings", o.context},
              {"intermediate_size", o.ffn},
              {"rms_norm_eps", 1e-5},
              {"rope_theta", 10000.0},
              {"hidden_act", "silu"},
              {"attention_bias", o.attention_bias},
              {"mlp_bias", o.mlp_bias},
              {"tie_word_embeddings", o.tied}};

    const std::int64_t width = o.heads * o.head_size, kv_width = o.kv_heads * o.head_size;
    matrix("token_embd.weight", kVocab, o.hidden);
    if (!o.tied) matrix("output.weight", kVocab, o.hidden);
    vector("output_norm.weight", o.hidden, 1);
    for (std::int64_t i = 0; i < o.layers; ++i) {
      const auto linear = [&](std::string_view name, std::int64_t out, std::int64_t in, bool bias) {
        matrix(cat("blk.", i, ".", name, ".weight"), out, in);
        if (bias) vector(cat("blk.", i, ".", name, ".bias"), out, 0);
      };
      vector(cat("blk.", i, ".attn_norm.weight"), o.hidden, 1);
      linear("attn_q", width, o.hidden, o.attention_bias);
      linear("attn_k", kv_width, o.hidden, o.attention_bias);
      linear("attn_v", kv_width, o.hidden, o.attention_bias);
      linear("attn_output", o.hidden, width, o.attention_bias);
      vector(cat("blk.", i, ".ffn_norm.weight"), o.hidden, 1);
      linear("ffn_gate", o.ffn, o.hidden, o.mlp_bias);
      linear("ffn_up", o.ffn, o.hidden, o.mlp_bias);
      linear("ffn_down", o.hidden, o.ffn, o.mlp_bias);
    }
  }

  /// Every element of a tensor of floats becomes `value`.
  void fill(const std::string& name, float value) {
    TinyTensor& tensor = tensors.at(name);
    HEARTH_CHECK(tensor.dtype == DType::kF32);
    for (std::size_t at = 0; at < tensor.bytes.size(); at += sizeof value) {
      std::memcpy(tensor.bytes.data() + at, &value, sizeof value);
    }
  }

  /// The file but for its tensors, for tests that add to it.
  GgufBuilder gguf_builder() const {
    GgufBuilder builder;
    for (const auto& [key, value] : metadata) {
      if (const auto* number = std::get_if<std::uint32_t>(&value)) builder.add_u32(key, *number);
      if (const auto* real = std::get_if<float>(&value)) builder.add_f32(key, *real);
      if (const auto* text = std::get_if<std::string>(&value)) builder.add_string(key, *text);
    }
    TinyVocab vocab = tiny_vocab();
    std::vector<std::int32_t> types(vocab.tokens.size(), 1);  // normal
    for (const char* name : {"<|begin|>", "<|end|>", "<|other|>"}) {
      vocab.tokens.emplace_back(name);
      types.push_back(3);  // control
    }
    std::vector<std::string> merges;
    for (const auto& [left, right] : vocab.merges) merges.push_back(cat(left, " ", right));
    builder.add_string_array("tokenizer.ggml.tokens", vocab.tokens);
    builder.add_i32_array("tokenizer.ggml.token_type", types);
    builder.add_string_array("tokenizer.ggml.merges", merges);
    return builder;
  }

  std::vector<std::uint8_t> gguf() const {
    GgufBuilder builder = gguf_builder();
    for (const auto& [name, tensor] : tensors) {
      builder.add_tensor(name, tensor.dtype, tensor.shape, tensor.bytes);
    }
    return builder.build();
  }

  std::vector<std::uint8_t> safetensors() const {
    SafetensorsBuilder builder;
    for (const auto& [name, tensor] : tensors) {
      builder.add_tensor(hugging_face_name(name), tensor.dtype, tensor.shape, tensor.bytes);
    }
    return builder.build();
  }

  /// "blk.3.attn_q.weight" → "model.layers.3.self_attn.q_proj.weight"
  static std::string hugging_face_name(std::string name) {
    constexpr std::pair<std::string_view, std::string_view> kNames[] = {
        {"token_embd", "model.embed_tokens"},
        {"output_norm", "model.norm"},
        {"attn_output", "self_attn.o_proj"},
        {"output.", "lm_head."},
        {"blk.", "model.layers."},
        {"attn_norm", "input_layernorm"},
        {"attn_q", "self_attn.q_proj"},
        {"attn_k", "self_attn.k_proj"},
        {"attn_v", "self_attn.v_proj"},
        {"ffn_norm", "post_attention_layernorm"},
        {"ffn_gate", "mlp.gate_proj"},
        {"ffn_up", "mlp.up_proj"},
        {"ffn_down", "mlp.down_proj"},
    };
    for (const auto& [from, to] : kNames) {
      if (const std::size_t at = name.find(from); at != std::string::npos) {
        name.replace(at, from.size(), to);
      }
    }
    return name;
  }

  /// The checkpoint that a file's header makes. Errors: the parser's and Checkpoint::make's.
  static Result<models::Checkpoint> checkpoint(const std::vector<std::uint8_t>& file,
                                               std::string_view config_json = "") {
    models::SourceFile source{.name = "tiny", .size = file.size(), .header = {}};
    if (config_json.empty()) {
      HEARTH_ASSIGN(auto parsed, parse_gguf(file, file.size()));
      source.header = *std::move(parsed.header);
    } else {
      HEARTH_ASSIGN(auto parsed, parse_safetensors(file, file.size()));
      source.header = *std::move(parsed.header);
    }
    return models::Checkpoint::make({std::make_shared<const models::SourceFile>(std::move(source))},
                                    config_json);
  }
  Result<models::Checkpoint> gguf_checkpoint() const { return checkpoint(gguf()); }
  Result<models::Checkpoint> safetensors_checkpoint() const {
    return checkpoint(safetensors(), config.dump());
  }

 private:
  void matrix(const std::string& name, std::int64_t rows, std::int64_t columns) {
    const bool finer = options.mixed && name.find("attn_v") != std::string::npos;
    const DType dtype = finer ? options.value_matrix : options.matrix;
    TinyTensor tensor{.dtype = dtype, .shape = {rows, columns}, .bytes = {}};
    if (dtype_info(dtype).quantized) {
      tensor.bytes = random_weights(random_, dtype, rows * columns);
    } else {
      // Products with a row keep the spread of what they multiply, as in a trained model.
      const float spread = 1 / std::sqrt(static_cast<float>(columns));
      tensor.bytes = written(dtype, cpu::testing::random_floats(random_, rows * columns, spread));
    }
    tensors.emplace(name, std::move(tensor));
  }
  void vector(const std::string& name, std::int64_t elements, float middle) {
    std::vector<float> values = cpu::testing::random_floats(random_, elements, 0.2F);
    for (float& value : values) value += middle;
    tensors.emplace(name, TinyTensor{.dtype = options.vector,
                                     .shape = {elements},
                                     .bytes = written(options.vector, values)});
  }
  static std::vector<std::uint8_t> written(DType dtype, const std::vector<float>& values) {
    const auto size = static_cast<std::size_t>(dtype_info(dtype).block_bytes);
    std::vector<std::uint8_t> bytes(values.size() * size);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto bits = std::bit_cast<std::uint32_t>(values[i]);
      const auto upper = static_cast<std::uint16_t>(bits >> 16);
      const std::uint16_t half = f32_to_f16(values[i]);
      const void* from = dtype == DType::kF16    ? static_cast<const void*>(&half)
                         : dtype == DType::kBF16 ? static_cast<const void*>(&upper)
                                                 : static_cast<const void*>(&values[i]);
      std::memcpy(bytes.data() + i * size, from, size);
    }
    return bytes;
  }

  std::mt19937 random_;
};

}  // namespace hearth::testing
