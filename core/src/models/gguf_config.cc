#include "models/gguf_config.h"

#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/cat.h"

namespace hearth::models {
namespace {

using nlohmann::json;

struct Key {
  std::string_view ours;    ///< config.json's; "a.b" is b in a
  std::string_view theirs;  ///< GGUF's, behind the architecture's name
  bool detail = false;      ///< changes nothing unless another key calls for it
};

/// Facts of llama.cpp's gguf-py/gguf/constants.py.
constexpr Key kKeys[] = {
    {"num_hidden_layers", "block_count"},
    {"hidden_size", "embedding_length"},
    {"num_attention_heads", "attention.head_count"},
    {"num_key_value_heads", "attention.head_count_kv"},
    {"head_dim", "attention.key_length"},
    {"max_position_embeddings", "context_length"},
    {"intermediate_size", "feed_forward_length"},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon"},
    {"layer_norm_eps", "attention.layer_norm_epsilon"},
    {"use_parallel_residual", "use_parallel_residual"},
    {"sliding_window", "attention.sliding_window"},
    {"sliding_window_pattern", "attention.sliding_window_pattern"},
    {"attn_logit_softcapping", "attn_logit_softcapping"},
    {"final_logit_softcapping", "final_logit_softcapping"},
    {"attention_multiplier", "attention.scale"},
    {"embedding_multiplier", "embedding_scale"},
    {"residual_multiplier", "residual_scale"},
    {"logits_scaling", "logit_scale"},
    {"rope_theta", "rope.freq_base"},
    {"rope_local_base_freq", "rope.freq_base_swa"},
    {"rope_scaling.rope_type", "rope.scaling.type"},
    {"rope_scaling.factor", "rope.scaling.factor", true},
    {"rope_scaling.original_max_position_embeddings", "rope.scaling.original_context_length", true},
    {"rope_scaling.beta_fast", "rope.scaling.yarn_beta_fast"},
    {"rope_scaling.beta_slow", "rope.scaling.yarn_beta_slow"},
    // Not config.json's, under names that none has.
    {"gguf.rotary_size", "rope.dimension_count"},
    {"gguf.value_size", "attention.value_length"},
    {"gguf.rope_scale", "rope.scaling.attn_factor"},
    // What no family here has; that nobody asks for them says so.
    {"gguf.experts", "expert_count"},
    {"gguf.alibi", "attention.max_alibi_bias"},
    {"gguf.clamp", "attention.clamp_kqv"},
    {"gguf.temperature", "attention.temperature_scale"},
    {"gguf.output_scale", "attention.output_scale"},
    {"gguf.linear_scale", "rope.scale_linear"},
};

json value_of(const GgufValue& value) {
  return std::visit([](const auto& each) { return json(each); }, value.value);
}

void put(json& config, std::string_view key, json value) {
  const std::size_t dot = key.find('.');
  if (dot == std::string_view::npos) {
    config[std::string(key)] = std::move(value);
  } else {
    config[std::string(key.substr(0, dot))][std::string(key.substr(dot + 1))] = std::move(value);
  }
}

/// Sets what `config` does not have.
void put_missing(json& config, const char* key, json value) {
  if (!config.contains(key)) config[key] = std::move(value);
}

/// Llama 3.1's divisors, or LongRoPE's two lists of them, come as tensors.
void read_divisors(json& config, const graph::WeightSource& tensors) {
  json divisors = json::object();
  if (tensors.find("rope_freqs.weight")) {
    divisors = {{"long", "rope_freqs.weight"}, {"short", "rope_freqs.weight"}};
  } else if (tensors.find("rope_factors_long.weight")) {
    divisors = {{"long", "rope_factors_long.weight"}, {"short", "rope_factors_short.weight"}};
  } else {
    return;
  }
  config["gguf"]["rope_divisors"] = std::move(divisors);
}

}  // namespace

json gguf_config(const GgufHeader& header, const graph::WeightSource& tensors) {
  json config = json::object();
  config["gguf"] = json::object();
  const std::string* architecture = header.string_value("general.architecture");
  if (architecture == nullptr) return config;
  config["model_type"] = *architecture;
  for (const Key& key : kKeys) {
    if (const GgufValue* value = header.find(cat(*architecture, ".", key.theirs))) {
      put(config, key.ours, value_of(*value));
    }
  }
  // llama.cpp's defaults, whatever the family's are in transformers.
  const json heads = config.value("num_attention_heads", json());
  const json width = config.value("hidden_size", json());
  put_missing(config, "num_key_value_heads", heads);
  if (heads.is_number_integer() && width.is_number_integer() && heads.get<std::int64_t>() > 0) {
    const std::int64_t size = width.get<std::int64_t>() / heads.get<std::int64_t>();
    if (size > 0) put_missing(config, "head_dim", size);
  }
  if (const auto scaling = config.find("rope_scaling"); scaling != config.end()) {
    put_missing(*scaling, "rope_type", scaling->contains("factor") ? "linear" : "default");
    if ((*scaling)["rope_type"] == "none") (*scaling)["rope_type"] = "default";
  }
  if (const auto slides = config.find("sliding_window_pattern");
      slides != config.end() && slides->is_array()) {
    json types = json::array();
    for (const json& each : *slides) {
      types.push_back(each == 0 || each == false ? "full_attention" : "sliding_attention");
    }
    config.erase(slides);
    config["layer_types"] = std::move(types);
  }
  read_divisors(config, tensors);

  const auto has = [&](std::string_view name) { return tensors.find(name).has_value(); };
  // A table that is none is found out when it is looked up as one.
  const auto table = tensors.find("token_embd.weight");
  config["vocab_size"] = table && table->info.shape.rank() == 2 ? table->info.shape[0] : 1;
  config["tie_word_embeddings"] = !has("output.weight");
  const bool bias = has("blk.0.attn_q.bias") || has("blk.0.attn_qkv.bias");
  config["attention_bias"] = config["use_qkv_bias"] = bias;
  config["mlp_bias"] = has("blk.0.ffn_up.bias");
  return config;
}

std::string gguf_key(std::string_view architecture, std::string_view key) {
  for (const Key& each : kKeys) {
    if (each.ours == key) return cat(architecture, ".", each.theirs);
  }
  return std::string(key);
}

std::vector<std::string_view> gguf_config_keys() {
  std::vector<std::string_view> keys;
  for (const Key& key : kKeys) {
    if (!key.detail) keys.push_back(key.ours);
  }
  return keys;
}

}  // namespace hearth::models
