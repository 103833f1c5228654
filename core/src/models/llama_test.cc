// What a Llama's configuration may and may not say, and that a refusal names what it is about.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "models/families.h"
#include "models/tiny_llama.h"

namespace hearth::models {
namespace {

using hearth::testing::TinyLlama;
using hearth::testing::TinyOptions;
constexpr std::uint32_t kLargest = 1 << 24;  // the largest value of a count

using Change = std::function<void(TinyLlama&)>;

Result<Model> build_gguf(const TinyLlama& tiny, std::int64_t context = 0) {
  HEARTH_ASSIGN(Checkpoint checkpoint, tiny.gguf_checkpoint());
  return build_model(checkpoint, context);
}
Result<Model> build_safetensors(const TinyLlama& tiny, std::int64_t context = 0) {
  HEARTH_ASSIGN(Checkpoint checkpoint, tiny.safetensors_checkpoint());
  return build_model(checkpoint, context);
}

void expect_error(const Result<Model>& model, ErrorCode code, std::string_view name) {
  ASSERT_FALSE(model) << name;
  EXPECT_EQ(error_code_name(model.error().code), error_code_name(code)) << model.error().message;
  EXPECT_EQ(model.error().name, name) << model.error().message;
  EXPECT_TRUE(model.error().message.ends_with(".")) << model.error().message;
}

void refuse_gguf(const Change& change, ErrorCode code, std::string_view name) {
  static const TinyLlama kRight;  // made once: random numbers are slow under sanitizers
  TinyLlama tiny = kRight;
  change(tiny);
  expect_error(build_gguf(tiny), code, name);
}
void refuse_json(const Change& change, ErrorCode code, std::string_view name) {
  static const TinyLlama kRight;  // made once: random numbers are slow under sanitizers
  TinyLlama tiny = kRight;
  change(tiny);
  expect_error(build_safetensors(tiny), code, name);
}

TEST(Llama, BothFormatsGiveTheSameFacts) {
  for (const bool tied : {false, true}) {
    const TinyLlama tiny({.tied = tied, .attention_bias = true, .mlp_bias = true});
    const Result<Model> gguf = build_gguf(tiny);
    const Result<Model> safetensors = build_safetensors(tiny);
    for (const Result<Model>* model : {&gguf, &safetensors}) {
      ASSERT_TRUE(*model) << model->error().message;
      const DecoderFacts& facts = (*model)->facts;
      EXPECT_EQ(facts.architecture, "llama");
      EXPECT_EQ(facts.layers, 2);
      EXPECT_EQ(facts.hidden_size, 64);
      EXPECT_EQ(facts.heads, 4);
      EXPECT_EQ(facts.kv_heads, 2);
      EXPECT_EQ(facts.head_size, 16);
      EXPECT_EQ(facts.vocab_size, TinyLlama::kVocab);
      EXPECT_EQ(facts.trained_context, 64);
      EXPECT_EQ((*model)->context_length, 64);
    }
    EXPECT_EQ(gguf->graph.nodes.size(), safetensors->graph.nodes.size());
    EXPECT_EQ(gguf->graph.values.size(), safetensors->graph.values.size());
  }
}

TEST(Llama, OptionalKeysHaveTheirDefaults) {
  // Without them a head is hidden / heads wide, turns whole, and has a key head of its own.
  TinyLlama tiny({.kv_heads = 4});
  for (const char* key : {"llama.attention.head_count_kv", "llama.attention.key_length",
                          "llama.rope.dimension_count", "llama.rope.freq_base"}) {
    ASSERT_EQ(tiny.metadata.erase(key), 1u) << key;
  }
  const Result<Model> gguf = build_gguf(tiny);
  ASSERT_TRUE(gguf) << gguf.error().message;
  EXPECT_EQ(gguf->facts.kv_heads, 4);
  EXPECT_EQ(gguf->facts.head_size, 16);
  for (const char* key : {"num_key_value_heads", "head_dim", "rope_theta", "rms_norm_eps",
                          "hidden_act", "attention_bias", "mlp_bias", "max_position_embeddings"}) {
    ASSERT_EQ(tiny.config.erase(key), 1u) << key;
  }
  const Result<Model> safetensors = build_safetensors(tiny);
  ASSERT_TRUE(safetensors) << safetensors.error().message;
  EXPECT_EQ(safetensors->facts.kv_heads, 4);
  EXPECT_EQ(safetensors->facts.trained_context, 2048);
}

TEST(Llama, RefusesUnknownArchitectures) {
  refuse_gguf([](TinyLlama& t) { t.metadata["general.architecture"] = "mamba"; },
              ErrorCode::kUnsupportedArchitecture, "mamba");
  refuse_gguf([](TinyLlama& t) { t.metadata.erase("general.architecture"); },
              ErrorCode::kMissingMetadata, "general.architecture");
  refuse_json([](TinyLlama& t) { t.config["model_type"] = "mamba"; },
              ErrorCode::kUnsupportedArchitecture, "mamba");
  refuse_json([](TinyLlama& t) { t.config.erase("model_type"); }, ErrorCode::kMissingMetadata,
              "model_type");
  refuse_json([](TinyLlama& t) { t.config["model_type"] = 7; }, ErrorCode::kMissingMetadata,
              "model_type");
}

TEST(Llama, NamesEveryMissingKey) {
  for (const char* key : {"llama.block_count", "llama.embedding_length",
                          "llama.attention.head_count", "llama.context_length",
                          "llama.feed_forward_length", "llama.attention.layer_norm_rms_epsilon"}) {
    refuse_gguf([&](TinyLlama& t) { t.metadata.erase(key); }, ErrorCode::kMissingMetadata, key);
  }
  for (const char* key : {"num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size",
                          "intermediate_size"}) {
    refuse_json([&](TinyLlama& t) { t.config.erase(key); }, ErrorCode::kMissingMetadata, key);
    // JSON's null is an absent value.
    refuse_json([&](TinyLlama& t) { t.config[key] = nullptr; }, ErrorCode::kMissingMetadata, key);
  }
}

TEST(Llama, NamesEveryKeyOfTheWrongKind) {
  for (const char* key :
       {"llama.block_count", "llama.embedding_length", "llama.attention.head_count",
        "llama.attention.head_count_kv", "llama.attention.key_length", "llama.context_length",
        "llama.feed_forward_length", "llama.attention.layer_norm_rms_epsilon",
        "llama.rope.dimension_count", "llama.rope.freq_base"}) {
    refuse_gguf([&](TinyLlama& t) { t.metadata[key] = "two"; }, ErrorCode::kUnsupportedConfig, key);
  }
  for (const char* key :
       {"num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads",
        "head_dim", "vocab_size", "max_position_embeddings", "intermediate_size", "rms_norm_eps",
        "rope_theta", "attention_bias", "mlp_bias", "tie_word_embeddings"}) {
    refuse_json([&](TinyLlama& t) { t.config[key] = "two"; }, ErrorCode::kUnsupportedConfig, key);
  }
  refuse_json([](TinyLlama& t) { t.config["hidden_act"] = 1; }, ErrorCode::kUnsupportedConfig,
              "hidden_act");
}

TEST(Llama, RefusesCountsOutOfRange) {
  for (const std::uint32_t count : {0u, (1u << 24) + 1, 0xFFFFFFFFu}) {
    refuse_gguf([&](TinyLlama& t) { t.metadata["llama.feed_forward_length"] = count; },
                ErrorCode::kUnsupportedConfig, "llama.feed_forward_length");
  }
  for (const char* count : {"0", "-1", "16777217", "9223372036854775807", "18446744073709551615",
                            "1.5", "1e3", "[2]", "{}"}) {
    refuse_json([&](TinyLlama& t) { t.config["intermediate_size"] = nlohmann::json::parse(count); },
                ErrorCode::kUnsupportedConfig, "intermediate_size");
  }
}

// Each of these passes the check of its own range; it is their products that no memory could hold,
// or that would keep the engine busy for minutes.
TEST(Llama, RefusesSizesThatNoModelHas) {
  const auto all_large = [](TinyLlama& t) {
    for (const char* key :
         {"llama.attention.head_count", "llama.attention.head_count_kv", "llama.context_length",
          "llama.embedding_length", "llama.feed_forward_length"}) {
      t.metadata[key] = kLargest;
    }
    t.metadata["llama.attention.key_length"] = 4096u;
  };
  refuse_gguf(all_large, ErrorCode::kUnsupportedConfig, "heads");
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.block_count"] = kLargest; },
              ErrorCode::kUnsupportedConfig, "layers");
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.attention.key_length"] = kLargest; },
              ErrorCode::kUnsupportedConfig, "head_size");
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.rope.dimension_count"] = kLargest; },
              ErrorCode::kUnsupportedConfig, "rotary_size");
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.rope.dimension_count"] = 7u; },
              ErrorCode::kUnsupportedConfig, "rotary_size");
  // More layers than there are tensors for ends at the first that is missing.
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.block_count"] = 1024u; },
              ErrorCode::kMissingTensor, "blk.2.attn_norm.weight");
  refuse_json([](TinyLlama& t) { t.config["num_hidden_layers"] = 1 << 24; },
              ErrorCode::kUnsupportedConfig, "layers");
  refuse_json([](TinyLlama& t) { t.config["head_dim"] = 1 << 24; }, ErrorCode::kUnsupportedConfig,
              "head_size");
}

