// What the families' configurations may and may not say. That what they compute is right, their
// goldens show; here, that what would be computed wrongly is refused by name.
#include "models/families.h"

#include <gtest/gtest.h>

#include <cmath>

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
