// What the families' configurations may and may not say. That what they compute is right, their
// goldens show; here, that what would be computed wrongly is refused by name.
#include "models/families.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/cat.h"
#include "models/decoder.h"
#include "models/tiny_llama.h"

namespace hearth::models {
namespace {

using hearth::testing::TinyLlama;
using nlohmann::json;

/// A Llama's weights under another family's name, with some keys set.
Result<Model> build(std::string_view type, const json& changes, std::int64_t context = 0) {
  static const TinyLlama kTiny;  // made once: random numbers are slow under sanitizers
  TinyLlama tiny = kTiny;
  tiny.config["model_type"] = type;
  tiny.config["tie_word_embeddings"] = true;
  tiny.config.update(changes);
  HEARTH_ASSIGN(Checkpoint checkpoint, tiny.safetensors_checkpoint());
  return build_model(checkpoint, context);
}

void expect_refused(std::string_view type, const json& changes, std::string_view name,
                    ErrorCode code = ErrorCode::kUnsupportedConfig) {
  const Result<Model> model = build(type, changes);
  ASSERT_FALSE(model) << type << " " << name;
  EXPECT_EQ(error_code_name(model.error().code), error_code_name(code)) << model.error().message;
  EXPECT_EQ(model.error().name, name) << model.error().message;
}

std::vector<std::int64_t> windows(const Result<Model>& model) {
  std::vector<std::int64_t> result;
  if (!model) return {-1};
  for (const graph::Node& node : model->graph.nodes) {
    const auto* attention = std::get_if<graph::AttentionParams>(&node.params);
    if (attention != nullptr) result.push_back(attention->window);
  }
  return result;
}

using Windows = std::vector<std::int64_t>;

TEST(Families, MistralSeesAWindowUnlessItIsNull) {
  EXPECT_EQ(windows(build("mistral", {{"sliding_window", 8}})), (Windows{8, 8}));
  EXPECT_EQ(windows(build("mistral", {{"sliding_window", nullptr}})), (Windows{0, 0}));
  EXPECT_EQ(windows(build("mistral", json::object())), (Windows{4096, 4096}));
  const json mixed = {"sliding_attention", "full_attention"};
  EXPECT_EQ(windows(build("mistral", {{"sliding_window", 8}, {"layer_types", mixed}})),
            (Windows{8, 0}));
  expect_refused("mistral", {{"sliding_window", -1}}, "sliding_window");
  expect_refused("mistral", {{"sliding_window", "wide"}}, "sliding_window");
}

TEST(Families, RefuseTypesOfLayersThatDoNotFit) {
  const json types = {"sliding_attention", "full_attention"};
  for (const json& wrong :
       {json{"full_attention"}, json{"full_attention", "chunked_attention"}, json("all"),
        json{1, 2}, json::array({"full_attention", nullptr}), json::array()}) {
    expect_refused("mistral", {{"sliding_window", 8}, {"layer_types", wrong}}, "layer_types");
  }
  expect_refused("mistral", {{"sliding_window", nullptr}, {"layer_types", types}}, "layer_types");
  // Layers with windows in a model that says it has none.
  expect_refused("qwen2", {{"sliding_window", 8}, {"layer_types", types}}, "layer_types");
}

TEST(Families, QwenSlidesFromALayerOn) {
  // SmolLM3 reads the same keys and, unlike Qwen2, has the tensors of a Llama.
  const json keys = {{"sliding_window", 8}, {"use_sliding_window", true}, {"max_window_layers", 1}};
  EXPECT_EQ(windows(build("smollm3", keys)), (Windows{0, 8}));
  EXPECT_EQ(windows(build("smollm3", {{"sliding_window", 8}})), (Windows{0, 0}));
}

TEST(Families, SmolLm3TurnsTheLayersThatItNames) {
  const auto turned = [](const json& changes) {
    const Result<Model> model = build("smollm3", changes);
    int nodes = 0;
    if (!model) return -1;
    for (const graph::Node& node : model->graph.nodes) nodes += node.op() == graph::Op::kRope;
    return nodes;
  };
  EXPECT_EQ(turned({{"no_rope_layers", {1, 0}}}), 2);
  EXPECT_EQ(turned({{"no_rope_layers", {1, 1}}}), 4);
  EXPECT_EQ(turned({{"no_rope_layer_interval", 1}}), 0);
  EXPECT_EQ(turned(json::object()), 4);  // every fourth layer, and there are two
  expect_refused("smollm3", {{"no_rope_layers", {1}}}, "no_rope_layers");
  expect_refused("smollm3", {{"no_rope_layers", "none"}}, "no_rope_layers");
}

TEST(Families, RefuseWhatTheyWouldRunWrongly) {
  for (const char* type :
       {"mistral", "qwen2", "qwen3", "phi3", "smollm3", "granite", "olmo2", "stablelm"}) {
    expect_refused(type, {{"hidden_act", "tanh"}}, "hidden_act");
    expect_refused(type, {{"quantization_config", {{"quant_method", "awq"}}}},
                   "quantization_config.quant_method");
    expect_refused(type, {{"rope_scaling", {{"rope_type", "foo"}}}}, "rope_scaling.rope_type");
    expect_refused(type, {{"num_key_value_heads", 3}}, "kv_heads");
  }
  for (const char* type : {"gemma", "gemma2", "gemma3_text"}) {
    expect_refused(type, {{"hidden_activation", "tanh"}}, "hidden_activation");
    expect_refused(type, {{"hidden_act", "silu"}}, "hidden_act");
    expect_refused(type, {{"hidden_act", "gelu"}, {"use_bidirectional_attention", true}},
                   "use_bidirectional_attention");
  }
  for (const char* key :
       {"embedding_multiplier", "attention_multiplier", "residual_multiplier", "logits_scaling"}) {
    for (const double value : {0.0, -1.0, 1e300}) expect_refused("granite", {{key, value}}, key);
  }
  for (const char* key :
       {"query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping"}) {
    for (const double value : {0.0, -1.0, 1e300}) {
      expect_refused("gemma2", {{"hidden_act", "gelu"}, {key, value}}, key);
    }
  }
  expect_refused("stablelm", {{"qk_layernorm", true}}, "qk_layernorm");
  expect_refused("stablelm", {{"use_parallel_residual", true}}, "use_parallel_residual");
  // A family that turns whole heads, told to turn a part.
  expect_refused("mistral", {{"partial_rotary_factor", 0.5}}, "partial_rotary_factor");
  for (const double part : {0.0, 1.5, -1.0}) {
    expect_refused("phi3", {{"partial_rotary_factor", part}}, "partial_rotary_factor");
  }
  expect_refused("phi3", {{"partial_rotary_factor", 0.01}}, "rotary_size");
}

TEST(Families, Gemma3NamesBothOfItsRopes) {
  const json one = {{"rope_theta", 10000.0}, {"rope_type", "default"}};
  expect_refused("gemma3_text",
                 {{"hidden_act", "gelu"}, {"rope_parameters", {{"full_attention", one}}}},
                 "rope_parameters.sliding_attention", ErrorCode::kMissingMetadata);
  expect_refused("gemma3_text", {{"hidden_act", "gelu"}, {"rope_parameters", one}},
                 "rope_parameters.full_attention", ErrorCode::kMissingMetadata);
}

/// A Llama's weights as a GGUF file of another architecture.
TinyLlama gguf_of(std::string_view architecture, const hearth::testing::TinyOptions& options = {}) {
  TinyLlama tiny(options);
  const auto metadata = tiny.metadata;
  for (const auto& [key, value] : metadata) {
    if (!key.starts_with("llama.")) continue;
    tiny.metadata.erase(key);
    tiny.metadata[cat(architecture, key.substr(5))] = value;
  }
  tiny.metadata["general.architecture"] = std::string(architecture);
  return tiny;
}

Result<Model> build(const TinyLlama& gguf, std::int64_t context = 0) {
  HEARTH_ASSIGN(Checkpoint checkpoint, gguf.gguf_checkpoint());
  return build_model(checkpoint, context);
}

/// The nodes of an op, by their parameters.
template <typename Params>
std::vector<Params> nodes_of(const Result<Model>& model) {
  std::vector<Params> found;
  for (const graph::Node& node : model.value().graph.nodes) {
    if (const auto* params = std::get_if<Params>(&node.params)) found.push_back(*params);
  }
  return found;
}

TEST(Families, ReadTheirOwnKeysOfGgufFiles) {
  TinyLlama tiny = gguf_of("granite");
  Result<Model> plain = build(tiny);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_TRUE(nodes_of<graph::ScaleParams>(plain).empty());
  EXPECT_EQ(nodes_of<graph::AttentionParams>(plain)[0].scale, 0.25F);  // 1 / √16
  tiny.metadata["granite.embedding_scale"] = 12.0F;
  tiny.metadata["granite.attention.scale"] = 0.5F;
  tiny.metadata["granite.logit_scale"] = 8.0F;
  const Result<Model> scaled = build(tiny);
  ASSERT_TRUE(scaled) << scaled.error().message;
  EXPECT_EQ(nodes_of<graph::AttentionParams>(scaled)[0].scale, 0.5F);
  const auto factors = nodes_of<graph::ScaleParams>(scaled);
  ASSERT_EQ(factors.size(), 2u);
  EXPECT_EQ(factors[0].factor, 12);
  EXPECT_EQ(factors[1].factor, 0.125F);
  tiny.metadata["granite.residual_scale"] = -1.0F;
  EXPECT_EQ(build(tiny).error().name, "granite.residual_scale");
}

TEST(Families, SmolLm3LeavesOutEveryFourthRotationOfGgufFiles) {
  const Result<Model> model = build(gguf_of("smollm3", {.layers = 8}));
  ASSERT_TRUE(model) << model.error().message;
  const auto ropes = nodes_of<graph::RopeParams>(model);
  EXPECT_EQ(ropes.size(), 2u * 6);  // of query and key, in six of eight layers
  for (const graph::RopeParams& rope : ropes) EXPECT_TRUE(rope.interleaved);
}

TEST(Families, GgufFilesHaveTheirDivisorsAsTensors) {
  const auto divisors_of = [](const Result<Model>& model) -> std::string {
    if (!model) return model.error().message;
    for (const graph::Node& node : model->graph.nodes) {
      if (node.op() != graph::Op::kRope) continue;
      return node.inputs[2] == graph::kNone ? "" : model->graph.value(node.inputs[2]).name;
    }
    return "no rope";
  };
  const hearth::testing::TinyTensor eight{
      .dtype = DType::kF32, .shape = {8}, .bytes = std::vector<std::uint8_t>(32)};
  TinyLlama tiny = gguf_of("llama");
  EXPECT_EQ(divisors_of(build(tiny)), "");
  tiny.tensors["rope_freqs.weight"] = eight;
  EXPECT_EQ(divisors_of(build(tiny)), "rope_freqs.weight");
  tiny.metadata["llama.rope.scaling.type"] = "yarn";
  tiny.metadata["llama.rope.scaling.factor"] = 4.0F;
  EXPECT_EQ(build(tiny).error().name, "llama.rope.scaling.type");

  TinyLlama longrope = gguf_of("llama");
  longrope.metadata["llama.rope.scaling.type"] = "longrope";
  EXPECT_EQ(build(longrope).error().code, ErrorCode::kMissingMetadata);
  longrope.tensors["rope_factors_long.weight"] = longrope.tensors["rope_factors_short.weight"] =
      eight;
  longrope.metadata["llama.rope.scaling.original_context_length"] = 32u;
  longrope.metadata["llama.rope.scaling.attn_factor"] = 1.5F;
  EXPECT_EQ(divisors_of(build(longrope, 32)), "rope_factors_short.weight");
  const Result<Model> stretched = build(longrope, 33);
  EXPECT_EQ(divisors_of(stretched), "rope_factors_long.weight");
  EXPECT_EQ(nodes_of<graph::RopeParams>(stretched)[0].scale, 1.5F);
  longrope.metadata["llama.rope.scaling.attn_factor"] = -1.5F;
  EXPECT_EQ(build(longrope).error().name, "llama.rope.scaling.attn_factor");
}

TEST(Families, GgufFilesStretchByAFactorWithoutAName) {
  TinyLlama tiny = gguf_of("llama");
  const auto frequency = [](const Result<Model>& model) {
    for (const graph::Value& value : model.value().graph.values) {
      if (value.kind == graph::ValueKind::kConstant) return value.constant[0];
    }
    return 0.0F;
  };
  EXPECT_EQ(frequency(build(tiny)), 1);
  tiny.metadata["llama.rope.scaling.factor"] = 4.0F;
  EXPECT_EQ(frequency(build(tiny)), 0.25F);
  tiny.metadata["llama.rope.scaling.type"] = "none";
  EXPECT_EQ(frequency(build(tiny)), 1);
}

TEST(Families, RefuseRopesThatTheyDoNotKnow) {
  for (const char* type : {"llama", "mistral", "qwen2", "qwen3", "phi3", "smollm3", "granite",
                           "olmo2", "gemma", "gemma2", "gemma3_text", "stablelm", "gpt_neox"}) {
    json changes = {{"rope_scaling", {{"rope_type", "foo"}}}};
    if (std::string_view(type).starts_with("gemma")) changes["hidden_act"] = "gelu";
    if (std::string_view(type) == "gpt_neox") changes["num_key_value_heads"] = 4;
    const Result<Model> model = build(type, changes);
    ASSERT_FALSE(model) << type;
    EXPECT_EQ(model.error().message, "rope_scaling.rope_type \"foo\" is not supported.") << type;
  }
}

TEST(Families, Gpt2AndNeoXRefuseWhatTheyWouldRunWrongly) {
  const json gpt2 = {{"n_layer", 2}, {"n_embd", 64}, {"n_head", 4}, {"n_positions", 64}};
  const auto refused = [&](const json& changes) {
    json config = gpt2;
    // Null is an absent value: what the tiny Llama says by its own names goes away.
    for (const char* key :
         {"num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads",
          "max_position_embeddings", "head_dim", "intermediate_size"}) {
      config[key] = nullptr;
    }
    config.update(changes);
    const Result<Model> model = build("gpt2", config);
    return model ? std::string() : model.error().name;
  };
  EXPECT_EQ(refused(json::object()), "transformer.wte.weight");  // only tensors are missing
  EXPECT_EQ(refused({{"n_layer", nullptr}}), "n_layer");
  EXPECT_EQ(refused({{"n_embd", 0}}), "n_embd");
  EXPECT_EQ(refused({{"n_inner", -1}}), "n_inner");
  EXPECT_EQ(refused({{"activation_function", "tanh"}}), "activation_function");
  EXPECT_EQ(refused({{"scale_attn_by_inverse_layer_idx", true}}),
            "scale_attn_by_inverse_layer_idx");
  EXPECT_EQ(refused({{"add_cross_attention", true}}), "add_cross_attention");
  expect_refused("gpt_neox", {{"num_key_value_heads", 2}}, "num_key_value_heads");
  expect_refused("gpt_neox", {{"num_key_value_heads", 4}, {"rotary_pct", 1.5}}, "rotary_pct");
  expect_refused("gpt_neox", {{"num_key_value_heads", 4}}, "gpt_neox.embed_in.weight",
                 ErrorCode::kMissingTensor);
}

TEST(Families, AskForTheTensorsOfTheirOwn) {
  const std::pair<const char*, const char*> tensors[] = {
      {"qwen2", "model.layers.0.self_attn.q_proj.bias"},
      {"qwen3", "model.layers.0.self_attn.q_norm.weight"},
      {"phi3", "model.layers.0.self_attn.qkv_proj.weight"},
      {"olmo2", "model.layers.0.self_attn.q_norm.weight"},
      {"stablelm", "model.layers.0.input_layernorm.bias"},
      {"gemma2", "model.layers.0.pre_feedforward_layernorm.weight"},
      {"gemma3_text", "model.layers.0.self_attn.q_norm.weight"},
  };
  for (const auto& [type, tensor] : tensors) {
    json changes = json::object();
    if (std::string_view(type).starts_with("gemma")) changes["hidden_act"] = "gelu";
    expect_refused(type, changes, tensor, ErrorCode::kMissingTensor);
  }
}

}  // namespace
}  // namespace hearth::models
