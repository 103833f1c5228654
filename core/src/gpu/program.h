// What a host needs to run a model on a GPU: sources, pipelines, buffers, how the file's bytes
// become weights, and programs, which are lists of dispatches. The core writes it once a model; the
// host compiles, allocates and then only replays.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "base/field.h"

namespace hearth::gpu {

struct Source {
  using Self = Source;
  static constexpr std::string_view kName = "GpuSource";
  std::string name;
  std::string code;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(name, "The kernel's variant, such as \"matvec.q4.subgroups\"."),
                      HEARTH_FIELD(code, "WGSL, prelude included.")};
  }
};

struct Constant {
  using Self = Constant;
  static constexpr std::string_view kName = "GpuConstant";
  std::string name;
  double value = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(name, "An override of the source."),
                      HEARTH_FIELD(value, "Its value.")};
  }
};

struct Pipeline {
  using Self = Pipeline;
  static constexpr std::string_view kName = "GpuPipeline";
  std::uint32_t source = 0;
  std::vector<Constant> constants;
  std::string layout;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(source, "Index into the plan's sources; the entry point is `main`."),
        HEARTH_FIELD(constants, "Values of the source's overrides."),
        HEARTH_FIELD(layout,
                     "A letter a binding of group 0, from binding 0 on: `u` uniform, `r` read-only "
                     "storage, `w` writable storage.")};
  }
};

struct Buffer {
  using Self = Buffer;
  static constexpr std::string_view kName = "GpuBuffer";
  std::string name;
  std::string kind;
  std::uint64_t bytes = 0;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(name, "For labels and messages."),
        HEARTH_FIELD(kind,
                     "\"weights\", \"constants\", \"state\" (a session's keys and values), "
                     "\"work\" (activations, inputs, scratch) or \"uniform\"."),
        HEARTH_FIELD(bytes, "Size, a multiple of 4; zeroed by WebGPU when it is made.")};
  }
};

struct Binding {
  using Self = Binding;
  static constexpr std::string_view kName = "GpuBinding";
  std::uint32_t buffer = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(buffer, "Index into the plan's buffers."),
                      HEARTH_FIELD(offset, "First byte, a multiple of 256."),
                      HEARTH_FIELD(bytes, "Length of the range.")};
  }
};

struct Count {
  using Self = Count;
  static constexpr std::string_view kName = "GpuCount";
  std::uint32_t fixed = 0;
  std::string per;
  std::uint32_t times = 1;
  std::uint32_t divisor = 1;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(fixed, "The number itself, where `per` is empty."),
        HEARTH_FIELD(per,
                     "\"\", or the step's figure that it grows with: \"tokens\", \"outputs\" or "
                     "\"length\" (position + tokens)."),
        HEARTH_FIELD(times, "Multiplies the figure."),
        HEARTH_FIELD(divisor, "Divides the product, rounding up.")};
  }
};

struct Dispatch {
  using Self = Dispatch;
  static constexpr std::string_view kName = "GpuDispatch";
  std::string name;
  std::uint32_t pipeline = 0;
  std::vector<Binding> bindings;
  Count x, y, z;
  std::uint64_t bytes = 0;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(name, "The node that it computes, such as \"layers.3.attention\"."),
        HEARTH_FIELD(pipeline, "Index into the plan's pipelines."),
        HEARTH_FIELD(bindings, "One for each letter of the pipeline's layout."),
        HEARTH_FIELD(x, "Workgroups along x; a dispatch with a count of 0 is left out."),
        HEARTH_FIELD(y, "Workgroups along y."),
        HEARTH_FIELD(z, "Workgroups along z."),
        HEARTH_FIELD(bytes, "Bytes of weights that it reads, for figures.")};
  }
};

struct Program {
  using Self = Program;
  static constexpr std::string_view kName = "GpuProgram";
  std::string name;
  std::vector<Dispatch> dispatches;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(name,
                     "\"decode\" (one token), \"few\" (2 to 8), \"prefill\" (any number), "
                     "\"greedy\" or \"sample\" (after one of the others)."),
        HEARTH_FIELD(dispatches, "In order; each sees what those before it wrote.")};
  }
};

