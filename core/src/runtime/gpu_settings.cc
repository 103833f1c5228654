#include "runtime/gpu_settings.h"

#include "gpu/sample.h"

namespace hearth::runtime {

bool penalizes(const sample::Settings& settings) {
  return settings.repetition_penalty != 1 || settings.frequency_penalty != 0 ||
         settings.presence_penalty != 0;
}

std::vector<std::uint8_t> settings_bytes(const sample::Settings& settings) {
  std::vector<std::uint8_t> bytes;
  const auto put = [&](auto value) {
    static_assert(sizeof value == 4);
    const auto* from = reinterpret_cast<const std::uint8_t*>(&value);
    bytes.insert(bytes.end(), from, from + 4);
  };
  put(settings.temperature);
  put(settings.top_p);
  put(settings.min_p);
  put(settings.top_k);
  put(settings.repetition_penalty);
  put(settings.frequency_penalty);
  put(settings.presence_penalty);
  put(settings.penalty_window);
  put(static_cast<std::uint32_t>(settings.seed));
  put(static_cast<std::uint32_t>(settings.seed >> 32));
  put(static_cast<std::uint32_t>(settings.logit_bias.size()));
  put(static_cast<std::uint32_t>(penalizes(settings)));
  for (const auto& [id, bias] : settings.logit_bias) {
    put(id);
    put(bias);
  }
  return bytes;
}

std::uint32_t sampler_program(const gpu::Handles& handles, const sample::Settings& settings) {
  const std::size_t cuts =
      (settings.top_k != 0 ? gpu::kCutTopK : 0) | (settings.top_p < 1 ? gpu::kCutTopP : 0);
  return settings.temperature == 0 ? handles.greedy : handles.sample[cuts];
}

}  // namespace hearth::runtime