TEST(Llama, RefusesAVocabularyPastAllCounts) {
  const TinyLlama tiny;
  GgufBuilder builder = tiny.gguf_builder();
  // (2^40, 1) halves: the file's size is claimed by the caller, so the directory is consistent.
  builder.add_tensor_entry("token_embd.weight", {1, 1ull << 40}, 1, 0);
  const std::vector<std::uint8_t> head = builder.build();
  const std::uint64_t size = 1ull << 42;
  auto parsed = parse_gguf(head, size);
  ASSERT_TRUE(parsed) << parsed.error().message;
  auto file = std::make_shared<const SourceFile>(
      SourceFile{.name = "huge", .size = size, .header = *std::move(parsed->header)});
  auto checkpoint = Checkpoint::make({file}, "");
  ASSERT_TRUE(checkpoint);
  expect_error(build_model(*checkpoint, 0), ErrorCode::kUnsupportedConfig, "vocab_size");
}

TEST(Llama, RefusesHeadsInBrokenGroups) {
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.attention.head_count_kv"] = 3u; },
              ErrorCode::kUnsupportedConfig, "kv_heads");
  refuse_json([](TinyLlama& t) { t.config["num_key_value_heads"] = 3; },
              ErrorCode::kUnsupportedConfig, "kv_heads");
}

