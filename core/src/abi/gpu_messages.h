// Messages about models on a GPU; messages.h says how they work, gpu/program.h what a plan is.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "abi/codec.h"
#include "gpu/adapter.h"
#include "gpu/program.h"

namespace hearth::abi {

struct SessionTake {
  using Self = SessionTake;
  static constexpr std::string_view kName = "SessionTake";
  std::uint32_t session = 0;
  ByteView data;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(session, "Handle from session_open."),
        HEARTH_FIELD(data,
                     "What the oldest step whose answer is missing was to read: an id, or rows of "
                     "logits, little-endian as the GPU left them.")};
  }
};

struct SessionLost {
  using Self = SessionLost;
  static constexpr std::string_view kName = "SessionLost";
  std::uint32_t session = 0;
  bool forward_again = false;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(session, "Handle from session_open; its model's device was lost."),
        HEARTH_FIELD(forward_again,
                     "A forward pass was under way, and session_forward_begin will be called for "
                     "it again.")};
  }
};

struct SessionPretend {
  using Self = SessionPretend;
  static constexpr std::string_view kName = "SessionPretend";
  std::uint32_t session = 0;
  std::uint32_t tokens = 0;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(session, "Handle from session_open; its model runs on a GPU."),
        HEARTH_FIELD(tokens,
                     "How many tokens it shall take for processed, whatever the states hold: for "
                     "timing at a context without filling it.")};
  }
};

struct ForwardStarted {
  using Self = ForwardStarted;
  static constexpr std::string_view kName = "ForwardStarted";
  std::uint32_t rows = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(rows, "Rows of logits that the steps will give together.")};
  }
};

struct LogitsOfIds {
  using Self = LogitsOfIds;
  static constexpr std::string_view kName = "LogitsOfIds";
  std::vector<std::uint32_t> ids;
  ByteView logits;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(ids, "A token id for each row."),
                      HEARTH_FIELD(logits, "float32, (ids, vocabulary).")};
  }
};

struct ColumnGroups {
  using Self = ColumnGroups;
  static constexpr std::string_view kName = "ColumnGroups";
  ByteView groups;
  std::uint32_t group_size = 0;
  bool sorted = false;
  std::string name;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(groups, "The group of each column, as GPTQ's g_idx has them: int32."),
        HEARTH_FIELD(group_size, "Columns that a group has; the last may have fewer."),
        HEARTH_FIELD(sorted, "Whether they have to be in order already."),
        HEARTH_FIELD(name, "The tensor, for messages.")};
  }
};

struct ColumnOrder {
  using Self = ColumnOrder;
  static constexpr std::string_view kName = "ColumnOrder";
  std::vector<std::uint32_t> order;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(order,
                                   "The columns as a GPU holds them, those of a group together: "
                                   "malformed_tensor when there is no such order.")};
  }
};

struct GpuCheckOpen {
  using Self = GpuCheckOpen;
  static constexpr std::string_view kName = "GpuCheckOpen";
  std::string name;
  gpu::Adapter adapter;
  std::uint64_t seed = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(name, "A name from a plan's `checks`, or gpu_check_names."),
                      HEARTH_FIELD(adapter, "The adapter to check it on."),
                      HEARTH_FIELD(seed, "Of the random input.")};
  }
};

struct GpuCheckNames {
  using Self = GpuCheckNames;
  static constexpr std::string_view kName = "GpuCheckNames";
  std::vector<std::string> names;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(names, "Every kernel variant that the adapter allows.")};
  }
};

struct GpuCheck {
  using Self = GpuCheck;
  static constexpr std::string_view kName = "GpuCheck";
  std::uint32_t check = 0;
  gpu::GpuPlan plan;
  ByteView file;
  std::vector<gpu::Step> steps;
  gpu::Binding output;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(check, "Handle of the check."),
                      HEARTH_FIELD(plan, "A plan of the kernel alone; its loads read `file`."),
                      HEARTH_FIELD(file, "Random weights, as a file would hold them."),
                      HEARTH_FIELD(steps, "The steps to run."),
                      HEARTH_FIELD(output, "What to read back.")};
  }
};

struct GpuCheckClose {
  using Self = GpuCheckClose;
  static constexpr std::string_view kName = "GpuCheckClose";
  std::uint32_t check = 0;
  ByteView output;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(check, "Handle from gpu_check_open."),
                      HEARTH_FIELD(output, "The bytes read back; empty to give the check up.")};
  }
};

struct GpuVerdict {
  using Self = GpuVerdict;
  static constexpr std::string_view kName = "GpuVerdict";
  bool ok = false;
  float error = 0;
  float tolerance = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(ok, "Whether the kernel computed what the CPU does."),
                      HEARTH_FIELD(error, "Largest difference over the largest value expected."),
                      HEARTH_FIELD(tolerance, "The largest that passes.")};
  }
};

}  // namespace hearth::abi
