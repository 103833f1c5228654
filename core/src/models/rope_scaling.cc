#include "models/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/cat.h"

namespace hearth::models {
namespace {

std::vector<double> plain_frequencies(double base, std::int64_t rotary_size) {
  std::vector<double> frequencies;
  frequencies.reserve(static_cast<std::size_t>(rotary_size / 2));
  for (std::int64_t i = 0; i < rotary_size / 2; ++i) {
    frequencies.push_back(
        std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(rotary_size)));
  }
  return frequencies;
}

Rope finish(const std::vector<double>& frequencies, double scale) {
  Rope rope{.frequencies = {}, .scale = static_cast<float>(scale)};
  rope.frequencies.reserve(frequencies.size());
  for (const double each : frequencies) rope.frequencies.push_back(static_cast<float>(each));
  return rope;
}

/// Reads one "rope_scaling" or "rope_parameters".
class Scaling {
 public:
  Scaling(Settings& settings, std::string prefix, double base)
      : settings_(settings), prefix_(std::move(prefix)), base_(base) {}

  double positive(std::string_view name) {
    const std::string key = cat(prefix_, name);
    return checked(key, settings_.number(key));
  }
  double positive_or(std::string_view name, double otherwise) {
    const std::string key = cat(prefix_, name);
    return checked(key, settings_.number_or(key, otherwise));
  }

  /// The context before stretching: inside the scaling, beside it (Phi-3), or the model's own.
  double original_context() {
    const std::string key = cat(prefix_, "original_max_position_embeddings");
    if (settings_.has(key)) return checked(key, settings_.number(key));
    if (settings_.has("original_max_position_embeddings")) {
      return positive_top("original_max_position_embeddings");
    }
    return positive_top("max_position_embeddings");
  }

  // Llama 3.1: wavelengths longer than the original context are divided by `factor`, short ones
  // stay, and those between are blended linearly in the number of turns within that context.
  void llama3(std::vector<double>& frequencies) {
    const double factor = positive("factor");
    const double low = positive("low_freq_factor");
    const double high = positive("high_freq_factor");
    const double context = positive("original_max_position_embeddings");
    if (!(high > low)) settings_.refuse(cat(prefix_, "high_freq_factor"), cat(high));
    for (double& each : frequencies) {
      const double turns = context * each / (2 * std::numbers::pi);
      if (turns > high) continue;
      const double blend = turns < low ? 0 : (turns - low) / (high - low);
      each = (1 - blend) * each / factor + blend * each;
    }
  }

  // YaRN: pairs that turn more than `beta_fast` times within the original context stay, those that
  // turn less than `beta_slow` times are divided by the factor, with a linear ramp between. Returns
  // the scale.
  double yarn(std::vector<double>& frequencies, std::int64_t rotary_size) {
    const double context = original_context();
    const double factor = positive("factor");
    const double fast = positive_or("beta_fast", 32);
    const double slow = positive_or("beta_slow", 1);
    if (!(fast >= slow)) settings_.refuse(cat(prefix_, "beta_fast"), cat(fast));
    // The pair that turns so many times within the context.
    const auto pair_of = [&](double turns) {
      return static_cast<double>(rotary_size) * std::log(context / (turns * 2 * std::numbers::pi)) /
             (2 * std::log(base_));
    };
    double low = pair_of(fast), high = pair_of(slow);
    if (settings_.flag_or(cat(prefix_, "truncate"), true)) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, static_cast<double>(rotary_size - 1));
    if (low == high) high += 0.001;  // the reference's way around a division by zero
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
      const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
      frequencies[i] = frequencies[i] / factor * ramp + frequencies[i] * (1 - ramp);
    }
    const auto grown = [&](double by) { return factor <= 1 ? 1 : 0.1 * by * std::log(factor) + 1; };
    const std::string mscale = cat(prefix_, "mscale"), all = cat(prefix_, "mscale_all_dim");
    double scale = grown(1);
    if (settings_.number_or(mscale, 0) != 0 && settings_.number_or(all, 0) != 0) {
      scale = grown(settings_.number(mscale)) / grown(settings_.number(all));
    }
    // GGUF's factor comes on top of the rule's.
    return positive_or("attention_factor", scale) * settings_.number_or("gguf.rope_scale", 1);
  }

  // LongRoPE: a divisor for each pair, one list for texts within the original context and one for
  // longer ones. Returns the scale.
  double longrope(std::vector<double>& frequencies, std::int64_t context) {
    const double original = original_context();
    const std::string key =
        cat(prefix_, static_cast<double>(context) > original ? "long_factor" : "short_factor");
    if (!settings_.has(key)) settings_.number(key);  // records what is missing
    const std::vector<double> divisors = settings_.numbers(key);
    if (!settings_.status()) return 1;
    if (divisors.size() != frequencies.size()) {
      settings_.refuse(key, cat(divisors.size(), " factors for ", frequencies.size(), " pairs"));
      return 1;
    }
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
      frequencies[i] /= checked(key, divisors[i]);
    }
    // Phi-3 says by its two contexts how far it is stretched.
    const double factor = positive_or("factor", positive_top("max_position_embeddings") / original);
    const double scale =
        factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(std::max(original, 2.0)));
    return positive_or("attention_factor", scale);
  }

 private:
  double checked(std::string_view key, double value) {
    if (value > 0) return value;
    settings_.refuse(key, cat(value));
    return 1;
  }
  double positive_top(std::string_view key) { return checked(key, settings_.number(key)); }

  Settings& settings_;
  std::string prefix_;
  double base_;
};

