#include "gpu/writer.h"

#include <algorithm>

#include "base/cat.h"

namespace hearth::gpu {
namespace {

/// Room for every number of a binding.
constexpr std::size_t kMostBindings = 10;

/// WebGPU's limit on a grid's side on every adapter.
constexpr std::int64_t kLargestSide = 65535;

}  // namespace

Grid spread(std::int64_t count) {
  const std::int64_t y = (count + kLargestSide - 1) / kLargestSide;
  return {.x = fixed((count + y - 1) / y), .y = fixed(y)};
}

Result<std::uint32_t> Writer::buffer(std::string_view name, std::string_view kind,
                                     std::uint64_t bytes) {
  if (bytes > adapter_.max_buffer_bytes) {
    return fail(ErrorCode::kOutOfMemory,
                cat("The GPU has no buffers of ", bytes >> 20, " MB, only of ",
                    adapter_.max_buffer_bytes >> 20, "."),
                name);
  }
  Buffer made;
  made.name = name;
  made.kind = kind;
  made.bytes = std::max<std::uint64_t>(align(bytes), kBindingAlignment);
  plan.buffers.push_back(std::move(made));
  return static_cast<std::uint32_t>(plan.buffers.size() - 1);
}

Result<void> Writer::make_common_buffers() {
  HEARTH_ASSIGN(step_, buffer("step", "uniform", sizeof(StepWords)));
  HEARTH_ASSIGN(nothing_read_, buffer("nothing, read", "work", kBindingAlignment));
  HEARTH_ASSIGN(nothing_write_,
                buffer("nothing, written", "work", kBindingAlignment * kMostBindings));
  return {};
}

Bound Writer::nothing(Access access, std::size_t index) const {
  Bound bound{.access = access, .binding = {}};
  bound.binding.buffer = access == Access::kRead ? nothing_read_ : nothing_write_;
  bound.binding.offset = access == Access::kRead ? 0 : kBindingAlignment * index;
  bound.binding.bytes = kBindingAlignment;
  return bound;
}

Result<Variant> Writer::variant(std::string_view kernel, std::string_view part) const {
  return choose_variant(
      {.kernel = kernel, .part = part, .exact = options_.exact, .forced = options_.forced},
      adapter_);
}

std::uint32_t Writer::pipeline(const Variant& variant, const std::vector<Constant>& constants,
                               std::string_view layout) {
  auto [source, is_new] =
      sources_.try_emplace(variant.name, static_cast<std::uint32_t>(plan.sources.size()));
  if (is_new) {
    Source text;
    text.name = variant.name;
    text.code = source_of(variant);
    plan.sources.push_back(std::move(text));
    plan.checks.push_back(variant.name);
  }
  std::string key = cat(variant.name, "|", layout);
  for (const Constant& constant : constants) key += cat("|", constant.name, "=", constant.value);
  const auto [found, fresh] =
      pipelines_.try_emplace(std::move(key), static_cast<std::uint32_t>(plan.pipelines.size()));
  if (fresh) {
    Pipeline made;
    made.source = source->second;
    made.constants = constants;
    made.layout = layout;
    plan.pipelines.push_back(std::move(made));
  }
  return found->second;
}

Result<void> Writer::dispatch(Program& program, std::string_view name, const Variant& variant,
                              const std::vector<Constant>& constants,
                              const std::vector<Bound>& bindings, const Grid& grid,
                              std::uint64_t bytes) {
  Dispatch made;
  made.name = name;
  std::string layout = "u";
  Binding step;
  step.buffer = step_;
  step.bytes = sizeof(StepWords);
  made.bindings.push_back(step);
  for (const Bound& bound : bindings) {
    if (bound.binding.bytes > adapter_.max_binding_bytes) {
      return fail(ErrorCode::kOutOfMemory,
                  cat("The GPU binds at most ", adapter_.max_binding_bytes >> 10, " KB, and \"",
                      name, "\" needs ", bound.binding.bytes >> 10, "."),
                  name);
    }
    layout.push_back(static_cast<char>(bound.access));
    made.bindings.push_back(bound.binding);
  }
  made.pipeline = pipeline(variant, constants, layout);
  made.x = grid.x;
  made.y = grid.y;
  made.z = grid.z;
  made.bytes = bytes;
  program.dispatches.push_back(std::move(made));
  return {};
}

}  // namespace hearth::gpu
