// How a generation's settings reach the device's samplers.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/lower.h"
#include "sample/sampler.h"

namespace hearth::runtime {

/// Whether tokens seen before change logits.
bool penalizes(const sample::Settings& settings);

/// The settings as kernels/sample.wgsl declares them, and the biases behind.
std::vector<std::uint8_t> settings_bytes(const sample::Settings& settings);

/// The program that samples with them.
std::uint32_t sampler_program(const gpu::Handles& handles, const sample::Settings& settings);

}  // namespace hearth::runtime
