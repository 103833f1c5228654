// Frequencies of rotary position embeddings and the ways in which models stretch them.
// Su et al. 2021 (arXiv 2104.09864) for the embedding; "llama3" is Meta's rule, published with
// Llama 3.1; "yarn" is Peng et al. 2023 (arXiv 2309.00071); "longrope" is Ding et al. 2024 (arXiv
// 2402.13753), as Phi-3 has it. Keys and defaults are those of transformers' modeling_rope_utils.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/settings.h"

namespace hearth::models {

/// RoFormer's base, which configurations leave out when they keep it.
inline constexpr double kDefaultRopeBase = 10000;

struct Rope {
  std::vector<float> frequencies;  ///< (rotary_size / 2), radians a position
  float scale = 1;                 ///< of sine and cosine
  std::string divisors;            ///< a tensor (rotary_size / 2) that divides them; none if empty
};

/// Where config.json says how a model turns.
struct RopeKeys {
  std::string_view base = "rope_theta";  ///< the old style's
  std::string_view scaling = "rope_scaling";
  std::string_view parameters = "rope_parameters";  ///< the new style's: base and scaling
  double default_base = kDefaultRopeBase;
};

/// Read from config.json, or GGUF's metadata as such, in its old style (`rope_theta`,
/// `rope_scaling`) and its new
/// (`rope_parameters`). "longrope" has factors for short and for long texts: those of long texts
/// are taken when the session's `context` is longer than the original one, because a cache of keys
/// cannot change them midway. Records unsupported_config for a scaling it does not know,
/// missing_metadata for an incomplete one.
Rope read_rope(Settings& settings, std::int64_t rotary_size, std::int64_t context,
               const RopeKeys& keys = {});
}  // namespace hearth::models
