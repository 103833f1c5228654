// Plans for GPUs: how many dispatches a layer takes, that pieces and ranges cover their weights,
// and that nothing is bound in a way that WebGPU refuses.
#include "gpu/lower.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/cat.h"
#include "graph/fake_weights.h"
#include "graph/fuse.h"
#include "ops/op_table.h"

namespace hearth::gpu {
namespace {

using graph::Builder;
using graph::kNone;
using graph::ValueId;
using graph::testing::FakeWeights;

struct Options {
  DType dtype = DType::kQ4_0;
  std::int64_t hidden = 256, ffn = 512, vocab = 320;
  int layers = 2;
  bool fuse = true;
};

/// A Llama of a few layers.
graph::Graph llama(const Options& o) {
  FakeWeights weights;
  constexpr std::int64_t kHeads = 4, kKvHeads = 2, kSize = 64;
  const auto width = kHeads * kSize, kv_width = kKvHeads * kSize;
  weights.add("table", {o.vocab, o.hidden}, o.dtype).add("final", {o.hidden});
  for (int i = 0; i < o.layers; ++i) {
    const std::string at = cat(i, ".");
    weights.add(at + "n1", {o.hidden}).add(at + "n2", {o.hidden});
    weights.add(at + "q", {width, o.hidden}, o.dtype).add(at + "k", {kv_width, o.hidden}, o.dtype);
    weights.add(at + "v", {kv_width, o.hidden}, o.dtype).add(at + "o", {o.hidden, width}, o.dtype);
    weights.add(at + "g", {o.ffn, o.hidden}, o.dtype).add(at + "u", {o.ffn, o.hidden}, o.dtype);
    weights.add(at + "d", {o.hidden, o.ffn}, o.dtype);
  }
  Builder b(ops::op_table(), weights);
  const auto frequencies = b.constant("frequencies", std::vector<float>(kSize / 2, 0.5F));
  const auto table = b.weight("table", {o.vocab, o.hidden});
  auto x = b.embed(b.input("ids", DType::kI32, {graph::kTokens}), table);
  for (int i = 0; i < o.layers; ++i) {
    const std::string at = cat(i, ".");
    b.set_scope(at);
    const auto n = b.rms_norm("n1", x, b.weight(at + "n1", {o.hidden}), {});
    const auto turned = [&](std::string_view name, std::int64_t heads) {
      const auto y = b.linear(name, n, b.weight(cat(at, name), {heads * kSize, o.hidden}));
      return b.rope(cat(name, "_rope"), y, frequencies,
                    {.heads = heads, .head_size = kSize, .rotary_size = kSize});
    };
    const auto q = turned("q", kHeads), k = turned("k", kKvHeads);
    const auto v = b.linear("v", n, b.weight(at + "v", {kv_width, o.hidden}));
    const Shape state{kKvHeads, 128, kSize};
    const auto mixed =
        b.attention("attention", q, k, v, b.state("keys", state), b.state("values", state),
                    {.heads = kHeads, .kv_heads = kKvHeads, .head_size = kSize});
    x = b.add("r1", x, b.linear("o", mixed, b.weight(at + "o", {o.hidden, width})));
    const auto m = b.rms_norm("n2", x, b.weight(at + "n2", {o.hidden}), {});
    const auto gate = b.linear("g", m, b.weight(at + "g", {o.ffn, o.hidden}));
    const auto up = b.linear("u", m, b.weight(at + "u", {o.ffn, o.hidden}));
    const auto mixed_up = b.glu("glu", gate, up, graph::Activation::kSilu);
    x = b.add("r2", x, b.linear("d", mixed_up, b.weight(at + "d", {o.hidden, o.ffn})));
  }
  b.set_scope("");
  x = b.rms_norm("final", b.take_rows(x), b.weight("final", {o.hidden}), {});
  auto graph = std::move(b).finish(b.linear("logits", x, table)).value();
  if (o.fuse) graph::fuse(graph);
  return graph;
}

struct Made {
  graph::Plan plan;
  Result<Lowered> lowered;
};

Made make(const Options& options, const Adapter& adapter, bool exact = false) {
  graph::Graph graph = llama(options);
  const Groups groups = find_groups(graph, adapter);
  graph::Plan plan = graph::make_plan(std::move(graph), ops::op_table(),
                                      {.tokens = 64, .outputs = 32}, groups.until);
  auto lowered = lower(plan, groups, adapter, {.exact = exact, .context = 128});
  return {std::move(plan), std::move(lowered)};
}

Adapter rich_adapter() {
  Adapter adapter;
  adapter.description = "a test";
  adapter.features = {"subgroups", "shader-f16", "dot8", "subgroup-matrix"};
  adapter.subgroup_min = adapter.subgroup_max = 32;
  return adapter;
}

/// What WebGPU demands of the bindings of one dispatch, and of all buffers.
void expect_valid(const GpuPlan& plan, const Adapter& adapter) {
  for (const Program& program : plan.programs) {
    for (const Dispatch& dispatch : program.dispatches) {
      const std::string& layout = plan.pipelines[dispatch.pipeline].layout;
      ASSERT_EQ(layout.size(), dispatch.bindings.size()) << dispatch.name;
      EXPECT_LE(std::count_if(layout.begin(), layout.end(), [](char c) { return c != 'u'; }), 8);
      std::map<std::uint32_t, std::set<char>> uses;
      for (std::size_t i = 0; i < layout.size(); ++i) {
        const Binding& binding = dispatch.bindings[i];
        uses[binding.buffer].insert(layout[i]);
        EXPECT_EQ(binding.offset % 256, 0u) << dispatch.name << " " << i;
        EXPECT_EQ(binding.bytes % 4, 0u);
        EXPECT_GT(binding.bytes, 0u) << dispatch.name << " " << i;
        EXPECT_LE(binding.bytes, adapter.max_binding_bytes);
        EXPECT_LE(binding.offset + binding.bytes, plan.buffers[binding.buffer].bytes)
            << dispatch.name << " " << i;
        for (std::size_t j = 0; j < i; ++j) {
          const Binding& other = dispatch.bindings[j];
          const bool overlap = other.buffer == binding.buffer &&
                               other.offset < binding.offset + binding.bytes &&
                               binding.offset < other.offset + other.bytes;
          EXPECT_FALSE(overlap && layout[i] == 'w' && layout[j] == 'w')
              << dispatch.name << ": bindings " << i << " and " << j;
        }
      }
      for (const auto& [buffer, kinds] : uses) {
        EXPECT_EQ(kinds.size(), 1u)
            << dispatch.name << " binds " << plan.buffers[buffer].name << " in two ways";
      }
    }
  }
}

TEST(Lower, DecodingTakesSevenDispatchesALayer) {
  const Made two = make({.layers = 2}, {}), three = make({.layers = 3}, {});
  ASSERT_TRUE(two.lowered && three.lowered);
  const auto count = [](const Made& made) {
    const auto& plan = made.lowered->plan;
    return plan.programs[made.lowered->handles.decode].dispatches.size();
  };
  EXPECT_EQ(count(three) - count(two), 7u);
}

TEST(Lower, WritesWhatWebGpuTakes) {
  for (const Adapter& adapter : {Adapter{}, rich_adapter()}) {
    for (DType dtype : {DType::kF32, DType::kBF16, DType::kQ4_0, DType::kQ4_K, DType::kQ8_0,
                        DType::kQ6_K, DType::kMXFP4}) {
      for (bool fuse : {true, false}) {
        const Made made = make({.dtype = dtype, .fuse = fuse}, adapter);
        ASSERT_TRUE(made.lowered) << made.lowered.error().message;
        expect_valid(made.lowered->plan, adapter);
      }
    }
  }
}

TEST(Lower, RangesFillEveryByteOfTheFilesTensorsOnce) {
  const Made made = make({}, {});
  ASSERT_TRUE(made.lowered);
  std::map<std::string, std::uint64_t> bytes;
  for (const Load& load : made.lowered->plan.loads) {
    EXPECT_EQ(load.bytes % load.unit_bytes, 0u) << load.name;
    bytes[load.name] += load.bytes;
  }
  EXPECT_EQ(bytes.at("table"), dtype_bytes(DType::kQ4_0, 320 * 256));
  EXPECT_EQ(bytes.at("1.d"), dtype_bytes(DType::kQ4_0, 256 * 512));
  EXPECT_EQ(bytes.at("0.n1"), 256u * 4);
  EXPECT_EQ(bytes.size(), 2u + 2 * 9);
}

TEST(Lower, SplitsMatricesThatNoBindingHolds) {
  Adapter small;
  // 64 rows of 256 codes.
  small.max_binding_bytes = 64 * 256 / 2;
  small.max_buffer_bytes = 1 << 20;
  Options options;
  options.hidden = options.ffn = 256;
  options.vocab = 1280;
  graph::Graph graph = llama(options);
  const Groups groups = find_groups(graph, small);
  // Gate and up no longer fit one piece, so their activation is a dispatch of its own.
  EXPECT_TRUE(std::all_of(groups.glu.begin(), groups.glu.end(),
                          [](std::size_t node) { return node == kNoNode; }));
  const graph::Plan plan = graph::make_plan(std::move(graph), ops::op_table(),
                                            {.tokens = 2, .outputs = 2}, groups.until);
  const auto lowered = lower(plan, groups, small, {.sampling = false, .context = 128});
  // States of 128 positions are larger than such bindings, and the error says so.
  ASSERT_FALSE(lowered);
  EXPECT_EQ(lowered.error().code, ErrorCode::kOutOfMemory);

  // Four times what a state of halves takes, and less than the table's 1280 · 256 / 2.
  small.max_binding_bytes = 4 * (2 * 128 * 64 * 2);
  const Groups again = find_groups(plan.graph, small);
  const auto fits = lower(plan, again, small, {.sampling = false, .context = 128});
  ASSERT_TRUE(fits) << fits.error().message;
  std::size_t pieces = 0;
  for (const Dispatch& dispatch : fits->plan.programs[0].dispatches) {
    if (dispatch.name == "logits") ++pieces;
  }
  EXPECT_EQ(pieces, 2u);
  expect_valid(fits->plan, small);
}

TEST(Lower, ExactPlansKeepToFloats) {
  const Made made = make({}, rich_adapter(), true);
  ASSERT_TRUE(made.lowered);
  for (const Source& source : made.lowered->plan.sources) {
    EXPECT_EQ(source.name.find("dot8"), std::string::npos) << source.name;
    EXPECT_EQ(source.name.find("matrix"), std::string::npos) << source.name;
    EXPECT_EQ(source.name.find(".f16"), std::string::npos) << source.name;
  }
}

TEST(Lower, TakesTheNextVariantWhenOneIsRefused) {
  Adapter adapter = rich_adapter();
  const auto uses = [&](std::string_view name) {
    const Made made = make({}, adapter);
    EXPECT_TRUE(made.lowered);
    const auto& sources = made.lowered->plan.sources;
    return std::any_of(sources.begin(), sources.end(),
                       [&](const Source& source) { return source.name == name; });
  };
  EXPECT_TRUE(uses("matvec.q4.subgroups"));
  adapter.refused = {"matvec.q4.subgroups"};
  EXPECT_FALSE(uses("matvec.q4.subgroups"));
  EXPECT_TRUE(uses("matvec.q4.plain"));
  adapter.refused.emplace_back("matvec.q4.plain");
  const Made made = make({}, adapter);
  ASSERT_FALSE(made.lowered);
  EXPECT_EQ(made.lowered.error().code, ErrorCode::kUnsupportedDevice);
  EXPECT_EQ(made.lowered.error().name, "matvec.q4");
}

TEST(Lower, MemoryIsSharedWithoutOverlap) {
  // What a dispatch writes is not among what it still reads, fused as it may be: expect_valid holds
  // bindings apart, and this the values of a node's whole group.
  const Made made = make({.layers = 3}, {});
  ASSERT_TRUE(made.lowered);
  const graph::Graph& graph = made.plan.graph;
  const Groups groups = find_groups(graph, {});
  const auto range = [&](ValueId id) {
    const graph::Placement& placement = made.plan.placements[static_cast<std::size_t>(id)];
    const graph::Value& root = graph.value(placement.root);
    const auto rows = root.shape[0] == graph::kOutputs ? 32u : 64u;
    return std::pair{placement.offset,
                     placement.offset + rows * static_cast<std::uint64_t>(root.shape.back()) * 4};
  };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (groups.glu[i] == kNoNode) continue;
    const ValueId output = graph.nodes[groups.glu[i]].output;
    const std::size_t norm = groups.producer[static_cast<std::size_t>(graph.nodes[i].inputs[0])];
    ASSERT_TRUE(groups.folded[norm]);
    const auto [in_begin, in_end] = range(graph.nodes[norm].inputs[0]);
    const auto [out_begin, out_end] = range(output);
    EXPECT_TRUE(in_end <= out_begin || out_end <= in_begin) << graph.nodes[i].name;
  }
}

}  // namespace
}  // namespace hearth::gpu
