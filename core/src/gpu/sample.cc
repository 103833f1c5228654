#include "gpu/sample.h"

#include "base/cat.h"

namespace hearth::gpu {
namespace {

// kernels/sample.wgsl has these: workgroups of a pass over the vocabulary, words of scratch, and
// bytes of the settings before the biases.
constexpr std::int64_t kPieces = 64;
constexpr std::uint64_t kScratchBytes = 9536 * 4;
constexpr std::uint64_t kSettingsBytes = 48;

}  // namespace

Result<void> emit_sampling(Lowering& low, std::int64_t context, Handles& handles,
                           std::vector<Program>& programs) {
  Writer& writer = low.writer();
  const std::int64_t vocab = low.graph().value(low.graph().output).shape.back();
  HEARTH_ASSIGN(handles.settings,
                writer.buffer("sampling settings", "work", kSettingsBytes + 8 * kMostBiases));
  HEARTH_ASSIGN(handles.counts,
                writer.buffer("token counts", "work", static_cast<std::uint64_t>(vocab) * 4));
  HEARTH_ASSIGN(handles.history,
                writer.buffer("token history", "work", static_cast<std::uint64_t>(context) * 4));
  HEARTH_ASSIGN(const std::uint32_t scratch,
                writer.buffer("sampling scratch", "work", kScratchBytes));
  const auto whole = [&](std::uint32_t buffer) {
    Binding binding;
    binding.buffer = buffer;
    binding.bytes = writer.plan.buffers[buffer].bytes;
    return binding;
  };
  const std::vector<Bound> bindings = {read(whole(handles.settings)), write(low.logits()),
                                       write(whole(handles.counts)),  write(whole(handles.history)),
                                       write(whole(scratch)),         write(low.ids())};
  const std::vector<Constant> common = {set("VOCAB", static_cast<double>(vocab)),
                                        set("CONTEXT", static_cast<double>(context))};
  const auto emit = [&](Program& program, std::string_view kernel, std::int64_t groups,
                        const std::vector<Constant>& more = {}) -> Result<void> {
    std::vector<Constant> constants = common;
    constants.insert(constants.end(), more.begin(), more.end());
    HEARTH_ASSIGN(const Variant variant, writer.variant(kernel));
    return writer.dispatch(program, kernel, variant, constants, bindings, {.x = fixed(groups)});
  };

  Program greedy;
  greedy.name = "greedy";
  HEARTH_TRY(emit(greedy, "sample_argmax", kPieces));
  HEARTH_TRY(emit(greedy, "sample_pick", 1));
  handles.greedy = static_cast<std::uint32_t>(programs.size());
  programs.push_back(std::move(greedy));

  // One for each choice of cuts, so that a cut that is off costs nothing.
  for (std::size_t cuts = 0; cuts < handles.sample.size(); ++cuts) {
    Program program;
    program.name = cat("sample", (cuts & kCutTopK) != 0 ? " top_k" : "",
                       (cuts & kCutTopP) != 0 ? " top_p" : "");
    HEARTH_TRY(emit(program, "sample_argmax", kPieces));
    HEARTH_TRY(emit(program, "sample_weights", kPieces));
    for (int by = 0; by < 2; ++by) {
      if ((cuts & (by == 0 ? kCutTopK : kCutTopP)) == 0) continue;
      for (int level : {2, 3}) {
        HEARTH_TRY(emit(program, "sample_narrow", kPieces, {set("BY", by), set("LEVEL", level)}));
      }
    }
    HEARTH_TRY(emit(program, "sample_sums", kPieces));
    HEARTH_TRY(emit(program, "sample_draw", 1));
    handles.sample[cuts] = static_cast<std::uint32_t>(programs.size());
    programs.push_back(std::move(program));
  }
  return {};
}

}  // namespace hearth::gpu
