// The memory plan, on random graphs: no two values that are needed at one time share a byte, and no
// node reads anything but what was written for it.
#include "graph/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "graph/fake_weights.h"
#include "graph/fuse.h"
#include "models/model.h"
#include "models/tiny_llama.h"

namespace hearth::graph {
namespace {

using hearth::testing::TinyLlama;

/// A graph of random ops on random earlier values, slices included. Its weights are left out: the
/// plan looks at activations only.
Graph random_graph(std::mt19937& random) {
  const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };
  Graph graph;
  const auto add = [&](OpParams params, std::vector<ValueId> inputs, Shape shape) {
    Value value;
    value.shape = shape;
    graph.values.push_back(std::move(value));
    const auto id = static_cast<ValueId>(graph.values.size()) - 1;
    graph.nodes.push_back({"", std::move(params), std::move(inputs), id});
  };
  add(EmbedParams{}, {kNone, kNone}, {kTokens, 8});
  const std::size_t size = 4 + below(24);
  while (graph.nodes.size() < size) {
    // Mostly recent values, as in a model, and now and then any.
    const auto pick = [&] {
      const std::size_t reach = below(4) == 0 ? graph.values.size() : 4;
      const std::size_t back = below(std::min(reach, graph.values.size()));
      return static_cast<ValueId>(graph.values.size() - 1 - back);
    };
    const ValueId x = pick();
    const Shape shape = graph.value(x).shape;
    ValueId other = pick();
    for (int attempt = 0; attempt < 8 && !(graph.value(other).shape == shape); ++attempt) {
      other = pick();
    }
    const bool pair = graph.value(other).shape == shape;
    switch (below(7)) {
      case 0:
        add(RmsNormParams{}, {x, kNone}, shape);
        break;
      case 1:
        add(RopeParams{}, {x, kNone}, shape);
        break;
      case 2:
        if (pair) add(AddParams{}, {x, other}, shape);
        break;
      case 3:
        if (pair) add(GluParams{}, {x, other}, shape);
        break;
      case 4: {
        const std::int64_t width = shape.back();
        const auto begin = static_cast<std::int64_t>(below(static_cast<std::size_t>(width)));
        const auto rest = static_cast<std::size_t>(width - begin);
        const auto count = static_cast<std::int64_t>(1 + below(rest));
        add(SliceParams{begin, count}, {x}, {shape[0], count});
        break;
      }
      case 5: {
        // Half of the linears are as wide as a value that they can take for a residual.
        const ValueId residual = pick();
        const bool fits = below(2) == 0 && graph.value(residual).shape[0] == shape[0];
        const auto width = static_cast<std::int64_t>(1 + below(90));
        add(LinearParams{}, {x, kNone, kNone, fits ? residual : kNone},
            fits ? graph.value(residual).shape : Shape{shape[0], width});
        break;
      }
      default:
        if (shape[0] == kTokens && below(4) == 0) {
          add(TakeRowsParams{}, {x}, {kOutputs, shape.back()});
        }
    }
  }
  graph.output = static_cast<ValueId>(graph.values.size()) - 1;
  return graph;
}

constexpr StepLimits kLimits = {.tokens = 3, .outputs = 2};

std::size_t rows_of(const Graph& graph, ValueId id) {
  return static_cast<std::size_t>(
      resolve(graph.value(id).shape[0], kLimits.tokens, kLimits.outputs));
}

/// A node's every output element is made of every input element; so one wrong byte shows.
class Simulation {
 public:
  explicit Simulation(const Plan& plan)
      : plan_(plan), arena_(static_cast<std::size_t>(plan.arena_bytes / sizeof(float)), 0) {}

  /// Runs the graph with memory of its own for each value, and in the plan's arena beside it.
  /// Returns the node that first read something else, or the number of nodes.
  std::size_t run() {
    const Graph& graph = plan_.graph;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      std::uint64_t mixed = i + 1;
      for (ValueId input : node.inputs) {
        if (input == kNone) continue;
        if (!intact(input) || clobbers(node, input)) return i;
        for (std::uint64_t element : own_.at(input)) mixed = (mixed ^ element) * 0x9E3779B97F4A7C15;
      }
      const auto* slice = std::get_if<SliceParams>(&node.params);
      std::vector<std::uint64_t>& out = own_[node.output];
      const auto width = static_cast<std::size_t>(graph.value(node.output).shape.back());
      for (std::size_t row = 0; row < rows_of(graph, node.output); ++row) {
        for (std::size_t column = 0; column < width; ++column) {
          if (slice != nullptr) {
            const auto from = static_cast<std::size_t>(graph.value(node.inputs[0]).shape.back());
            const auto begin = static_cast<std::size_t>(slice->begin);
            out.push_back(own_.at(node.inputs[0])[row * from + begin + column]);
          } else {
            out.push_back(mixed + row * 1000003 + column);
            arena_.at(at(node.output, row, column)) = out.back();
          }
        }
      }
    }
    return intact(graph.output) ? graph.nodes.size() : graph.nodes.size() - 1;
  }

