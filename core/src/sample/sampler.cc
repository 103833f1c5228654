#include "sample/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/cat.h"
#include "sample/philox.h"

namespace hearth::sample {
namespace {

std::unexpected<Error> out_of_range(std::string_view name, float value, std::string_view range) {
  return fail(ErrorCode::kInvalidArgument, cat(name, " is ", value, ", and must be ", range, "."),
              name);
}

bool likelier(const Candidate& a, const Candidate& b) {
  return a.logprob > b.logprob || (a.logprob == b.logprob && a.id < b.id);
}

}  // namespace

std::int64_t argmax(std::span<const float> logits) {
  std::int64_t best = -1;
  float largest = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > largest) {
      largest = logits[i];
      best = static_cast<std::int64_t>(i);
    }
  }
  return best;
}

double log_sum_exp(std::span<const float> logits) {
  const std::int64_t best = argmax(logits);
  if (best < 0) return -std::numeric_limits<double>::infinity();
  const float largest = logits[static_cast<std::size_t>(best)];
  double sum = 0;
  for (float logit : logits) {
    if (logit == logit) sum += std::exp(static_cast<double>(logit - largest));
  }
  return static_cast<double>(largest) + std::log(sum);
}

float logprob(std::span<const float> logits, std::uint32_t id) {
  return static_cast<float>(static_cast<double>(logits[id]) - log_sum_exp(logits));
}

std::vector<Candidate> top_logprobs(std::span<const float> logits, std::size_t count) {
  const double total = log_sum_exp(logits);
  std::vector<Candidate> best;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] == logits[i])) continue;
    const Candidate candidate{static_cast<std::uint32_t>(i),
                              static_cast<float>(static_cast<double>(logits[i]) - total)};
    if (best.size() == count && (count == 0 || !likelier(candidate, best.back()))) continue;
    best.insert(std::upper_bound(best.begin(), best.end(), candidate, likelier), candidate);
    if (best.size() > count) best.pop_back();
  }
  return best;
}

Result<Sampler> Sampler::make(Settings settings, std::uint32_t vocab_size) {
  // Written so that NaN fails each test.
  if (!(settings.temperature >= 0 && settings.temperature <= 100)) {
    return out_of_range("temperature", settings.temperature, "from 0 to 100");
  }
  if (!(settings.top_p > 0 && settings.top_p <= 1)) {
    return out_of_range("top_p", settings.top_p, "above 0 and at most 1");
  }
  if (!(settings.min_p >= 0 && settings.min_p <= 1)) {
    return out_of_range("min_p", settings.min_p, "from 0 to 1");
  }
  if (!(settings.repetition_penalty > 0 && settings.repetition_penalty <= 100)) {
    return out_of_range("repetition_penalty", settings.repetition_penalty,
                        "above 0 and at most 100");
  }
  if (!(std::fabs(settings.frequency_penalty) <= 100)) {
    return out_of_range("frequency_penalty", settings.frequency_penalty, "from -100 to 100");
  }
  if (!(std::fabs(settings.presence_penalty) <= 100)) {
    return out_of_range("presence_penalty", settings.presence_penalty, "from -100 to 100");
  }
  for (const auto& [id, bias] : settings.logit_bias) {
    if (id >= vocab_size) {
      return fail(
          ErrorCode::kInvalidArgument,
          cat("logit_bias names the token ", id, ", and the vocabulary has ", vocab_size, "."),
          "logit_bias");
    }
    if (!(std::fabs(bias) <= 1e6f)) return out_of_range("logit_bias", bias, "a finite number");
  }
  Sampler sampler;
  sampler.settings_ = std::move(settings);
  return sampler;
}

void Sampler::see_prompt(std::uint32_t id) {
  history_.push_back(id);
  generated_from_ = history_.size();
}

