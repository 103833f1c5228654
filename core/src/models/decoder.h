// The decoder that all families are: norm, attention, norm, feed-forward, with what they do
// differently as options. A family's file says which of them it has and what its weights are
// called; here they are put together.
#pragma once

#include <functional>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "models/model.h"
#include "models/rope_scaling.h"
#include "models/settings.h"

namespace hearth::models {

/// What differs from layer to layer.
struct LayerOptions {
  static constexpr int kNoRope = -1;
  int rope = 0;             ///< index into DecoderConfig::ropes
  std::int64_t window = 0;  ///< keys that a token sees, its own included; 0 for all
};

enum class HeadNorm : std::uint8_t {
  kNone,
  kEachHead,   ///< weights (head_size), each head on its own
  kFullWidth,  ///< weights (heads · head_size), all heads together
};

struct DecoderConfig {
  DecoderFacts facts;
  std::int64_t ffn_size = 0;
  std::int64_t rotary_size = 0;          ///< leading part of each head that turns
  float epsilon = 0;                     ///< of every norm
  bool layer_norm = false;               ///< with biases; else root mean square
  float norm_offset = 0;                 ///< added to the norms' weights
  HeadNorm head_norm = HeadNorm::kNone;  ///< of query and key, before they turn
  graph::Activation activation = graph::Activation::kSilu;
  bool qkv_bias = false;
  bool output_bias = false;  ///< of the attention's last matrix
  bool mlp_bias = false;
  bool tied = false;        ///< the output matrix is the embedding
  bool parallel = false;    ///< attention and feed-forward read the same value and are added to it
  bool transposed = false;  ///< all of a layer's matrices are stored (in, out)
  /// GGUF files of Llama have the rows of query and key reordered so that the pairs that turn
  /// together lie side by side; Hugging Face's have them half a head apart.
  bool interleaved = false;
  float embedding_scale = 1;
  float residual_scale = 1;  ///< of what attention and feed-forward add
  float logits_scale = 1;
  float attention_scale = 0;     ///< of query · key; 0 for 1 / √head_size
  float attention_soft_cap = 0;  ///< 0 for none
  float logits_soft_cap = 0;     ///< 0 for none
  std::vector<Rope> ropes;
  std::vector<LayerOptions> layers;  ///< one for each; empty when all have the defaults
};

/// Names of tensors, without ".weight" and ".bias". An empty one: the family has no such part.
struct DecoderNames {
  std::string_view prefix;  ///< of all but the output's
  std::string_view embedding, output, final_norm;
  std::string_view positions;       ///< a row for each position, added to the embedding
  std::string_view layer;           ///< prefix of a layer's tensors, "{}" standing for its number
  std::string_view attention_norm;  ///< before the attention
  std::string_view query, key, value;
  std::string_view qkv;           ///< instead of the three: their rows one after the other
  std::string_view qkv_by_heads;  ///< or: those of each head's query, key and value, head by head
  std::string_view query_norm, key_norm;
  std::string_view attention_output;
  std::string_view attention_post_norm;  ///< after it, before the sum
  std::string_view ffn_norm;
  std::string_view gate, up;  ///< up alone: activation(up(x)) without a gate
  std::string_view gate_up;   ///< instead of the two: their rows one after the other
  std::string_view down;
  std::string_view ffn_post_norm;
};

/// Hugging Face's names for a Llama, which most families start from.
DecoderNames hugging_face_names();

/// GGUF's names, which are the same for all families, for the parts that the family has.
DecoderNames gguf_names(const DecoderNames& hugging_face);

/// What config.json leaves out when it is the family's default in transformers.
struct DecoderDefaults {
  std::string_view architecture;
  std::int64_t context = 2048;
  std::int64_t kv_heads = 0;   ///< 0: as many as heads
  std::int64_t head_size = 0;  ///< 0: hidden_size / heads
  double epsilon = 1e-6;
  bool tied = false;
  std::int64_t ffn_factor = 0;  ///< times hidden_size; 0: intermediate_size has to be given
  std::string_view epsilon_key = "rms_norm_eps";
  std::string_view activation_key = "hidden_act";
  std::string_view activation = "silu";
  double partial_rotary = 1;
  bool may_turn_part = false;  ///< the family reads partial_rotary_factor
};

/// The keys of config.json that all these families share. Records what settings.h says and
/// unsupported_config for activations and sizes that are not supported.
DecoderConfig read_decoder(Settings& settings, const DecoderDefaults& defaults);

/// The context of a session for the wish of one; errors are left to choose_context.
std::int64_t context_for(std::int64_t wanted, const DecoderConfig& config);

/// The windows of config.json: `sliding_window`, for the layers that `layer_types` calls
/// "sliding_attention", and without it for those of which `slides(layer)` is true. Gives every
/// layer its options. `otherwise` is the window of a config.json that does not have the key; null
/// is no window. Records unsupported_config for other types of layers, and for lists that do
/// not have one entry a layer.
using Slides = std::function<bool(std::int64_t layer)>;
void read_windows(Settings& settings, DecoderConfig& config, std::int64_t otherwise,
                  const Slides& slides);

/// Qwen's form of the same: windows only with `use_sliding_window`, and without `layer_types` for
/// layers from `max_window_layers` on.
void read_qwen_windows(Settings& settings, DecoderConfig& config);

/// Refuses sizes that no model has and whose products would not fit 64 bits. With them in range,
/// and settings.h's limit on each count, no product overflows.
void check_sizes(Settings& settings, const DecoderConfig& config);

/// The graph. Errors: as build_model.
Result<Model> build_decoder(const Checkpoint& checkpoint, DecoderConfig config,
                            const DecoderNames& names, std::int64_t wanted_context);

/// A family's description as its file writes it: made with what all families read, changed where
/// this one differs, then built.
struct DecoderFamily {
  DecoderFamily(const Checkpoint& checkpoint, const DecoderDefaults& defaults);
  /// The same, where a family's config.json has names of its own: (read_decoder's, the family's).
  using Renames = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  DecoderFamily(const Checkpoint& checkpoint, const DecoderDefaults& defaults,
                const Renames& renames);

  /// Errors: as build_model.
  Result<Model> build(std::int64_t wanted_context);

  const Checkpoint& checkpoint;
  Settings settings;
  bool gguf;  ///< not Hugging Face's files: converters have changed some weights
  DecoderConfig config;
  DecoderNames names = hugging_face_names();  ///< Hugging Face's; build() knows GGUF's
  RopeKeys rope;
  bool turns = true;  ///< whether build() reads a rope when config has none
};

}  // namespace hearth::models
