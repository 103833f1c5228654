#include "runtime/gpu_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "base/cat.h"
#include "cpu/executor.h"
#include "gpu/kernel_table.h"
#include "graph/fuse.h"
#include "ops/op_table.h"
#include "quant/random_packed.h"
#include "runtime/assembling.h"
#include "runtime/buffer.h"
#include "runtime/gpu_settings.h"
#include "sample/sampler.h"

namespace hearth::runtime {
namespace {

using graph::Builder;
using graph::ValueId;

// Sizes that reach the ends of tiles: no multiple of 64 rows, more tokens than a tile has.
constexpr std::int64_t kVocab = 48;
constexpr std::int64_t kHidden = 512;  ///< whole blocks of every type
constexpr std::int64_t kFfn = 256;
constexpr std::int64_t kHeads = 4, kKvHeads = 2, kHeadSize = 64;
constexpr std::int64_t kContext = 160;
constexpr std::size_t kManyTokens = 70;

/// Sums of 512 floats in another order differ by some 1e-6 of the largest; a wrong index, scale or
/// row differs by whole parts.
constexpr float kFloatTolerance = 2e-4F;
/// Where weights' scales, keys or values are rounded to halves: 2^-11 each, a few in a row.
constexpr float kHalfTolerance = 5e-3F;
/// Where activations are rounded to 8 bits: 1/254 of each block's largest.
constexpr float kByteTolerance = 3e-2F;

/// Random weights, made when they are first asked for, one behind the other in a file.
class RandomSource : public graph::WeightSource {
 public:
  RandomSource(std::uint64_t seed, std::vector<std::uint8_t>& file)
      : random_(static_cast<std::mt19937::result_type>(seed)), file_(file) {}