/// A range of a file that becomes part of a weight.
struct Load {
  using Self = Load;
  static constexpr std::string_view kName = "GpuLoad";
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::string name;
  std::string dtype;
  std::int32_t pipeline = -1;
  std::uint32_t unit_bytes = 0;
  std::uint32_t slice_units = 1;
  std::uint64_t first_unit = 0;
  std::uint32_t rows = 0;
  std::uint32_t group_size = 0;
  bool sorted = false;
  std::vector<Binding> targets;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(file, "Handle of the file to read."),
        HEARTH_FIELD(offset, "First byte of the range in the file."),
        HEARTH_FIELD(bytes, "Length of the range, whole units."),
        HEARTH_FIELD(name, "The tensor, for messages."),
        HEARTH_FIELD(dtype, "Its element type in the file."),
        HEARTH_FIELD(pipeline,
                     "The pipeline that repacks units, bound to a uniform (units, first unit, byte "
                     "offset in the staging buffer, 0), the staging buffer and the targets; -1 to "
                     "copy the bytes to the first target at first_unit · unit_bytes."),
        HEARTH_FIELD(unit_bytes, "Bytes of a block in the file."),
        HEARTH_FIELD(slice_units, "A slice that is not the last holds a multiple of these."),
        HEARTH_FIELD(first_unit, "Place of the first unit in the target."),
        HEARTH_FIELD(
            rows,
            "0 for kernels that take units in pairs, 128 a workgroup; else what a unit has "
            "rows of: workgroups take 64 of them along y, and units along x."),
        HEARTH_FIELD(group_size,
                     "0, or how many columns share a scale: then the bytes are groups of columns, "
                     "read as a whole, and column_order's answer to them is what goes to the "
                     "target, if there is one. Such loads come before all others."),
        HEARTH_FIELD(sorted, "For column_order."),
        HEARTH_FIELD(
            targets,
            "Where the unit's parts go, and what its kernel reads besides, in the order of "
            "its bindings: codes, then scales.")};
  }
};

/// Bytes that go into a buffer.
struct Write {
  using Self = Write;
  static constexpr std::string_view kName = "GpuWrite";
  std::uint32_t buffer = 0;
  std::uint64_t offset = 0;
  Bytes data;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(buffer, "Index into the plan's buffers."),
                      HEARTH_FIELD(offset, "First byte, a multiple of 4."),
                      HEARTH_FIELD(data, "What to write; its length is a multiple of 4.")};
  }
};

/// The figures of a step, as its uniform has them: in the order of kernels/step.wgsl, rounded up to
/// what a uniform takes.
using StepWords = std::array<std::uint32_t, 8>;
inline StepWords step_words(std::size_t position, std::size_t tokens, std::size_t outputs,
                            std::size_t draw) {
  const auto small = [](std::size_t value) { return static_cast<std::uint32_t>(value); };
  return {small(position), small(tokens), small(outputs), small(draw), small(position + tokens)};
}

inline Write write_to(std::uint32_t buffer, Bytes data) {
  Write write;
  write.buffer = buffer;
  write.data = data;
  return write;
}

struct GpuPlan {
  using Self = GpuPlan;
  static constexpr std::string_view kName = "GpuPlan";
  std::vector<Source> sources;
  std::vector<Pipeline> pipelines;
  std::vector<Buffer> buffers;
  std::vector<Write> writes;
  std::vector<Load> loads;
  std::vector<Program> programs;
  Binding logits;
  Binding sampled;
  std::vector<std::string> checks;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(sources, "WGSL modules."),
        HEARTH_FIELD(pipelines, "Compute pipelines."),
        HEARTH_FIELD(buffers, "Buffers to make."),
        HEARTH_FIELD(writes, "What to write once the buffers are made."),
        HEARTH_FIELD(loads, "The load plan, in file order, so that reading is sequential."),
        HEARTH_FIELD(programs, "What steps replay."),
        HEARTH_FIELD(logits, "Where logits are after a step: (outputs, vocabulary) f32."),
        HEARTH_FIELD(sampled, "Where the sampled token's id is after \"greedy\" or \"sample\"."),
        HEARTH_FIELD(checks, "The kernel variants used, by the names that gpu_check_open takes.")};
  }
};

/// One submission: writes, then programs in one compute pass, then something to read back.
struct Step {
  using Self = Step;
  static constexpr std::string_view kName = "GpuStep";
  std::vector<Write> writes;
  std::vector<std::uint32_t> programs;
  std::uint32_t tokens = 0;
  std::uint32_t outputs = 0;
  std::uint32_t length = 0;
  std::string read;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(writes, "What to write first; later submissions see it, earlier do not."),
        HEARTH_FIELD(programs,
                     "Indices into the plan's programs; empty when there is nothing to "
                     "submit until ids or logits of earlier steps have been given."),
        HEARTH_FIELD(tokens, "Tokens processed."),
        HEARTH_FIELD(outputs, "Rows of logits."),
        HEARTH_FIELD(length, "Position of the last token, plus one."),
        HEARTH_FIELD(read,
                     "What the core wants back: \"\", \"id\" (4 bytes of `sampled`) or "
                     "\"logits\" (outputs rows of `logits`).")};
  }
};

}  // namespace hearth::gpu