TEST(Llama, RefusesRopeScalingsThatItDoesNotKnow) {
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.rope.scaling.type"] = "foo"; },
              ErrorCode::kUnsupportedConfig, "llama.rope.scaling.type");
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.rope.scaling.type"] = "linear"; },
              ErrorCode::kMissingMetadata, "llama.rope.scaling.factor");
  for (const char* spelling : {"rope_type", "type"}) {
    refuse_json([&](TinyLlama& t) { t.config["rope_scaling"] = {{spelling, "foo"}}; },
                ErrorCode::kUnsupportedConfig, "rope_scaling.rope_type");
    refuse_json([&](TinyLlama& t) { t.config["rope_parameters"] = {{spelling, "foo"}}; },
                ErrorCode::kUnsupportedConfig, "rope_parameters.rope_type");
  }
  const nlohmann::json llama3 = {{"rope_type", "llama3"},
                                 {"factor", 8.0},
                                 {"low_freq_factor", 1.0},
                                 {"high_freq_factor", 4.0},
                                 {"original_max_position_embeddings", 32}};
  TinyLlama whole;
  whole.config["rope_scaling"] = llama3;
  ASSERT_TRUE(build_safetensors(whole));
  for (const char* key :
       {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}) {
    nlohmann::json incomplete = llama3;
    incomplete.erase(key);
    refuse_json([&](TinyLlama& t) { t.config["rope_scaling"] = incomplete; },
                ErrorCode::kMissingMetadata, cat("rope_scaling.", key));
    refuse_json([&](TinyLlama& t) { t.config["rope_parameters"] = incomplete; },
                ErrorCode::kMissingMetadata, cat("rope_parameters.", key));
  }
  nlohmann::json reversed = llama3;
  reversed["high_freq_factor"] = 1.0;
  refuse_json([&](TinyLlama& t) { t.config["rope_scaling"] = reversed; },
              ErrorCode::kUnsupportedConfig, "rope_scaling.high_freq_factor");
  refuse_json([](TinyLlama& t) { t.config["rope_theta"] = 0; }, ErrorCode::kUnsupportedConfig,
              "rope_theta");
}