void Sampler::penalize(std::span<float> logits) const {
  const Settings& s = settings_;
  if (s.repetition_penalty == 1 && s.frequency_penalty == 0 && s.presence_penalty == 0) return;
  std::size_t begin = 0;
  if (s.penalty_window != 0 && history_.size() > s.penalty_window) {
    begin = history_.size() - s.penalty_window;
  }
  struct Seen {
    bool repeated = false;
    std::uint32_t generated = 0;
  };
  std::unordered_map<std::uint32_t, Seen> seen;
  for (std::size_t i = begin; i < history_.size(); ++i) {
    Seen& entry = seen[history_[i]];
    entry.repeated = true;
    if (i >= generated_from_) ++entry.generated;
  }
  for (const auto& [id, entry] : seen) {
    if (id >= logits.size()) continue;
    float& logit = logits[id];
    if (entry.repeated) {
      logit = logit > 0 ? logit / s.repetition_penalty : logit * s.repetition_penalty;
    }
    if (entry.generated > 0) {
      logit -= s.presence_penalty + s.frequency_penalty * static_cast<float>(entry.generated);
    }
  }
}

std::uint32_t Sampler::draw(std::span<float> logits) {
  const Settings& s = settings_;
  const float largest = logits[static_cast<std::size_t>(argmax(logits))];
  // Probabilities up to a common factor: the likeliest token has 1. What is below min_p of that
  // goes before sorting, which is why min_p costs nothing here; its place in the order does not
  // change the set, because the largest probability survives every other filter.
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float weight = std::exp((logits[i] - largest) / s.temperature);
    // exp gives 0 below about -104: such tokens could never be drawn.
    if (weight > 0 && weight >= s.min_p) {
      candidates_.push_back({static_cast<std::uint32_t>(i), weight});
    }
  }
  // From here on `logprob` holds the weight.
  double total = 0;
  if (s.top_k != 0 && s.top_k < candidates_.size()) {
    std::nth_element(candidates_.begin(), candidates_.begin() + s.top_k, candidates_.end(),
                     likelier);
    candidates_.resize(s.top_k);
  }
  for (const Candidate& candidate : candidates_) total += static_cast<double>(candidate.logprob);
  std::size_t kept = candidates_.size();
  if (s.top_p < 1) {
    // A heap yields the likeliest first without sorting the long tail.
    const auto heap_order = [](const Candidate& a, const Candidate& b) { return likelier(b, a); };
    std::make_heap(candidates_.begin(), candidates_.end(), heap_order);
    const double wanted = static_cast<double>(s.top_p) * total;
    double reached = 0;
    auto end = candidates_.end();
    while (end != candidates_.begin() && reached < wanted) {
      std::pop_heap(candidates_.begin(), end, heap_order);
      --end;
      reached += static_cast<double>(end->logprob);
    }
    // The kept ones now lie at the back, likeliest last.
    candidates_.erase(candidates_.begin(), end);
    kept = candidates_.size();
    total = reached;
  }
  // Ordered by id, so that the draw does not depend on how the filters happened to leave them.
  std::sort(candidates_.begin(), candidates_.end(),
            [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  double remaining = static_cast<double>(uniform(s.seed, step_)) * total;
  for (std::size_t i = 0; i < kept; ++i) {
    remaining -= static_cast<double>(candidates_[i].logprob);
    if (remaining < 0) return candidates_[i].id;
  }
  return candidates_[kept - 1].id;  // rounding left a crumb
}

Result<std::uint32_t> Sampler::sample(std::span<float> logits) {
  for (const auto& [id, bias] : settings_.logit_bias) logits[id] += bias;
  penalize(logits);
  const std::int64_t best = argmax(logits);
  if (best < 0) {
    return fail(ErrorCode::kInternal, "The model computed no logit that is a number.", "logits");
  }
  // Beside an infinite logit every other has no probability, and its own difference is no number.
  const bool certain = std::isinf(logits[static_cast<std::size_t>(best)]);
  const std::uint32_t id =
      settings_.temperature == 0 || certain ? static_cast<std::uint32_t>(best) : draw(logits);
  ++step_;
  history_.push_back(id);
  return id;
}

}  // namespace hearth::sample
