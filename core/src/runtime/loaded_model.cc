#include "runtime/loaded_model.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/cat.h"
#include "graph/fuse.h"
#include "ops/op_table.h"
#include "quant/dequantize.h"

namespace hearth::runtime {
namespace {

using graph::Value;
using graph::ValueId;
using graph::ValueKind;

std::uint64_t round_up(std::uint64_t bytes) {
  return (bytes + Buffer::kAlignment - 1) / Buffer::kAlignment * Buffer::kAlignment;
}

/// Bytes that a weight takes in memory: a vector becomes floats, a matrix stays as it is, and one
/// that is put together may need room for what it is made of.
std::uint64_t resident_bytes(const Value& value) {
  const auto elements = static_cast<std::uint64_t>(value.shape.elements());
  if (value.shape.rank() == 1) return dtype_bytes(DType::kF32, elements);
  std::uint64_t bytes = dtype_bytes(value.dtype, elements);
  for (const graph::WeightPart& part : value.parts) {
    if (part.assembly) bytes += overflow_bytes(part);
  }
  return bytes;
}

/// Working memory that putting the graph's matrices together takes, one at a time.
std::uint64_t loading_bytes(const graph::Graph& graph) {
  std::uint64_t most = 0;
  for (const Value& value : graph.values) {
    for (const graph::WeightPart& part : value.parts) {
      if (part.assembly) most = std::max(most, assembling_bytes(*part.assembly));
    }
  }
  return most;
}

/// Weights that the fused graph reads. Fusion leaves the values it replaced behind.
std::vector<ValueId> weights_in_use(const graph::Graph& graph) {
  const std::vector<int> uses = graph.use_counts();
  std::vector<ValueId> result;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].kind == ValueKind::kWeight && uses[i] > 0) {
      result.push_back(static_cast<ValueId>(i));
    }
  }
  return result;
}

/// All that pointers can address, less room for the program's own needs: headers, tokenizers,
/// messages.
std::uint64_t address_space() {
  constexpr std::uint64_t kOwnNeeds = 128ull << 20;
  if constexpr (sizeof(void*) == 4) return (4ull << 30) - kOwnNeeds;
  return 1ull << 47;  // user space of a 64-bit process
}

/// Converts `count` elements that end where the floats will end, front to back: the float written
/// last never lies past the element read next, because floats are the widest type.
void widen_in_place(DType dtype, std::uint8_t* target, std::int64_t count) {
  const auto size = static_cast<std::int64_t>(dtype_info(dtype).block_bytes);
  const std::uint8_t* from = target + count * (4 - size);
  for (std::int64_t i = 0; i < count; ++i) {
    float value = 0;
    dequantize(dtype, Bytes(from + i * size, static_cast<std::size_t>(size)), {&value, 1});
    std::memcpy(target + i * 4, &value, sizeof value);
  }
}