/// GGUF files have Llama 3.1's rule and LongRoPE worked out, as divisors of the frequencies.
void read_divisors(Settings& settings, std::int64_t context, Rope& rope) {
  const std::int64_t original =
      settings.count_or("rope_scaling.original_max_position_embeddings", kLargestCount);
  const bool is_long = context > original;
  rope.divisors =
      settings.text_or(is_long ? "gguf.rope_divisors.long" : "gguf.rope_divisors.short", "");
  const double scale = settings.number_or("gguf.rope_scale", 1);
  if (!(scale > 0)) settings.refuse("gguf.rope_scale", cat(scale));
  rope.scale = static_cast<float>(scale);
}

}  // namespace

Rope read_rope(Settings& settings, std::int64_t rotary_size, std::int64_t context,
               const RopeKeys& keys) {
  const bool new_style = settings.has(keys.parameters);
  const std::string prefix = cat(new_style ? keys.parameters : keys.scaling, ".");
  const std::string new_base = cat(keys.parameters, ".rope_theta");
  const std::string base_key = settings.has(new_base) ? new_base : std::string(keys.base);
  const double base = settings.number_or(base_key, keys.default_base);
  // A base of one would not turn slower from pair to pair, and yarn divides by its logarithm.
  if (!(base > 1)) settings.refuse(base_key, cat(base));
  std::vector<double> frequencies = plain_frequencies(base, rotary_size);
  double scale = 1;
  // "type" is the oldest spelling.
  const std::string type =
      settings.text_or(cat(prefix, "rope_type"), settings.text_or(cat(prefix, "type"), "default"));
  const bool by_tensors =
      settings.gguf() && settings.has("gguf.rope_divisors") && !keys.scaling.empty();
  Scaling scaling(settings, prefix, base);
  if (type == "linear") {
    const double factor = scaling.positive("factor");
    for (double& each : frequencies) each /= factor;
  } else if (type == "dynamic") {
    // The base grows with texts longer than the trained context, and sessions end there.
    scaling.positive("factor");
  } else if (type == "llama3") {
    scaling.llama3(frequencies);
  } else if (type == "yarn") {
    scale = scaling.yarn(frequencies, rotary_size);
  } else if (type == "longrope" && by_tensors) {
    // its factors are tensors
  } else if (type == "longrope" || type == "su") {  // Phi-3's first name for it
    scale = scaling.longrope(frequencies, context);
  } else if (type != "default") {
    settings.refuse(cat(prefix, "rope_type"), type);
  }
  // Each figure may be in range and what they make together not.
  const auto finite = [](double each) { return std::isfinite(static_cast<float>(each)); };
  if (!finite(scale) || !std::all_of(frequencies.begin(), frequencies.end(), finite)) {
    settings.refuse(cat(prefix, "rope_type"), cat(type, " of such figures"));
  }
  Rope rope = finish(frequencies, scale);
  if (by_tensors) {
    if (type != "default" && type != "longrope") settings.refuse(cat(prefix, "rope_type"), type);
    read_divisors(settings, context, rope);
  }
  return rope;
}

}  // namespace hearth::models
