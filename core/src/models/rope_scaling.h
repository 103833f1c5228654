// Frequencies of rotary position embeddings and the ways in which models stretch them.
// Su et al. 2021 (arXiv 2104.09864) for the embedding; the "llama3" rule is Meta's, as published
// with Llama 3.1 and implemented in transformers' modeling_rope_utils.
#pragma once

#include <vector>

#include "models/settings.h"

namespace hearth::models {

/// Radians a position for each of rotary_size / 2 pairs, read from config.json in its old style
/// (`rope_theta`, `rope_scaling`) and its new (`rope_parameters`), or from GGUF metadata.
/// Records unsupported_config for a scaling it does not know, missing_metadata for an incomplete
/// one.
std::vector<float> rope_frequencies(Settings& settings, bool gguf, std::int64_t rotary_size);

}  // namespace hearth::models