/// Turns (columns, rows) elements into (rows, columns). A copy of the matrix is held meanwhile: in
/// place, each element would be a jump to another page.
Result<void> transpose(DType dtype, std::uint8_t* target, std::int64_t rows, std::int64_t columns) {
  const auto size = static_cast<std::size_t>(dtype_info(dtype).block_bytes);
  const auto bytes = static_cast<std::size_t>(rows * columns) * size;
  HEARTH_ASSIGN(const Buffer copy, Buffer::allocate(bytes, "transposing of a matrix"));
  std::memcpy(copy.data(), target, bytes);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      std::memcpy(target, copy.data() + static_cast<std::size_t>(column * rows + row) * size, size);
      target += size;
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LoadedModel>> LoadedModel::open(models::Checkpoint checkpoint,
                                                       const OpenOptions& options,
                                                       bool inspect_only) {
  if (options.max_batch < 0 || options.max_batch > kLargestBatch) {
    return fail(
        ErrorCode::kInvalidArgument,
        cat("max_batch is ", options.max_batch, ", and must be at most ", kLargestBatch, "."),
        "max_batch");
  }
  std::unique_ptr<LoadedModel> model(new LoadedModel(std::move(checkpoint)));
  HEARTH_ASSIGN(models::Model built,
                models::build_model(model->checkpoint_, options.context_length));
  model->facts_ = built.facts;
  model->context_length_ = built.context_length;
  graph::fuse(built.graph);
  HEARTH_TRY(options.gpu != nullptr ? model->plan_for_gpu(built.graph, options)
                                    : model->plan_for_cpu(std::move(built.graph), options));
  const MemoryNeed& need = model->need_;
  // A look at a model too large for this machine is allowed, unless the caller asks for the check.
  if (inspect_only && options.memory_limit == 0) return model;

  // What a GPU has is not to be known before it is asked for it.
  const std::uint64_t most = options.gpu != nullptr ? ~0ull : address_space();
  const std::uint64_t limit =
      options.memory_limit == 0 ? most : std::min(options.memory_limit, most);
  if (need.total() > limit) {
    return fail(ErrorCode::kOutOfMemory,
                cat("The model needs ", need.total() >> 20, " MB of memory (weights ",
                    need.weights >> 20, ", a session ", need.session >> 20, ", work ",
                    need.workspace >> 20, "), and there are ", limit >> 20, "."),
                "model");
  }
  if (inspect_only || options.gpu != nullptr) return model;
  HEARTH_ASSIGN(model->workspace_, Buffer::allocate(need.workspace, "intermediate values"));
  HEARTH_TRY(model->place_weights());
  return model;
}

Result<void> LoadedModel::plan_for_cpu(graph::Graph built, const OpenOptions& options) {
  const std::int64_t batch = options.max_batch == 0 ? kDefaultBatch : options.max_batch;
  const std::int64_t tokens = std::min(batch, context_length_);
  plan_ = graph::make_plan(std::move(built), ops::op_table(),
                           {.tokens = tokens, .outputs = std::min(tokens, kLargestOutputs)});
  executor_ = std::make_unique<cpu::Executor>(plan_, options.exact);

  const graph::Graph& graph = plan_.graph;
  for (ValueId id : weights_in_use(graph)) {
    need_.weights += round_up(resident_bytes(graph.value(id)));
  }
  // What steps work in is idle while weights are loaded.
  need_.workspace = std::max(executor_->workspace_bytes(), loading_bytes(graph));
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::kState) continue;
    need_.session +=
        round_up(dtype_bytes(value.dtype, static_cast<std::uint64_t>(value.shape.elements())));
  }
  return {};
}

Result<void> LoadedModel::plan_for_gpu(const graph::Graph& built, const OpenOptions& options) {
  const gpu::Groups groups = gpu::find_groups(built, *options.gpu);
  const std::int64_t batch = options.max_batch == 0 ? kDefaultGpuBatch : options.max_batch;
  // Steps get smaller until all activations fit one buffer of the adapter.
  for (std::int64_t tokens = std::min(batch, context_length_);; tokens /= 2) {
    plan_ = graph::make_plan(built, ops::op_table(),
                             {.tokens = tokens, .outputs = std::min(tokens, kLargestOutputs)},
                             groups.until);
    const bool fits = plan_.arena_bytes <= options.gpu->max_buffer_bytes &&
                      plan_.arena_bytes <= options.gpu->max_binding_bytes;
    if (fits || tokens == 1) break;
  }
  HEARTH_ASSIGN(gpu_, gpu::lower(plan_, groups, *options.gpu,
                                 {.exact = options.exact, .context = context_length_}));
  need_ = {.weights = gpu_->memory.weights,
           .workspace = gpu_->memory.work,
           .session = gpu_->memory.states};
  return {};
}