  /// `shape` is the file's.
  void add(const std::string& name, Shape shape, DType dtype) {
    graph::WeightPart& part = parts_[name];
    static_cast<graph::FileTensor&>(part) =
        write(name, dtype, shape, random_weights(random_, dtype, shape.elements()));
  }
  /// A matrix of GPTQ or AWQ.
  void add_packed(const std::string& name, Shape shape, const PackedFormat& format) {
    const RandomPacked made = random_packed(random_, format, shape[0], shape[1]);
    graph::Assembly parts{.format = format, .rows = shape[0], .columns = shape[1]};
    // Of these shapes only that of g_idx is looked at again.
    const auto words = [](const std::vector<std::uint8_t>& bytes) {
      return Shape{static_cast<std::int64_t>(bytes.size() / 4)};
    };
    parts.qweight = write(name + ".qweight", DType::kI32, words(made.qweight), made.qweight);
    parts.qzeros = write(name + ".qzeros", DType::kI32, words(made.qzeros), made.qzeros);
    parts.scales = write(name + ".scales", made.scale_type, words(made.scales), made.scales);
    if (!made.g_idx.empty()) {
      parts.g_idx = write(name + ".g_idx", DType::kI32, {shape[1]}, made.g_idx);
    }
    graph::WeightPart& part = parts_[name];
    part.info = {.name = name, .dtype = format.dtype(), .shape = shape};
    part.info.bytes = dtype_bytes(part.info.dtype, static_cast<std::uint64_t>(shape.elements()));
    part.assembly = std::make_shared<const graph::Assembly>(std::move(parts));
  }
  /// Root of the mean of a tensor's squares.
  float size_of(const std::string& name) const {
    const TensorInfo& info = parts_.at(name).info;
    std::vector<float> values(static_cast<std::size_t>(info.shape.elements()));
    dequantize(info.dtype,
               Bytes(file_).subspan(static_cast<std::size_t>(info.offset),
                                    static_cast<std::size_t>(info.bytes)),
               values);
    double sum = 0;
    for (float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
    return static_cast<float>(std::sqrt(sum / static_cast<double>(values.size())));
  }
  std::optional<graph::WeightPart> find(std::string_view name) const override {
    const auto found = parts_.find(std::string(name));
    return found == parts_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  graph::FileTensor write(const std::string& name, DType dtype, Shape shape,
                          const std::vector<std::uint8_t>& bytes) {
    graph::FileTensor tensor;
    tensor.info = {.name = name, .dtype = dtype, .shape = shape, .offset = file_.size()};
    tensor.info.bytes = bytes.size();
    file_.insert(file_.end(), bytes.begin(), bytes.end());
    return tensor;
  }

  std::mt19937 random_;
  std::vector<std::uint8_t>& file_;
  std::map<std::string, graph::WeightPart> parts_;
};

/// Words of a variant's name: kernel, part ("" for none), prelude.
struct Name {
  std::string kernel, part;
};

Name split(std::string_view name) {
  Name result;
  const std::size_t first = name.find('.');
  const std::size_t last = name.rfind('.');
  result.kernel = name.substr(0, first);
  if (first != last) result.part = name.substr(first + 1, last - first - 1);
  return result;
}

/// A type whose weights are kept in the layout.
std::optional<DType> type_of_layout(std::string_view layout) {
  constexpr DType kTypes[] = {DType::kF32,  DType::kF16,    DType::kBF16, DType::kQ4_0,
                              DType::kQ4_K, DType::kIQ4_NL, DType::kQ8_0, DType::kQ6_K};
  for (DType type : kTypes) {
    if (gpu::layout_info(gpu::layout_of(type)).name == layout) return type;
  }
  return std::nullopt;
}

std::optional<DType> type_of_repack(std::string_view kernel) {
  if (kernel == "repack_f16_vector") return DType::kF16;
  if (kernel == "repack_bf16_vector") return DType::kBF16;
  if (kernel == "repack_transposed_f32") return DType::kF32;
  if (kernel == "repack_transposed_f16") return DType::kF16;
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto type = static_cast<DType>(i);
    if (can_dequantize(type) && gpu::repack_kernel(type) == kernel) return type;
  }
  return std::nullopt;
}

/// x + down(glu(gate(n), up(n))), n = norm(x): mat-vecs with norm, activation and residual. The
/// last matrix may be stored transposed.
ValueId feed_forward(Builder& b, RandomSource& source, ValueId x, DType type,
                     bool transposed = false) {
  const bool half = type == DType::kF16 || type == DType::kBF16;
  source.add("norm", {kHidden}, half ? type : DType::kF32);
  source.add("gate", {kFfn, kHidden}, type);
  source.add("up", {kFfn, kHidden}, type);
  source.add("down", transposed ? Shape{kFfn, kHidden} : Shape{kHidden, kFfn}, type);
  source.add("bias", {kHidden}, DType::kF32);
  // Random weights of some types are a thousand times those of others. Gate and up shall be some 3,
  // so that their product is as large as in a model, and the residual does not hide it.
  const float wanted = 3 / (source.size_of("gate") * std::sqrt(static_cast<float>(kHidden)));
  const auto n = b.rms_norm("norm", x, b.weight("norm", {kHidden}), {.weight_offset = wanted});
  const auto gate = b.linear("gate", n, b.weight("gate", {kFfn, kHidden}));
  const auto up = b.linear("up", n, b.weight("up", {kFfn, kHidden}));
  const Shape shape{kHidden, kFfn};
  const auto down = transposed ? b.transposed_weight("down", shape) : b.weight("down", shape);
  const auto y = b.linear("down", b.glu("glu", gate, up, graph::Activation::kSilu), down,
                          b.weight("bias", {kHidden}));
  return b.add("residual", x, y);
}

/// The same with matrices of GPTQ and AWQ, no two alike: codes that lie across words and columns
/// out of order, AWQ's order of rows, and bytes.
ValueId packed_feed_forward(Builder& b, RandomSource& source, ValueId x) {
  source.add_packed("gate", {kFfn, kHidden},
                    {.bits = 3, .group_size = 64, .zeros_less_one = true, .act_order = true});
  source.add_packed("up", {kFfn, kHidden}, {.packing = Packing::kAwq, .group_size = 32});
  source.add_packed("down", {kHidden, kFfn}, {.bits = 8});
  const auto gate = b.linear("gate", x, b.weight("gate", {kFfn, kHidden}));
  const auto up = b.linear("up", x, b.weight("up", {kFfn, kHidden}));
  return b.linear("down", b.glu("glu", gate, up, graph::Activation::kSilu),
                  b.weight("down", {kHidden, kFfn}));
}

ValueId attention(Builder& b, RandomSource& source, ValueId x) {
  const std::int64_t width = kHeads * kHeadSize, kv_width = kKvHeads * kHeadSize;
  source.add("query", {width, kHidden}, DType::kF32);
  source.add("key", {kv_width, kHidden}, DType::kF32);
  source.add("value", {kv_width, kHidden}, DType::kF32);
  source.add("query_norm", {kHeadSize}, DType::kF32);
  source.add("key_norm", {kHeadSize}, DType::kF32);
  std::vector<float> turns;
  turns.reserve(kHeadSize / 2);
  for (int i = 0; i < kHeadSize / 2; ++i) {
    turns.push_back(std::pow(1e4F, -2.0F * static_cast<float>(i) / kHeadSize));
  }
  const auto frequencies = b.constant("frequencies", std::move(turns));
  const auto turned = [&](std::string_view name, std::int64_t heads) {
    const auto linear = b.linear(name, x, b.weight(name, {heads * kHeadSize, kHidden}));
    const auto norm =
        b.rms_norm(cat(name, "_norm"), linear, b.weight(cat(name, "_norm"), {kHeadSize}),
                   {.groups = heads, .weight_offset = 1});
    return b.rope(cat(name, "_rope"), norm, frequencies,
                  {.heads = heads, .head_size = kHeadSize, .rotary_size = kHeadSize});
  };
  const auto query = turned("query", kHeads), key = turned("key", kKvHeads);
  const auto value = b.linear("value", x, b.weight("value", {kv_width, kHidden}));
  const Shape state{kKvHeads, kContext, kHeadSize};
  return b.attention(
      "attention", query, key, value, b.state("keys", state), b.state("values", state),
      {.heads = kHeads, .kv_heads = kKvHeads, .head_size = kHeadSize, .scale = 4.0F / kHeadSize});
}

/// The ops that look at each element alone, and the other norm.
ValueId elementwise(Builder& b, RandomSource& source, ValueId x) {
  source.add("norm", {kHidden}, DType::kF32);
  source.add("bias", {kHidden}, DType::kF32);
  const auto n =
      b.layer_norm("norm", x, b.weight("norm", {kHidden}), b.weight("bias", {kHidden}), 1e-5F);
  const auto a = b.activate("activate", b.add("add", n, x), graph::Activation::kGelu);
  const auto s = b.scale("scale", a, 30);
  return b.soft_cap("soft_cap", s, 0.5F);
}

}  // namespace

Result<std::unique_ptr<GpuCheck>> GpuCheck::open(std::string_view name, const gpu::Adapter& given,
                                                 std::uint64_t seed) {
  std::unique_ptr<GpuCheck> check(new GpuCheck);
  const Name words = split(name);
  gpu::Adapter adapter = given;
  // Only one mat-mul reads whole numbers, and others are preferred to it.
  if (name.starts_with("quantize_x")) {
    adapter.refused.push_back("matmul_subgroup_matrix.q4.subgroup_matrix");
  }
  const std::string_view kernel = words.kernel;
  RandomSource source(seed, check->file_);
  Builder b(ops::op_table(), source);
  const auto ids = b.input("ids", DType::kI32, {graph::kTokens});
  // Rows of the table stand for activations, so they are as large as those.
  const bool table_type = kernel == "embed";
  const auto part_type = type_of_layout(words.part);
  const DType table = table_type && part_type ? *part_type : DType::kF32;
  source.add("table", {kVocab, kHidden}, table);
  auto x = b.scale("input", b.embed(ids, b.weight("table", {kVocab, kHidden})), 50);
  x = b.scale("input_again", x, 1);

  const auto starts = [&](std::string_view with) { return kernel.starts_with(with); };
  bool fuse = true, many = true, exact = true;
  check->tolerance_ = kFloatTolerance;
  if (starts("matvec") || starts("matmul") || starts("quantize") || starts("repack") ||
      starts("glu")) {
    const auto type = starts("repack")     ? type_of_repack(kernel)
                      : words.part.empty() ? DType::kQ4_0
                                           : part_type;
    if (!type) {
      return fail(ErrorCode::kInvalidArgument, cat("There is no check \"", name, "\"."), "name");
    }
    x = feed_forward(b, source, x, *type, starts("repack_transposed"));
    many = !starts("matvec") && !starts("repack");
    exact = kernel == "matmul" || !starts("matmul_");
    if (dtype_info(*type).quantized) check->tolerance_ = kHalfTolerance;
    if (starts("matmul_subgroup")) check->tolerance_ = kHalfTolerance;
    if (starts("matmul_dot8") || starts("quantize")) check->tolerance_ = kByteTolerance;
    if (starts("quantize")) exact = false;
  } else if (starts("assemble") || starts("gather_columns")) {
    x = packed_feed_forward(b, source, x);
    // A device may take scales below 2^-14 for zero.
    check->tolerance_ = kHalfTolerance;
    many = !starts("assemble");
  } else if (starts("rms_norm") || starts("take_rows")) {
    x = feed_forward(b, source, x, DType::kF32);
  } else if (starts("attention") || starts("rope") || starts("store_kv")) {
    x = attention(b, source, x);
    fuse = starts("attention") || starts("rope_kv");
    exact = words.part != "f16";
    check->tolerance_ = exact ? kFloatTolerance : kHalfTolerance;
  } else if (starts("layer_norm") || starts("scale") || starts("soft_cap") || starts("add") ||
             starts("activate")) {
    x = elementwise(b, source, x);
  } else if (starts("sample")) {
    source.add("head", {kVocab, kHidden}, DType::kF32);
    check->samples_ = true;
    many = false;
    // Every cut, so that each sampling kernel has a part in the result.
    check->sampling_ = {
        .temperature = 0.7F, .top_k = 9, .top_p = 0.9F, .min_p = 0.01F, .seed = seed};
    if (starts("sample_argmax") || starts("sample_pick")) check->sampling_ = {.temperature = 0};
  } else if (starts("embed")) {
    if (dtype_info(table).quantized) check->tolerance_ = kHalfTolerance;
    source.add("positions", {kContext, kHidden}, table);
    x = b.add("add", x, b.embed_positions(ids, b.weight("positions", {kContext, kHidden})));
  } else {
    return fail(ErrorCode::kInvalidArgument, cat("There is no check \"", name, "\"."), "name");
  }
  x = b.take_rows(x);
  if (check->samples_) x = b.linear("logits", x, b.weight("head", {kVocab, kHidden}));
  HEARTH_ASSIGN(graph::Graph graph, std::move(b).finish(x));
  if (fuse) graph::fuse(graph);
  const gpu::Groups groups = gpu::find_groups(graph, adapter);
  check->plan_ = graph::make_plan(std::move(graph), ops::op_table(),
                                  {.tokens = kManyTokens, .outputs = 32}, groups.until);
  HEARTH_ASSIGN(
      check->lowered_,
      gpu::lower(
          check->plan_, groups, adapter,
          {.exact = exact, .forced = name, .sampling = check->samples_, .context = kContext}));
  const bool used =
      std::any_of(check->lowered_.plan.sources.begin(), check->lowered_.plan.sources.end(),
                  [&](const gpu::Source& each) { return each.name == name; });
  if (!used) {
    return fail(ErrorCode::kInvalidArgument,
                cat("The check \"", name, "\" does not run on this adapter."), "name");
  }

  std::mt19937 random(static_cast<std::mt19937::result_type>(seed + 1));
  const auto draw = [&](std::size_t count) {
    std::vector<std::uint32_t> drawn(count);
    for (auto& id : drawn) id = static_cast<std::uint32_t>(random() % kVocab);
    return drawn;
  };
  // One token after many reaches decode's kernels with keys and values to read.
  const bool decode = !many || starts("attention_") || starts("rope_kv");
  if (many) {
    check->ids_.push_back(draw(kManyTokens));
    check->add_step(kManyTokens, decode ? 0 : 32);
  }
  if (decode) {
    check->ids_.push_back(draw(1));
    check->add_step(1, 1);
  }
  HEARTH_TRY(check->run_on_cpu());
  return check;
}

void GpuCheck::add_step(std::size_t tokens, std::size_t outputs) {
  const gpu::Handles& handles = lowered_.handles;
  std::size_t position = 0;
  for (const auto& ids : ids_) position += ids.size();
  position -= tokens;
  gpu::Step step = gpu::make_step(handles, position, tokens, outputs);
  const auto write = [&](std::uint32_t buffer, std::vector<std::uint32_t> data) {
    words_.push_back(std::move(data));
    step.writes.push_back(gpu::write_to(
        buffer,
        {reinterpret_cast<const std::uint8_t*>(words_.back().data()), words_.back().size() * 4}));
  };
  const gpu::StepWords figures = gpu::step_words(position, tokens, outputs, 0);
  write(handles.step, {figures.begin(), figures.end()});
  write(handles.ids, ids_.back());
  output_ = lowered_.plan.logits;
  output_.bytes =
      outputs * static_cast<std::uint64_t>(plan_.graph.value(plan_.graph.output).shape.back()) * 4;
  if (samples_ && outputs > 0) {
    step.programs.push_back(sampler_program(handles, sampling_));
    settings_ = settings_bytes(sampling_);
    step.writes.push_back(gpu::write_to(handles.settings, settings_));
    output_ = lowered_.plan.sampled;
    output_.bytes = 4;
  }
  step.read = outputs == 0 ? "" : samples_ ? "id" : "logits";
  steps_.push_back(std::move(step));
}

Result<void> GpuCheck::assemble_part(const graph::Value& value, const graph::Assembly& from,
                                     const cpu::Executor& executor, std::uint8_t* to) const {
  const auto bytes = [&](const graph::FileTensor& tensor) {
    return Bytes(file_).subspan(static_cast<std::size_t>(tensor.info.offset),
                                static_cast<std::size_t>(tensor.info.bytes));
  };
  if (value.dtype == DType::kI32) {
    std::memcpy(to, bytes(*from.g_idx).data(), bytes(*from.g_idx).size());
    return order_in_place(from, to);
  }
  std::span<const std::uint32_t> order;
  if (value.order != graph::kNone) {
    order = {reinterpret_cast<const std::uint32_t*>(executor.weight(value.order)),
             static_cast<std::size_t>(from.columns)};
  }
  assemble(packed_matrix(from, bytes(from.qweight), bytes(from.qzeros), bytes(from.scales), order),
           to);
  return {};
}

Result<void> GpuCheck::run_on_cpu() {
  cpu::Executor executor(plan_, true);
  const graph::Graph& graph = plan_.graph;
  const std::vector<int> uses = graph.use_counts();
  std::vector<Buffer> kept;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const graph::Value& value = graph.values[i];
    if (value.kind != graph::ValueKind::kWeight || uses[i] == 0) continue;
    const bool vector = value.shape.rank() == 1;
    const auto elements = static_cast<std::uint64_t>(value.shape.elements());
    HEARTH_ASSIGN(Buffer buffer,
                  Buffer::allocate(dtype_bytes(vector ? DType::kF32 : value.dtype, elements),
                                   "a kernel's check"));
    std::uint8_t* to = buffer.data();
    for (const graph::WeightPart& part : value.parts) {
      if (part.assembly) {
        HEARTH_TRY(assemble_part(value, *part.assembly, executor, to));
        continue;  // none of them is stacked
      }
      const std::uint8_t* from = file_.data() + part.info.offset;
      if (vector) {
        const auto count = static_cast<std::size_t>(part.info.shape.elements());
        dequantize(value.dtype, {from, static_cast<std::size_t>(part.info.bytes)},
                   {reinterpret_cast<float*>(to), count});
        to += count * sizeof(float);
      } else if (part.transposed) {
        const std::size_t size = dtype_info(value.dtype).block_bytes;
        const auto rows = static_cast<std::size_t>(part.info.shape[0]);
        for (std::size_t at = 0; at < part.info.bytes / size; ++at, to += size) {
          const std::size_t row = at / (part.info.bytes / size / rows);
          const std::size_t column = at % (part.info.bytes / size / rows);
          std::memcpy(to, from + (column * rows + row) * size, size);
        }
      } else {
        std::memcpy(to, from, part.info.bytes);
        to += part.info.bytes;
      }
    }
    executor.bind_weight(static_cast<ValueId>(i), buffer.data());
    kept.push_back(std::move(buffer));
  }
  std::vector<float*> states;
  for (ValueId id : executor.state_values()) {
    const auto elements = static_cast<std::uint64_t>(graph.value(id).shape.elements());
    HEARTH_ASSIGN(Buffer buffer, Buffer::allocate(elements * 4, "a kernel's check"));
    states.push_back(reinterpret_cast<float*>(buffer.data()));
    kept.push_back(std::move(buffer));
  }
  HEARTH_ASSIGN(Buffer workspace, Buffer::allocate(executor.workspace_bytes(), "a kernel's check"));
  cpu::ThreadPool pool(1);
  std::int64_t position = 0;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    std::vector<std::int32_t> rows;
    for (std::size_t row = ids_[i].size() - steps_[i].outputs; row < ids_[i].size(); ++row) {
      rows.push_back(static_cast<std::int32_t>(row));
    }
    const auto result =
        executor.run({.ids = ids_[i], .position = position, .output_rows = rows, .states = states},
                     workspace.data(), pool);
    position += static_cast<std::int64_t>(ids_[i].size());
    expected_.assign(result.begin(), result.end());
  }
  return {};
}

