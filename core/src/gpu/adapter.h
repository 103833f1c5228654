// What the core is told of a GPU: limits, optional features, and what was learned about its
// kernels.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/field.h"

namespace hearth::gpu {

/// The fastest setting found for a kernel on an adapter.
struct Choice {
  using Self = Choice;
  static constexpr std::string_view kName = "GpuChoice";
  std::string key;
  std::string value;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(key, "What was tuned: a kernel and a shape."),
                      HEARTH_FIELD(value, "The candidate that was fastest.")};
  }
};

struct Adapter {
  using Self = Adapter;
  static constexpr std::string_view kName = "GpuAdapter";
  std::string description;
  std::vector<std::string> features;
  std::uint64_t max_binding_bytes = 128ull << 20;
  std::uint64_t max_buffer_bytes = 256ull << 20;
  std::uint32_t max_invocations = 256;
  std::uint32_t max_workgroup_bytes = 16384;
  std::uint32_t subgroup_min = 0;
  std::uint32_t subgroup_max = 0;
  std::vector<std::string> refused;
  std::vector<Choice> choices;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(description, "Vendor, architecture, device and driver, for messages."),
        HEARTH_FIELD(features,
                     "Optional features of the device that kernels may use: \"subgroups\", "
                     "\"shader-f16\", \"subgroup-matrix\", \"dot8\"."),
        HEARTH_FIELD(max_binding_bytes, "maxStorageBufferBindingSize of the device."),
        HEARTH_FIELD(max_buffer_bytes, "maxBufferSize of the device."),
        HEARTH_FIELD(max_invocations, "maxComputeInvocationsPerWorkgroup of the device."),
        HEARTH_FIELD(max_workgroup_bytes, "maxComputeWorkgroupStorageSize of the device."),
        HEARTH_FIELD(subgroup_min, "Smallest subgroup; 0 when unknown."),
        HEARTH_FIELD(subgroup_max, "Largest subgroup; 0 when unknown."),
        HEARTH_FIELD(refused, "Kernel variants that failed their check here."),
        HEARTH_FIELD(choices, "What tuning found here.")};
  }

  bool has(std::string_view feature) const {
    for (const std::string& each : features) {
      if (each == feature) return true;
    }
    return false;
  }
  bool allows(std::string_view variant) const {
    for (const std::string& each : refused) {
      if (each == variant) return false;
    }
    return true;
  }
};

}  // namespace hearth::gpu
