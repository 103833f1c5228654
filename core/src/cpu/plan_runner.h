// Runs a graph, fused or not, with float weights: for tests of fusion, of the memory plan and of
// the executor. Memory that a step should not read is filled with NaN.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "cpu/executor.h"
#include "ops/op_table.h"

namespace hearth::cpu::testing {

class PlanRunner {
 public:
  /// `floats` gives a tensor's elements by name.
  PlanRunner(graph::Graph graph, const graph::StepLimits& limits,
             const std::function<std::vector<float>(const std::string&)>& floats)
      : plan_(graph::make_plan(std::move(graph), ops::op_table(), limits)), executor_(plan_, true) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<int> uses = plan_.graph.use_counts();
    for (std::size_t i = 0; i < plan_.graph.values.size(); ++i) {
      graph::Value& value = plan_.graph.values[i];
      if (value.kind != graph::ValueKind::kWeight || uses[i] == 0) continue;
      value.dtype = DType::kF32;
      std::vector<float>& bytes = *weights_.emplace_back(std::make_unique<std::vector<float>>());
      for (const graph::WeightPart& part : value.parts) {
        const std::vector<float> elements = floats(part.info.name);
        bytes.insert(bytes.end(), elements.begin(), elements.end());
      }
      executor_.bind_weight(static_cast<graph::ValueId>(i),
                            reinterpret_cast<const std::uint8_t*>(bytes.data()));
    }
    for (graph::ValueId id : executor_.state_values()) {
      const auto elements = static_cast<std::size_t>(plan_.graph.value(id).shape.elements());
      states_.push_back(std::make_unique<std::vector<float>>(elements, nan));
      pointers_.push_back(states_.back()->data());
    }
    // 64 bytes more than needed, to start at a multiple of 64.
    workspace_.assign(static_cast<std::size_t>(executor_.workspace_bytes()) / sizeof(float) + 16,
                      nan);
  }

  PlanRunner(const PlanRunner&) = delete;
  PlanRunner& operator=(const PlanRunner&) = delete;

  const graph::Plan& plan() const { return plan_; }

  /// Logits of the last `outputs` of the ids, which follow those of earlier calls.
  std::vector<float> step(const std::vector<std::uint32_t>& ids, std::size_t outputs) {
    std::vector<std::int32_t> rows;
    for (std::size_t i = ids.size() - outputs; i < ids.size(); ++i) {
      rows.push_back(static_cast<std::int32_t>(i));
    }
    const auto address = reinterpret_cast<std::uintptr_t>(workspace_.data());
    auto* aligned = reinterpret_cast<std::uint8_t*>((address + 63) / 64 * 64);
    const std::span<const float> logits =
        executor_.run({.ids = ids, .position = position_, .output_rows = rows, .states = pointers_},
                      aligned, pool_);
    position_ += static_cast<std::int64_t>(ids.size());
    return {logits.begin(), logits.end()};
  }

 private:
  graph::Plan plan_;
  Executor executor_;
  ThreadPool pool_{1};
  std::vector<std::unique_ptr<std::vector<float>>> weights_, states_;
  std::vector<float*> pointers_;
  std::vector<float> workspace_;
  std::int64_t position_ = 0;
};

}  // namespace hearth::cpu::testing
