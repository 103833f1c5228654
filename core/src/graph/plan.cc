#include "graph/plan.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::graph {
namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

std::uint64_t largest_bytes(const Value& value, const StepLimits& limits) {
  std::uint64_t elements = 1;
  for (int axis = 0; axis < value.shape.rank(); ++axis) {
    elements *=
        static_cast<std::uint64_t>(resolve(value.shape[axis], limits.tokens, limits.outputs));
  }
  return dtype_bytes(value.dtype, elements);
}

/// First and last node that touches the memory of a root value.
struct Lifetime {
  std::size_t first = 0;
  std::size_t last = 0;
  bool used = false;
};

struct Block {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  Lifetime life;
};

/// Decides which values are views of others: slices always, and outputs written in place where the
/// op allows it and nothing reads the input afterwards.
void choose_roots(Plan& plan, const OpTable& rules, const std::vector<std::size_t>& until) {
  const Graph& graph = plan.graph;
  std::vector<std::size_t> last_use(graph.values.size(), 0);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId input : graph.nodes[i].inputs) {
      if (input == kNone) continue;
      std::size_t& last = last_use[static_cast<std::size_t>(input)];
      last = std::max(last, until[i]);
    }
  }
  if (graph.output != kNone) {
    last_use[static_cast<std::size_t>(graph.output)] = graph.nodes.size();
  }

  std::vector<std::vector<ValueId>> views(graph.values.size());  // by root: all in its memory
  const auto add_view = [&](ValueId id) {
    views[static_cast<std::size_t>(plan.placements[static_cast<std::size_t>(id)].root)].push_back(
        id);
  };
  // Whether a value other than `id` that lies in some of the same bytes is read by node `at` or
  // later.
  const auto needed_elsewhere = [&](ValueId id, std::size_t at) {
    const Placement& mine = plan.placements[static_cast<std::size_t>(id)];
    for (ValueId other : views[static_cast<std::size_t>(mine.root)]) {
      const Placement& theirs = plan.placements[static_cast<std::size_t>(other)];
      const bool overlap = mine.column < theirs.column + graph.value(other).shape.back() &&
                           theirs.column < mine.column + graph.value(id).shape.back();
      if (other != id && overlap && last_use[static_cast<std::size_t>(other)] >= at) return true;
    }
    return false;
  };

  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const Value& output = graph.value(node.output);
    Placement& placed = plan.placements[static_cast<std::size_t>(node.output)];
    placed.root = node.output;
    placed.row_stride = output.shape.back();
    if (const auto* slice = std::get_if<SliceParams>(&node.params)) {
      placed = plan.placements[static_cast<std::size_t>(node.inputs[0])];
      placed.column += slice->begin;
      add_view(node.output);
      continue;
    }
    const int candidate = rules[node.params.index()].in_place;
    const ValueId input = candidate >= 0 && static_cast<std::size_t>(candidate) < node.inputs.size()
                              ? node.inputs[static_cast<std::size_t>(candidate)]
                              : kNone;
    // A value read once more after this node, or twice by it, must keep its contents, and so must
    // the views of it.
    if (input != kNone && graph.value(input).kind == ValueKind::kActivation &&
        graph.value(input).shape == output.shape &&
        last_use[static_cast<std::size_t>(input)] == i &&
        std::count(node.inputs.begin(), node.inputs.end(), input) == 1 &&
        !needed_elsewhere(input, i)) {
      placed = plan.placements[static_cast<std::size_t>(input)];
    }
    add_view(node.output);
  }
}

}  // namespace

Plan make_plan(Graph graph, const OpTable& rules, const StepLimits& limits,
               std::span<const std::size_t> joined) {
  std::vector<std::size_t> until(joined.begin(), joined.end());
  for (std::size_t i = until.size(); i < graph.nodes.size(); ++i) until.push_back(i);
  Plan plan;
  plan.graph = std::move(graph);
  plan.limits = limits;
  plan.placements.resize(plan.graph.values.size());
  choose_roots(plan, rules, until);

  std::vector<Lifetime> lives(plan.graph.values.size());
  const auto touch = [&](ValueId id, std::size_t at) {
    if (id == kNone || plan.graph.value(id).kind != ValueKind::kActivation) return;
    const ValueId root = plan.placements[static_cast<std::size_t>(id)].root;
    Lifetime& life = lives[static_cast<std::size_t>(root)];
    if (!life.used) life.first = at;
    life.used = true;
    life.last = std::max(life.last, at);
  };
  for (std::size_t i = 0; i < plan.graph.nodes.size(); ++i) {
    for (ValueId input : plan.graph.nodes[i].inputs) {
      touch(input, i);
      touch(input, until[i]);
    }
    touch(plan.graph.nodes[i].output, i);
  }
  // The caller reads the logits after the last node.
  touch(plan.graph.output, plan.graph.nodes.size());

  // Largest first, each at the lowest offset where it overlaps no block alive at the same time: the
  // greedy-by-size rule, within a few percent of optimal on networks (Pisarchyk and Lee 2020).
  std::vector<ValueId> roots;
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if (lives[i].used) roots.push_back(static_cast<ValueId>(i));
  }
  const auto bytes_of = [&](ValueId id) {
    return round_up(largest_bytes(plan.graph.value(id), limits), kArenaAlignment);
  };
  std::stable_sort(roots.begin(), roots.end(),
                   [&](ValueId a, ValueId b) { return bytes_of(a) > bytes_of(b); });
  std::vector<Block> placed;
  for (ValueId root : roots) {
    Block block{
        .offset = 0, .bytes = bytes_of(root), .life = lives[static_cast<std::size_t>(root)]};
    plan.unshared_bytes += block.bytes;
    for (const Block& other : placed) {  // sorted by offset
      const bool together =
          other.life.first <= block.life.last && block.life.first <= other.life.last;
      if (!together || other.offset + other.bytes <= block.offset) continue;
      if (other.offset >= block.offset + block.bytes) break;
      block.offset = other.offset + other.bytes;
    }
    plan.arena_bytes = std::max(plan.arena_bytes, block.offset + block.bytes);
    const auto position =
        std::upper_bound(placed.begin(), placed.end(), block,
                         [](const Block& a, const Block& b) { return a.offset < b.offset; });
    placed.insert(position, block);
    plan.placements[static_cast<std::size_t>(root)].offset = block.offset;
  }
  for (Placement& placement : plan.placements) {
    if (placement.root != kNone) {
      placement.offset = plan.placements[static_cast<std::size_t>(placement.root)].offset;
    }
  }
  return plan;
}

}  // namespace hearth::graph