TEST(Llama, RefusesWhatItWouldRunWrongly) {
  refuse_json([](TinyLlama& t) { t.config["hidden_act"] = "tanh"; }, ErrorCode::kUnsupportedConfig,
              "hidden_act");
  refuse_json([](TinyLlama& t) { t.config["quantization_config"] = {{"quant_method", "gptq"}}; },
              ErrorCode::kUnsupportedConfig, "quantization_config.quant_method");
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.expert_count"] = 8u; },
              ErrorCode::kUnsupportedConfig, "llama.expert_count");
  // What a Llama does not have, it would leave out.
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.attention.sliding_window"] = 8u; },
              ErrorCode::kUnsupportedConfig, "llama.attention.sliding_window");
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.attn_logit_softcapping"] = 50.0F; },
              ErrorCode::kUnsupportedConfig, "llama.attn_logit_softcapping");
  refuse_gguf([](TinyLlama& t) { t.metadata["llama.attention.value_length"] = 8u; },
              ErrorCode::kUnsupportedConfig, "llama.attention.value_length");
  refuse_gguf(
      [](TinyLlama& t) { t.tensors["blk.1.attn_sinks"] = t.tensors.at("output_norm.weight"); },
      ErrorCode::kUnsupportedConfig, "blk.1.attn_sinks");
  refuse_gguf(
      [](TinyLlama& t) { t.tensors["rope_freqs.weight"] = t.tensors.at("output_norm.weight"); },
      ErrorCode::kShapeMismatch, "rope_freqs.weight");
}

TEST(Llama, NamesEveryMissingTensorAndEveryWrongShape) {
  const TinyLlama whole({.tied = false, .attention_bias = true, .mlp_bias = true});
  for (const auto& [name, tensor] : whole.tensors) {
    // Their absence means a tied matrix, and a model without biases.
    const bool optional =
        name == "output.weight" || name == "blk.0.attn_q.bias" || name == "blk.0.ffn_up.bias";
    TinyLlama without = whole;
    without.tensors.erase(name);
    if (!optional) expect_error(build_gguf(without), ErrorCode::kMissingTensor, name);
    const std::string theirs = TinyLlama::hugging_face_name(name);
    expect_error(build_safetensors(without), ErrorCode::kMissingTensor, theirs);

    TinyLlama wrong = whole;
    // One block more a row: of another shape whatever the type.
    hearth::testing::TinyTensor& changed = wrong.tensors.at(name);
    changed.shape[changed.shape.rank() - 1] += 32;
    changed.bytes.resize(changed.bytes.size() / static_cast<std::size_t>(tensor.shape.back()) *
                         static_cast<std::size_t>(changed.shape.back()));
    expect_error(build_gguf(wrong), ErrorCode::kShapeMismatch, name);
    expect_error(build_safetensors(wrong), ErrorCode::kShapeMismatch, theirs);
  }
}

TEST(Llama, RefusesVectorsThatCannotBecomeFloatsInPlace) {
  for (const DType dtype : {DType::kF64, DType::kI32, DType::kI8, DType::kQ8_0}) {
    TinyLlama tiny;
    hearth::testing::TinyTensor& norm = tiny.tensors.at("output_norm.weight");
    norm.dtype = dtype;
    norm.bytes.assign(dtype_bytes(dtype, 64), 0);
    expect_error(build_gguf(tiny), ErrorCode::kShapeMismatch, "output_norm.weight");
  }
}

TEST(Llama, TheContextIsAtMostTheTrainedOne) {
  const TinyLlama tiny;
  EXPECT_EQ(build_gguf(tiny, 1)->context_length, 1);
  EXPECT_EQ(build_gguf(tiny, 64)->context_length, 64);
  expect_error(build_gguf(tiny, 65), ErrorCode::kInvalidArgument, "context_length");
  expect_error(build_safetensors(tiny, 65), ErrorCode::kInvalidArgument, "context_length");
  expect_error(build_gguf(tiny, -1), ErrorCode::kInvalidArgument, "context_length");
  EXPECT_EQ(*choose_context(0, 100), 100);
  EXPECT_EQ(*choose_context(0, 131072), kDefaultContext);
  EXPECT_EQ(*choose_context(131072, 131072), 131072);
}

