// What a family gives for a checkpoint: the graph that computes logits, and the figures a person
// asks for first.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/graph.h"
#include "models/checkpoint.h"

namespace hearth::models {

/// Hyperparameters that every decoder has.
struct DecoderFacts {
  std::string architecture;  ///< "llama"
  std::int64_t layers = 0;
  std::int64_t hidden_size = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_size = 0;
  std::int64_t vocab_size = 0;
  std::int64_t trained_context = 0;
};

struct Model {
  DecoderFacts facts;
  std::int64_t context_length = 0;  ///< tokens that the graph's states hold
  graph::Graph graph;               ///< not fused yet
};

/// Without a wish, sessions hold at most this many tokens: models trained for 128k would otherwise
/// take gigabytes that few conversations use.
inline constexpr std::int64_t kDefaultContext = 4096;

/// The context a session gets: `wanted`, or with 0 the model's own up to kDefaultContext.
/// Errors: invalid_argument when more is wanted than the model was trained for.
Result<std::int64_t> choose_context(std::int64_t wanted, std::int64_t trained);

/// Recognises the family and builds its graph. Errors: unsupported_architecture,
/// unsupported_config, missing_metadata, missing_tensor, shape_mismatch, invalid_argument.
Result<Model> build_model(const Checkpoint& checkpoint, std::int64_t wanted_context);

}  // namespace hearth::models