 private:
  std::size_t at(ValueId id, std::size_t row, std::size_t column) const {
    const Placement& placed = plan_.placements[static_cast<std::size_t>(id)];
    return static_cast<std::size_t>(placed.offset / sizeof(float)) +
           row * static_cast<std::size_t>(placed.row_stride) +
           static_cast<std::size_t>(placed.column) + column;
  }
  /// Whether the node writes over an input that is not the one it may write over.
  bool clobbers(const Node& node, ValueId input) const {
    if (node.op() == Op::kSlice) return false;
    const int allowed = ops::op_table()[node.params.index()].in_place;
    const Placement& from = plan_.placements[static_cast<std::size_t>(input)];
    const Placement& to = plan_.placements[static_cast<std::size_t>(node.output)];
    const auto is_allowed = [&] {
      return allowed >= 0 && node.inputs[static_cast<std::size_t>(allowed)] == input &&
             std::count(node.inputs.begin(), node.inputs.end(), input) == 1;
    };
    return from.root == to.root && !is_allowed() &&
           from.column < to.column + plan_.graph.value(node.output).shape.back() &&
           to.column < from.column + plan_.graph.value(input).shape.back();
  }
  bool intact(ValueId id) const {
    const auto width = static_cast<std::size_t>(plan_.graph.value(id).shape.back());
    for (std::size_t row = 0; row < rows_of(plan_.graph, id); ++row) {
      for (std::size_t column = 0; column < width; ++column) {
        if (arena_.at(at(id, row, column)) != own_.at(id)[row * width + column]) return false;
      }
    }
    return true;
  }

  const Plan& plan_;
  std::vector<std::uint64_t> arena_;  ///< one entry for each float
  std::map<ValueId, std::vector<std::uint64_t>> own_;
};

struct Span {
  std::uint64_t begin = 0, end = 0;  ///< bytes
  std::size_t first = 0, last = 0;   ///< nodes
};

/// The memory of each root and when it is in use, from the placements and the graph alone.
std::vector<Span> spans_of(const Plan& plan) {
  std::map<ValueId, Span> spans;
  const auto touch = [&](ValueId id, std::size_t node) {
    if (id == kNone || plan.graph.value(id).kind != ValueKind::kActivation) return;
    const ValueId root = plan.placements[static_cast<std::size_t>(id)].root;
    const auto [found, first] = spans.try_emplace(root);
    Span& span = found->second;
    if (first) {
      span.begin = plan.placements[static_cast<std::size_t>(root)].offset;
      const Shape& shape = plan.graph.value(root).shape;
      span.end = span.begin +
                 static_cast<std::uint64_t>(
                     resolve(shape[0], plan.limits.tokens, plan.limits.outputs) * shape.back()) *
                     sizeof(float);
      span.first = node;
    }
    span.last = node;
  };
  for (std::size_t i = 0; i < plan.graph.nodes.size(); ++i) {
    for (ValueId input : plan.graph.nodes[i].inputs) touch(input, i);
    touch(plan.graph.nodes[i].output, i);
  }
  touch(plan.graph.output, plan.graph.nodes.size());
  std::vector<Span> result;
  for (const auto& [root, span] : spans) result.push_back(span);
  return result;
}

void expect_no_overlap(const Plan& plan, const std::string& what) {
  const std::vector<Span> spans = spans_of(plan);
  for (std::size_t a = 0; a < spans.size(); ++a) {
    EXPECT_EQ(spans[a].begin % kArenaAlignment, 0u) << what;
    EXPECT_LE(spans[a].end, plan.arena_bytes) << what;
    for (std::size_t b = 0; b < a; ++b) {
      const bool together = spans[a].first <= spans[b].last && spans[b].first <= spans[a].last;
      const bool apart = spans[a].end <= spans[b].begin || spans[b].end <= spans[a].begin;
      EXPECT_TRUE(!together || apart) << what;
    }
  }
}

