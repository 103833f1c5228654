#include "models/rope_scaling.h"

#include <cmath>
#include <numbers>

#include "base/cat.h"

namespace hearth::models {
namespace {

/// Llama 3.1's rule: wavelengths longer than the original context are divided by `factor`, short
/// ones stay, and those between are blended linearly in the number of turns within that context.
double llama3_frequency(double frequency, double factor, double low, double high, double context) {
  const double turns = context * frequency / (2 * std::numbers::pi);
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const double blend = (turns - low) / (high - low);
  return (1 - blend) * frequency / factor + blend * frequency;
}

}  // namespace

std::vector<float> rope_frequencies(Settings& settings, bool gguf, std::int64_t rotary_size) {
  // RoFormer's base, which configurations leave out when they keep it.
  constexpr double kDefaultBase = 10000;
  double base = kDefaultBase;
  std::string prefix;
  std::string type = "default";
  if (gguf) {
    base = settings.number_or("{arch}.rope.freq_base", kDefaultBase);
    type = settings.text_or("{arch}.rope.scaling.type", "none");
    if (type == "none") type = "default";
  } else {
    const bool new_style = settings.has("rope_parameters");
    prefix = new_style ? "rope_parameters." : "rope_scaling.";
    base = settings.number_or(new_style && settings.has("rope_parameters.rope_theta")
                                  ? "rope_parameters.rope_theta"
                                  : "rope_theta",
                              kDefaultBase);
    if (new_style || settings.has("rope_scaling")) {
      // "type" is the oldest spelling.
      type = settings.text_or(cat(prefix, "rope_type"),
                              settings.text_or(cat(prefix, "type"), "default"));
    }
  }

  double factor = 1;
  if (type == "linear") {
    factor = settings.number(gguf ? "{arch}.rope.scaling.factor" : cat(prefix, "factor"));
  } else if (type == "llama3" && !gguf) {
    factor = settings.number(cat(prefix, "factor"));
  } else if (type != "default") {
    settings.refuse(gguf ? "{arch}.rope.scaling.type" : cat(prefix, "rope_type"), type);
  }
  if (!(base > 0) || !(factor > 0))
    settings.refuse("rope_theta", cat(base, " with factor ", factor));

  std::vector<float> frequencies;
  double low = 0, high = 0, context = 0;
  if (type == "llama3") {
    low = settings.number(cat(prefix, "low_freq_factor"));
    high = settings.number(cat(prefix, "high_freq_factor"));
    context = settings.number(cat(prefix, "original_max_position_embeddings"));
    if (!(high > low)) settings.refuse(cat(prefix, "high_freq_factor"), cat(high));
  }
  for (std::int64_t i = 0; i < rotary_size / 2; ++i) {
    double frequency =
        std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(rotary_size));
    if (type == "linear") frequency /= factor;
    if (type == "llama3") frequency = llama3_frequency(frequency, factor, low, high, context);
    frequencies.push_back(static_cast<float>(frequency));
  }
  return frequencies;
}

}  // namespace hearth::models
