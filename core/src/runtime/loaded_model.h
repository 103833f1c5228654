// A model in memory: its plan, its weights, and the list of byte ranges that fill them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cpu/executor.h"
#include "gpu/lower.h"
#include "graph/plan.h"
#include "models/model.h"
#include "runtime/assembling.h"
#include "runtime/buffer.h"

namespace hearth::runtime {

struct OpenOptions {
  std::int64_t context_length = 0;  ///< 0 for models::choose_context's choice
  std::int64_t max_batch = 0;       ///< tokens in a prefill step; 0 for kDefaultBatch
  std::uint64_t memory_limit = 0;   ///< bytes; 0 for the address space
  bool exact = false;
  const gpu::Adapter* gpu = nullptr;  ///< where to run; null for the CPU
};

/// Prefill steps of this many tokens keep the activations of small models inside the second-level
/// cache, and leave no more than a fraction of a second between two chances to abort.
inline constexpr std::int64_t kDefaultBatch = 128;
inline constexpr std::int64_t kLargestBatch = 4096;
/// A GPU has the width for more: matrices of 512 columns are what its mat-muls reach their speed
/// at.
inline constexpr std::int64_t kDefaultGpuBatch = 512;

/// Rows of logits that one step returns at most: a vocabulary's row takes up to a megabyte.
inline constexpr std::int64_t kLargestOutputs = 32;

struct MemoryNeed {
  std::uint64_t weights = 0;
  std::uint64_t workspace = 0;
  std::uint64_t session = 0;  ///< keys and values of one session
  std::uint64_t total() const { return weights + workspace + session; }
};

/// One range of a file and where it goes.
struct LoadRange {
  std::uint32_t file = 0;  ///< index into the checkpoint's files
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint8_t* address = nullptr;
  std::string name;
};

class LoadedModel {
 public:
  /// Plans the model and, unless `inspect_only`, allocates its memory. An inspection checks the
  /// memory limit only when there is one. Errors: as models::build_model, invalid_argument,
  /// out_of_memory.
  static Result<std::unique_ptr<LoadedModel>> open(models::Checkpoint checkpoint,
                                                   const OpenOptions& options, bool inspect_only);

  const models::DecoderFacts& facts() const { return facts_; }
  const models::Checkpoint& checkpoint() const { return checkpoint_; }
  const graph::Plan& plan() const { return plan_; }
  const MemoryNeed& need() const { return need_; }
  std::int64_t context_length() const { return context_length_; }

  /// What a GPU's host needs; null for a model on the CPU.
  gpu::Lowered* gpu() { return gpu_ ? &*gpu_ : nullptr; }
  const gpu::Lowered* gpu() const { return gpu_ ? &*gpu_ : nullptr; }

  /// The load plan, in file order; empty for a model on a GPU, whose own plan has one.
  const std::vector<LoadRange>& ranges() const { return ranges_; }
  /// Takes a range whose bytes have been written to its address: converts or packs them in place.
  /// Errors: invalid_argument for an index outside the plan or given twice; malformed_tensor for
  /// groups of columns that the quantization does not have.
  Result<void> range_loaded(std::uint32_t index);
  /// Errors: truncated_data, naming a tensor that has not been loaded. A GPU's host loads by
  /// itself, and is believed.
  Result<void> finish_loading();
  bool ready() const { return ready_; }

  /// Runs a step on the model's own workspace; see cpu::Executor::run. The logits are the
  /// workspace's and may be changed by the caller until the next step.
  std::span<float> run(const cpu::Step& step, cpu::ThreadPool& pool);
  const cpu::Executor& executor() const { return *executor_; }

  /// How many sessions are open on the model; kept by Session.
  int open_sessions = 0;

 private:
  LoadedModel(models::Checkpoint checkpoint) : checkpoint_(std::move(checkpoint)) {}
  Result<void> plan_for_cpu(graph::Graph graph, const OpenOptions& options);
  Result<void> plan_for_gpu(const graph::Graph& graph, const OpenOptions& options);
  Result<void> place_weights();
  void place_assembled(graph::ValueId id, std::uint8_t* target);

  /// What becomes of a range's bytes once they are in memory.
  struct Landing {
    DType dtype = DType::kF32;
    bool vector = false;             ///< becomes floats
    std::uint8_t* target = nullptr;  ///< where the part starts
    std::int64_t rows = 0, columns = 0;
    bool transposed = false;  ///< comes as (columns, rows)
    cpu::Layout layout = cpu::Layout::kPlain;
    /// The groups of a matrix's columns, which become their order.
    std::shared_ptr<const graph::Assembly> order;
    /// Index into assemblings_ of the matrix that this is a part of; -1 for none.
    std::int32_t assembling = -1;
    bool done = false;
  };
  struct Placed {
    LoadRange range;
    Landing landing;
  };

  models::Checkpoint checkpoint_;
  models::DecoderFacts facts_;
  std::int64_t context_length_ = 0;
  graph::Plan plan_;
  std::unique_ptr<cpu::Executor> executor_;  ///< null on a GPU
  std::optional<gpu::Lowered> gpu_;
  MemoryNeed need_;
  Buffer weights_, workspace_;
  std::vector<LoadRange> ranges_;
  std::vector<Landing> landings_;  ///< one for each range
  std::vector<Placed> placed_;     ///< while they are put into file order
  std::vector<Assembling> assemblings_;
  bool ready_ = false;
};

}  // namespace hearth::runtime
