// Checks one variant of a GPU kernel against the CPU: a graph of a few nodes around the kernel,
// with random weights, is lowered for the adapter with that variant forced, and run on both.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cpu/executor.h"
#include "gpu/lower.h"
#include "graph/plan.h"
#include "sample/sampler.h"

namespace hearth::runtime {

struct Verdict {
  bool ok = false;
  float error = 0;      ///< largest difference over the largest value expected
  float tolerance = 0;  ///< the largest that passes
};

class GpuCheck {
 public:
  /// Errors: invalid_argument for a name that no kernel has, and what lowering answers.
  static Result<std::unique_ptr<GpuCheck>> open(std::string_view name, const gpu::Adapter& adapter,
                                                std::uint64_t seed);

  const gpu::GpuPlan& plan() const { return lowered_.plan; }
  /// The weights, as the plan's loads expect a file to have them.
  const std::vector<std::uint8_t>& file() const { return file_; }
  const std::vector<gpu::Step>& steps() const { return steps_; }
  const gpu::Binding& output() const { return output_; }

  /// Compares what the GPU computed. Errors: invalid_argument when its size is wrong.
  Result<Verdict> close(Bytes output) const;

 private:
  GpuCheck() = default;
  Result<void> run_on_cpu();
  /// A matrix of GPTQ or AWQ, or the order of its columns, from the check's file.
  Result<void> assemble_part(const graph::Value& value, const graph::Assembly& from,
                             const cpu::Executor& executor, std::uint8_t* to) const;
  void add_step(std::size_t tokens, std::size_t outputs);

  graph::Plan plan_;
  gpu::Lowered lowered_;
  std::vector<std::uint8_t> file_;
  std::vector<gpu::Step> steps_;
  std::vector<std::vector<std::uint32_t>> words_;  ///< what the steps' writes point to
  std::vector<std::vector<std::uint32_t>> ids_;    ///< of each step
  gpu::Binding output_;
  std::vector<float> expected_;
  bool samples_ = false;
  sample::Settings sampling_;
  std::vector<std::uint8_t> settings_;
  float tolerance_ = 0;
};

/// The names of every check that the adapter's features allow.
std::vector<std::string> gpu_check_names(const gpu::Adapter& adapter);

}  // namespace hearth::runtime