TEST(Checkpoint, RefusesFilesThatDoNotMakeOneModel) {
  const TinyLlama tiny;
  const auto parsed = [](auto result, const std::string& name) {
    return std::make_shared<const SourceFile>(
        SourceFile{.name = name, .size = 0, .header = *std::move(result->header)});
  };
  const auto gguf_bytes = tiny.gguf();
  const auto tensor_bytes = tiny.safetensors();
  const auto gguf = parsed(parse_gguf(gguf_bytes, gguf_bytes.size()), "a.gguf");
  const auto tensors =
      parsed(parse_safetensors(tensor_bytes, tensor_bytes.size()), "b.safetensors");
  const auto expect = [](const Result<Checkpoint>& made, ErrorCode code, std::string_view name) {
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, code) << made.error().message;
    EXPECT_EQ(made.error().name, name);
  };
  expect(Checkpoint::make({}, ""), ErrorCode::kInvalidArgument, "files");
  // Two whole models.
  expect(Checkpoint::make({gguf, gguf}, ""), ErrorCode::kInvalidArgument, "a.gguf");
  expect(Checkpoint::make({gguf, tensors}, ""), ErrorCode::kInvalidArgument, "a.gguf");
  expect(Checkpoint::make({tensors, gguf}, "{}"), ErrorCode::kInvalidArgument, "a.gguf");
  expect(Checkpoint::make({tensors}, ""), ErrorCode::kMissingMetadata, "config.json");
  expect(Checkpoint::make({tensors}, "[]"), ErrorCode::kMalformedJson, "config.json");
  expect(Checkpoint::make({tensors}, "{"), ErrorCode::kMalformedJson, "config.json");
  expect(Checkpoint::make({tensors, tensors}, "{}"), ErrorCode::kDuplicateTensor,
         tensors->directory().tensors().front().name);
}

/// One of a split model's files, with every `count`-th tensor from `number` on.
std::shared_ptr<const SourceFile> split(const TinyLlama& tiny, std::uint16_t number,
                                        std::uint16_t count, std::uint32_t total) {
  // Only the first has the model's metadata.
  GgufBuilder builder = number == 0 ? tiny.gguf_builder() : GgufBuilder();
  builder.add_u16("split.no", number).add_u16("split.count", count);
  builder.add_u32("split.tensors.count", total);
  std::size_t at = 0;
  for (const auto& [name, tensor] : tiny.tensors) {
    if (at++ % count == number) {
      builder.add_tensor(name, tensor.dtype, tensor.shape, tensor.bytes);
    }
  }
  const std::vector<std::uint8_t> file = builder.build();
  auto parsed = parse_gguf(file, file.size());
  return std::make_shared<const SourceFile>(SourceFile{
      .name = cat(number), .size = file.size(), .header = *std::move(parsed.value().header)});
}

TEST(Checkpoint, JoinsASplitModelInAnyOrder) {
  const TinyLlama tiny;
  const auto total = static_cast<std::uint32_t>(tiny.tensors.size());
  const auto first = split(tiny, 0, 3, total), second = split(tiny, 1, 3, total);
  const auto third = split(tiny, 2, 3, total);
  const auto joined = Checkpoint::make({third, first, second}, "");
  ASSERT_TRUE(joined) << joined.error().message;
  const Result<Model> model = build_model(*joined, 0);
  ASSERT_TRUE(model) << model.error().message;
  // A part says which of the files given it is in.
  std::set<std::uint32_t> files;
  for (const graph::Value& value : model->graph.values) {
    for (const graph::WeightPart& part : value.parts) {
      files.insert(part.file);
      EXPECT_NE(joined->files()[part.file]->directory().find(part.info.name), nullptr);
    }
  }
  EXPECT_EQ(files.size(), 3u);

  const auto expect = [](const Result<Checkpoint>& made, std::string_view name,
                         ErrorCode code = ErrorCode::kInvalidArgument) {
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, code) << made.error().message;
    EXPECT_EQ(made.error().name, name) << made.error().message;
  };
  expect(Checkpoint::make({first}, ""), "0");
  expect(Checkpoint::make({first, second, second}, ""), "1");
  expect(Checkpoint::make({first, second, third, third}, ""), "0");
  const auto other = split(tiny, 2, 3, total + 1);
  expect(Checkpoint::make({first, second, other}, ""), "split.tensors.count");
  // A number past the last.
  expect(Checkpoint::make({split(tiny, 5, 3, total), second, third}, ""), "5");
}

}  // namespace
}  // namespace hearth::models
