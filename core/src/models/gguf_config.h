// A GGUF file's hyperparameters as config.json would have them, so that a family is described once
// for both formats.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "graph/graph.h"

namespace hearth::models {

/// The configuration: metadata under config.json's keys, and what a GGUF file says by the tensors
/// it has: the size of the vocabulary, whether the output matrix is the embedding, which linears
/// have biases, by what frequencies are divided. Values of a kind that config.json does not have
/// become strings, which whoever asks for a number refuses.
nlohmann::json gguf_config(const GgufHeader& header, const graph::WeightSource& tensors);

/// The name in GGUF metadata of a key of config.json; the key itself when it comes from tensors.
std::string gguf_key(std::string_view architecture, std::string_view key);

/// Every key, "a.b" for b in a, that metadata may be read as and that changes what a model
/// computes.
std::vector<std::string_view> gguf_config_keys();

}  // namespace hearth::models