TEST(Plan, RandomGraphsReadWhatWasWrittenForThem) {
  std::size_t in_place = 0, shared = 0;
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    const Plan plan = make_plan(random_graph(random), ops::op_table(), kLimits);
    expect_no_overlap(plan, cat("seed ", seed));
    const std::size_t nodes = plan.graph.nodes.size();
    ASSERT_EQ(Simulation(plan).run(), nodes) << "seed " << seed;
    EXPECT_LE(plan.arena_bytes, plan.unshared_bytes);
    if (plan.arena_bytes < plan.unshared_bytes) ++shared;
    for (const Node& node : plan.graph.nodes) {
      const Placement& placed = plan.placements[static_cast<std::size_t>(node.output)];
      if (node.op() != Op::kSlice && placed.root != node.output) ++in_place;
    }
  }
  // The test means something only when memory is shared in both ways.
  EXPECT_GT(in_place, 500u);
  EXPECT_GT(shared, 500u);
}

Graph chain(std::vector<Node> nodes, std::size_t values) {
  Graph graph;
  graph.values.resize(values);
  for (Value& value : graph.values) value.shape = {kTokens, 8};
  graph.nodes = std::move(nodes);
  graph.output = graph.nodes.back().output;
  return graph;
}

TEST(Plan, WritesInPlaceOnlyOverWhatNobodyReadsAgain) {
  // v1 = norm(v0): v0 dies.
  Plan plan = make_plan(
      chain({{"", EmbedParams{}, {kNone, kNone}, 0}, {"", RmsNormParams{}, {0, kNone}, 1}}, 2),
      ops::op_table(), kLimits);
  EXPECT_EQ(plan.placements[1].root, 0);
  // v2 = v0 + v1 reads v0 again.
  plan = make_plan(chain({{"", EmbedParams{}, {kNone, kNone}, 0},
                          {"", RmsNormParams{}, {0, kNone}, 1},
                          {"", AddParams{}, {0, 1}, 2}},
                         3),
                   ops::op_table(), kLimits);
  EXPECT_EQ(plan.placements[1].root, 1);
  EXPECT_EQ(plan.placements[2].root, 0);
  // x W + x: the residual is also the input of the product.
  plan = make_plan(
      chain({{"", EmbedParams{}, {kNone, kNone}, 0}, {"", LinearParams{}, {0, kNone, kNone, 0}, 1}},
            2),
      ops::op_table(), kLimits);
  EXPECT_EQ(plan.placements[1].root, 1);
}

TEST(Plan, ASliceIsNotOverwrittenWhileTheWholeIsNeeded) {
  // v1 = v0[0:8), v2 = rope(v1), v3 = v0 + v2.
  const Plan plan = make_plan(chain({{"", EmbedParams{}, {kNone, kNone}, 0},
                                     {"", SliceParams{0, 8}, {0}, 1},
                                     {"", RopeParams{}, {1, kNone}, 2},
                                     {"", AddParams{}, {0, 2}, 3}},
                                    4),
                              ops::op_table(), kLimits);
  EXPECT_EQ(plan.placements[1].root, 0);
  EXPECT_EQ(plan.placements[2].root, 2);
}

TEST(Plan, ALlamaSharesMostOfItsMemory) {
  for (const bool fused : {false, true}) {
    const TinyLlama tiny({.layers = 8});
    const auto checkpoint = tiny.gguf_checkpoint();
    Graph graph = models::build_model(*checkpoint, 0).value().graph;
    if (fused) fuse(graph);
    const Plan plan = make_plan(std::move(graph), ops::op_table(), {.tokens = 8, .outputs = 2});
    expect_no_overlap(plan, fused ? "fused" : "unfused");
    // Eight equal layers, one of them at work at a time; the logits are not shared.
    EXPECT_LT(plan.arena_bytes, plan.unshared_bytes / 4);
    // A rotation turns query and key where they lie, slices of one matrix or not.
    for (const Node& node : plan.graph.nodes) {
      if (node.op() != Op::kRope) continue;
      EXPECT_EQ(plan.placements[static_cast<std::size_t>(node.output)].root,
                plan.placements[static_cast<std::size_t>(node.inputs[0])].root);
    }
  }
}

}  // namespace
}  // namespace hearth::graph
