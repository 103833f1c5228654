// Collects a plan: sources, pipelines and buffers without repetition, and dispatches with their
// bindings.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/adapter.h"
#include "gpu/kernel_table.h"
#include "gpu/program.h"

namespace hearth::gpu {

/// WebGPU's smallest storage binding offset that every adapter allows.
inline constexpr std::uint64_t kBindingAlignment = 256;

inline std::uint64_t align(std::uint64_t bytes) {
  return (bytes + kBindingAlignment - 1) / kBindingAlignment * kBindingAlignment;
}

/// What a binding is to its kernel.
enum class Access : char { kUniform = 'u', kRead = 'r', kWrite = 'w' };

struct Bound {
  Access access = Access::kRead;
  Binding binding;
};

struct Grid {
  Count x = {.fixed = 1}, y = {.fixed = 1}, z = {.fixed = 1};
};

inline Count fixed(std::int64_t count) {
  Count result;
  result.fixed = static_cast<std::uint32_t>(count);
  return result;
}
inline Count per(std::string_view figure, std::int64_t times = 1, std::int64_t divisor = 1) {
  Count result;
  result.per = figure;
  result.times = static_cast<std::uint32_t>(times);
  result.divisor = static_cast<std::uint32_t>(divisor);
  return result;
}

/// A grid of at least `count` workgroups: kernels compute their place as x + y · (size of x) and
/// leave when it is past the end.
Grid spread(std::int64_t count);

struct WriterOptions {
  bool exact = false;       ///< float arithmetic and float states
  std::string_view forced;  ///< a variant to take wherever it fits; for checks
};

class Writer {
 public:
  Writer(const Adapter& adapter, const WriterOptions& options)
      : adapter_(adapter), options_(options) {}

  const Adapter& adapter() const { return adapter_; }
  bool exact() const { return options_.exact; }

  /// Errors: out_of_memory when the adapter has no buffers of that size.
  Result<std::uint32_t> buffer(std::string_view name, std::string_view kind, std::uint64_t bytes);

  /// Chooses the variant of a kernel. Errors: unsupported_device.
  Result<Variant> variant(std::string_view kernel, std::string_view part = "") const;
  /// The pipeline of a variant with these constants and bindings; the same one for the same
  /// arguments.
  std::uint32_t pipeline(const Variant& variant, const std::vector<Constant>& constants,
                         std::string_view layout);

  /// A dispatch of the kernel's chosen variant; binding 0 is the step. Errors: unsupported_device.
  Result<void> dispatch(Program& program, std::string_view name, const Variant& variant,
                        const std::vector<Constant>& constants, const std::vector<Bound>& bindings,
                        const Grid& grid, std::uint64_t bytes = 0);

  /// 256 bytes that no one reads or writes, for a binding that a dispatch does not need. Writable
  /// ones must not overlap, so each number of binding has its own.
  Bound nothing(Access access, std::size_t index) const;

  Result<void> make_common_buffers();
  std::uint32_t step_buffer() const { return step_; }

  GpuPlan plan;  ///< what has been written so far

 private:
  const Adapter& adapter_;
  WriterOptions options_;
  std::map<std::string, std::uint32_t> sources_;
  std::map<std::string, std::uint32_t> pipelines_;
  std::uint32_t step_ = 0, nothing_read_ = 0, nothing_write_ = 0;
};

}  // namespace hearth::gpu