Result<void> LoadedModel::place_weights() {
  HEARTH_ASSIGN(weights_, Buffer::allocate(need_.weights, "weights"));
  std::uint8_t* next = weights_.data();
  for (ValueId id : weights_in_use(plan_.graph)) {
    const Value& value = plan_.graph.value(id);
    executor_->bind_weight(id, next);
    std::uint8_t* target = next;
    next += round_up(resident_bytes(value));
    if (value.parts[0].assembly) {
      place_assembled(id, target);
      continue;
    }
    for (const graph::WeightPart& part : value.parts) {
      const Shape& shape = part.info.shape;
      Landing landing{.dtype = value.dtype, .vector = value.shape.rank() == 1, .target = target};
      std::uint8_t* address = target;
      if (landing.vector) {
        landing.rows = shape[0];
        // The bytes go to the end of the floats' place, so that they can be widened where they lie.
        const auto size = static_cast<std::int64_t>(dtype_info(value.dtype).block_bytes);
        address = target + landing.rows * (4 - size);
        target += landing.rows * 4;
      } else {
        landing.rows = shape[0];
        landing.columns = shape[1];
        landing.layout = executor_->matrix_layout(id);
        landing.transposed = part.transposed;
        target += part.info.bytes;
      }
      placed_.push_back({.range = {.file = part.file,
                                   .offset = part.info.offset,
                                   .bytes = part.info.bytes,
                                   .address = address,
                                   .name = part.info.name},
                         .landing = landing});
    }
  }
  std::sort(placed_.begin(), placed_.end(), [](const Placed& a, const Placed& b) {
    return a.range.file != b.range.file ? a.range.file < b.range.file
                                        : a.range.offset < b.range.offset;
  });
  for (Placed& each : placed_) {
    ranges_.push_back(std::move(each.range));
    landings_.push_back(std::move(each.landing));
  }
  placed_.clear();
  return {};
}

void LoadedModel::place_assembled(ValueId id, std::uint8_t* target) {
  const Value& value = plan_.graph.value(id);
  const auto place = [&](const graph::FileTensor& tensor, std::uint8_t* address, Landing landing) {
    landing.assembling = static_cast<std::int32_t>(assemblings_.size());
    placed_.push_back({.range = {.file = tensor.file,
                                 .offset = tensor.info.offset,
                                 .bytes = tensor.info.bytes,
                                 .address = address,
                                 .name = tensor.info.name},
                       .landing = std::move(landing)});
  };
  if (value.dtype == DType::kI32) {
    // An order stands before its matrix, which is the next to be put together.
    const graph::WeightPart& part = value.parts[0];
    place(part, target, {.target = target, .order = part.assembly});
    return;
  }
  std::uint8_t* overflow =
      target + dtype_bytes(value.dtype, static_cast<std::uint64_t>(value.shape.elements()));
  for (const graph::WeightPart& part : value.parts) {
    Assembling made(part, target, overflow,
                    value.order == graph::kNone ? nullptr : executor_->weight(value.order),
                    executor_->matrix_layout(id));
    for (const Assembling::Tensor& tensor : made.tensors()) place(tensor.from, tensor.address, {});
    assemblings_.push_back(std::move(made));
    target += part.info.bytes;
    overflow += overflow_bytes(part);
  }
}

Result<void> LoadedModel::range_loaded(std::uint32_t index) {
  if (index >= ranges_.size() || landings_[index].done) {
    return fail(ErrorCode::kInvalidArgument,
                cat("Range ", index, " is not in the load plan, or was given before."), "range");
  }
  Landing& landing = landings_[index];
  if (landing.transposed) {
    HEARTH_TRY(transpose(landing.dtype, landing.target, landing.rows, landing.columns));
  }
  if (landing.order) HEARTH_TRY(order_in_place(*landing.order, landing.target));
  if (landing.assembling >= 0) {
    HEARTH_TRY(
        assemblings_[static_cast<std::size_t>(landing.assembling)].arrived(workspace_.data()));
  } else if (landing.vector) {
    widen_in_place(landing.dtype, landing.target, landing.rows);
  } else if (landing.layout != cpu::Layout::kPlain) {
    cpu::pack_in_place(landing.dtype, landing.layout, landing.rows, landing.columns,
                       landing.target);
  }
  landing.done = true;
  return {};
}

Result<void> LoadedModel::finish_loading() {
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (!landings_[i].done) {
      return fail(ErrorCode::kTruncatedData,
                  cat("The tensor \"", ranges_[i].name, "\" has not been loaded."),
                  ranges_[i].name);
    }
  }
  ready_ = true;
  return {};
}

std::span<float> LoadedModel::run(const cpu::Step& step, cpu::ThreadPool& pool) {
  const std::span<const float> logits = executor_->run(step, workspace_.data(), pool);
  return {const_cast<float*>(logits.data()), logits.size()};
}

}  // namespace hearth::runtime