Result<Verdict> GpuCheck::close(Bytes output) const {
  if (output.size() != output_.bytes) {
    return fail(ErrorCode::kInvalidArgument,
                cat("The check's output has ", output_.bytes, " bytes, not ", output.size(), "."),
                "output");
  }
  Verdict verdict{.tolerance = tolerance_};
  float largest = 0;
  for (float value : expected_) largest = std::max(largest, std::fabs(value));
  if (samples_) {
    const auto id = load_le<std::uint32_t>(output.data());
    std::vector<float> logits = expected_;
    HEARTH_ASSIGN(sample::Sampler sampler,
                  sample::Sampler::make(sampling_, static_cast<std::uint32_t>(logits.size())));
    HEARTH_ASSIGN(const std::uint32_t wanted, sampler.sample(logits));
    // Where two logits tie but for rounding, one is as right as the other.
    const bool known = id < expected_.size();
    verdict.error = id == wanted ? 0
                    : known      ? std::fabs(expected_[wanted] - expected_[id]) / largest
                                 : INFINITY;
    verdict.ok = verdict.error <= verdict.tolerance;
    return verdict;
  }
  for (std::size_t i = 0; i < expected_.size(); ++i) {
    const float difference = std::fabs(load_le<float>(output.data() + i * 4) - expected_[i]);
    // Written so that NaN is the largest of all.
    if (!(difference <= verdict.error * largest)) verdict.error = difference / largest;
    if (!(difference == difference)) break;
  }
  verdict.ok = verdict.error <= verdict.tolerance;
  return verdict;
}

std::vector<std::string> gpu_check_names(const gpu::Adapter& adapter) {
  std::vector<std::string> names;
  for (const gpu::KernelNeed& need : gpu::all_kernels()) {
    for (const gpu::Variant& variant : gpu::variants_of(need, adapter)) {
      names.push_back(variant.name);
    }
  }
  return names;
}

}  // namespace hearth::runtime
