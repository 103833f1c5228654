// Chooses the next token from logits. The order of the settings' effects is that of transformers
// and vLLM: bias, penalties, temperature, top-k, top-p, min-p, draw.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace hearth::sample {

struct Settings {
  float temperature = 1;         ///< ≥ 0; 0 is greedy
  std::uint32_t top_k = 0;       ///< 0 keeps all
  float top_p = 1;               ///< (0, 1]
  float min_p = 0;               ///< [0, 1]
  float repetition_penalty = 1;  ///< > 0
  float frequency_penalty = 0;
  float presence_penalty = 0;
  std::uint32_t penalty_window = 0;  ///< last tokens that penalties look at; 0 for all
  std::uint64_t seed = 0;
  std::vector<std::pair<std::uint32_t, float>> logit_bias;
};

struct Candidate {
  std::uint32_t id = 0;
  float logprob = 0;
};

class Sampler {
 public:
  /// Errors: invalid_argument, naming the setting that is out of range.
  static Result<Sampler> make(Settings settings, std::uint32_t vocab_size);

  /// Tells of a token of the prompt; only the repetition penalty looks at these.
  void see_prompt(std::uint32_t id);

  /// The next token; changes `logits` in place. Steps are counted, so that the same seed gives the
  /// same tokens. Logits that are not numbers are never chosen. Errors: internal when none is a
  /// number.
  Result<std::uint32_t> sample(std::span<float> logits);

 private:
  void penalize(std::span<float> logits) const;
  std::uint32_t draw(std::span<float> logits);

  Settings settings_;
  std::vector<std::uint32_t> history_;  ///< prompt, then generated
  std::size_t generated_from_ = 0;      ///< where generated tokens start in history_
  std::uint64_t step_ = 0;
  std::vector<Candidate> candidates_;  ///< scratch, kept to spare an allocation a token
};

/// Index of the largest logit, the first of equals; NaN is never chosen. -1 when there is none.
std::int64_t argmax(std::span<const float> logits);

/// log(Σ exp(logits)) in double precision.
double log_sum_exp(std::span<const float> logits);

/// Natural log-probability of a token, which is one of the logits'.
float logprob(std::span<const float> logits, std::uint32_t id);

/// The `count` likeliest tokens with natural log-probabilities, likeliest first.
std::vector<Candidate> top_logprobs(std::span<const float> logits, std::size_t count);

}  // namespace hearth::sample
