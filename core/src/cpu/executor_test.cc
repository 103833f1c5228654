// The executor, through the whole of a Llama, against a forward pass written from the formulas, in
// double precision and without graph, plan or kernels.
#include "cpu/executor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cpu/plan_runner.h"
#include "graph/fuse.h"
#include "models/model.h"
#include "models/tiny_llama.h"

namespace hearth::cpu {
namespace {

using hearth::testing::TinyLlama;
using hearth::testing::TinyOptions;
using testing::PlanRunner;
using Ids = std::vector<std::uint32_t>;
using Row = std::vector<double>;

/// Llama as its paper and transformers' code describe it: one token at a time, a list of keys and
/// values a layer.
class PlainLlama {
 public:
  PlainLlama(const TinyLlama& tiny, bool interleaved) : t_(tiny), interleaved_(interleaved) {
    keys_.resize(static_cast<std::size_t>(t_.options.layers));
    values_.resize(keys_.size());
  }

  Row next(std::uint32_t id) {
    const TinyOptions& o = t_.options;
    const std::vector<float> table = floats("token_embd.weight");
    const auto hidden = static_cast<std::size_t>(o.hidden);
    Row x(table.begin() + static_cast<std::ptrdiff_t>(id * hidden),
          table.begin() + static_cast<std::ptrdiff_t>((id + 1) * hidden));
    for (std::int64_t i = 0; i < o.layers; ++i) {
      const std::string layer = cat("blk.", i, ".");
      const Row a = norm(x, layer + "attn_norm");
      Row q = linear(a, layer + "attn_q"), k = linear(a, layer + "attn_k");
      const Row v = linear(a, layer + "attn_v");
      rotate(q, o.heads);
      rotate(k, o.kv_heads);
      auto& keys = keys_[static_cast<std::size_t>(i)];
      auto& values = values_[static_cast<std::size_t>(i)];
      keys.push_back(k);
      values.push_back(v);
      x = sum(x, linear(attend(q, keys, values), layer + "attn_output"));
      const Row f = norm(x, layer + "ffn_norm");
      Row gate = linear(f, layer + "ffn_gate");
      const Row up = linear(f, layer + "ffn_up");
      for (std::size_t j = 0; j < gate.size(); ++j) gate[j] *= up[j] / (1 + std::exp(-gate[j]));
      x = sum(x, linear(gate, layer + "ffn_down"));
    }
    ++position_;
    return linear(norm(x, "output_norm"), o.tied ? "token_embd" : "output");
  }

 private:
  std::vector<float> floats(const std::string& name) const { return t_.tensors.at(name).floats(); }

  static Row sum(Row a, const Row& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  }
  Row norm(const Row& x, const std::string& name) const {
    const std::vector<float> weight = floats(name + ".weight");
    double squares = 0;
    for (double each : x) squares += each * each;
    Row out(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      out[i] = x[i] / std::sqrt(squares / static_cast<double>(x.size()) + 1e-5) *
               static_cast<double>(weight[i]);
    }
    return out;
  }
  Row linear(const Row& x, const std::string& name) const {
    const std::vector<float> weight = floats(name + ".weight");
    Row out(weight.size() / x.size());
    const bool bias = t_.tensors.contains(name + ".bias");
    const std::vector<float> b = bias ? floats(name + ".bias") : std::vector<float>(out.size(), 0);
    for (std::size_t row = 0; row < out.size(); ++row) {
      out[row] = static_cast<double>(b[row]);
      for (std::size_t i = 0; i < x.size(); ++i) {
        out[row] += static_cast<double>(weight[row * x.size() + i]) * x[i];
      }
    }
    return out;
  }
  void rotate(Row& x, std::int64_t heads) const {
    const auto size = static_cast<std::size_t>(t_.options.head_size);
    for (std::size_t head = 0; head < static_cast<std::size_t>(heads); ++head) {
      for (std::size_t i = 0; i < size / 2; ++i) {
        const double angle =
            static_cast<double>(position_) *
            std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(size));
        double& a = x[head * size + (interleaved_ ? 2 * i : i)];
        double& b = x[head * size + (interleaved_ ? 2 * i + 1 : i + size / 2)];
        const double turned = a * std::cos(angle) - b * std::sin(angle);
        b = a * std::sin(angle) + b * std::cos(angle);
        a = turned;
      }
    }
  }
  Row attend(const Row& q, const std::vector<Row>& keys, const std::vector<Row>& values) const {
    const TinyOptions& o = t_.options;
    const auto size = static_cast<std::size_t>(o.head_size);
    Row out(q.size(), 0);
    for (std::size_t head = 0; head < static_cast<std::size_t>(o.heads); ++head) {
      const std::size_t shared = head / static_cast<std::size_t>(o.heads / o.kv_heads) * size;
      Row weights;
      double total = 0;
      for (const Row& key : keys) {
        double dot = 0;
        for (std::size_t i = 0; i < size; ++i) dot += q[head * size + i] * key[shared + i];
        weights.push_back(std::exp(dot / std::sqrt(static_cast<double>(size))));
        total += weights.back();
      }
      for (std::size_t t = 0; t < values.size(); ++t) {
        for (std::size_t i = 0; i < size; ++i) {
          out[head * size + i] += weights[t] / total * values[t][shared + i];
        }
      }
    }
    return out;
  }

  const TinyLlama& t_;
  bool interleaved_;
  std::int64_t position_ = 0;
  std::vector<std::vector<Row>> keys_, values_;  // (layer, position, kv_head · head_size)
};

/// A sum of n products in floats errs by at most n · 2^-24 of the sum of their magnitudes, which
/// for random terms is about √n times the sum itself. The widest sum has 96 terms: 96 · √96 · 2^-24
/// = 6e-5 of a value's size, in the worst case; 13 matrices follow one another, and the attention,
/// norms and activations between them do not grow an error by more than their Lipschitz constant,
/// which is about 1 for rows of unit size. Together 8e-4 of the largest logit.
constexpr double kTolerance = 8e-4;

void expect_close(const std::vector<float>& logits, const Row& expected, const std::string& what) {
  ASSERT_EQ(logits.size(), expected.size()) << what;
  double largest = 0;
  for (double each : expected) largest = std::max(largest, std::fabs(each));
  for (std::size_t i = 0; i < logits.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(logits[i]), expected[i], kTolerance * largest) << what << i;
  }
}

graph::Graph build(const TinyLlama& tiny, bool gguf) {
  const auto checkpoint = gguf ? tiny.gguf_checkpoint() : tiny.safetensors_checkpoint();
  return models::build_model(*checkpoint, 0).value().graph;
}

PlanRunner runner(const TinyLlama& tiny, bool gguf, bool fused) {
  graph::Graph graph = build(tiny, gguf);
  if (fused) graph::fuse(graph);
  return PlanRunner(std::move(graph), {.tokens = 8, .outputs = 8}, [&](const std::string& name) {
    for (const auto& [ours, tensor] : tiny.tensors) {
      if (name == ours || name == TinyLlama::hugging_face_name(ours)) return tensor.floats();
    }
    return std::vector<float>();
  });
}

int count(const PlanRunner& runner, graph::Op op) {
  int nodes = 0;
  for (const graph::Node& node : runner.plan().graph.nodes) nodes += node.op() == op ? 1 : 0;
  return nodes;
}

const Ids kIds = {17, 200, 3, 3, 255, 90, 0, 267};

TEST(Executor, MatchesAPlainForwardPassInEverySplit) {
  // How many ids each step takes: all at once, one by one, and an uneven split.
  const std::vector<std::vector<std::size_t>> splits = {
      {8}, {1, 1, 1, 1, 1, 1, 1, 1}, {3, 5}, {5, 1, 2}};
  for (const bool gguf : {true, false}) {
    for (const bool bias : {false, true}) {
      for (const bool tied : {false, true}) {
        const TinyLlama tiny({.tied = tied, .attention_bias = bias, .mlp_bias = bias});
        PlainLlama plain(tiny, gguf);
        std::vector<Row> expected;
        for (std::uint32_t id : kIds) expected.push_back(plain.next(id));
        for (const auto& split : splits) {
          PlanRunner ours = runner(tiny, gguf, true);
          std::size_t done = 0;
          for (const std::size_t count : split) {
            const Ids part(kIds.begin() + static_cast<std::ptrdiff_t>(done),
                           kIds.begin() + static_cast<std::ptrdiff_t>(done + count));
            const std::vector<float> logits = ours.step(part, count);
            ASSERT_EQ(logits.size(), count * TinyLlama::kVocab);
            for (std::size_t row = 0; row < count; ++row) {
              const auto begin =
                  logits.begin() + static_cast<std::ptrdiff_t>(row * TinyLlama::kVocab);
              expect_close({begin, begin + TinyLlama::kVocab}, expected[done + row],
                           cat(gguf ? "gguf" : "safetensors", bias ? " bias" : "",
                               tied ? " tied" : "", " token ", done + row, " logit "));
            }
            done += count;
          }
        }
      }
    }
  }
}

TEST(Executor, QuantizedWeightsAreTheValuesTheyStandFor) {
  for (const DType dtype : {DType::kF16, DType::kQ4_1, DType::kQ8_0}) {
    const TinyLlama tiny({.matrix = dtype});
    PlainLlama plain(tiny, true);
    Row expected;
    for (std::uint32_t id : kIds) expected = plain.next(id);
    expect_close(runner(tiny, true, true).step(kIds, 1), expected, std::string(dtype_name(dtype)));
  }
}

TEST(Executor, StepsWithoutOutputsFillTheStates) {
  const TinyLlama tiny;
  PlainLlama plain(tiny, true);
  Row expected;
  for (std::uint32_t id : kIds) expected = plain.next(id);
  PlanRunner ours = runner(tiny, true, true);
  EXPECT_TRUE(ours.step({kIds.begin(), kIds.begin() + 4}, 0).empty());
  EXPECT_TRUE(ours.step({kIds.begin() + 4, kIds.begin() + 7}, 0).empty());
  expect_close(ours.step({kIds.back()}, 1), expected, "after two steps without outputs ");
}

TEST(Executor, FusionChangesTheNodesAndNotTheLogits) {
  for (const bool bias : {false, true}) {
    for (const bool tied : {false, true}) {
      const TinyLlama tiny({.tied = tied, .attention_bias = bias, .mlp_bias = bias});
      PlanRunner plain = runner(tiny, false, false);
      PlanRunner fused = runner(tiny, false, true);
      // A layer's q, k, v become one linear, gate and up another; both sums are folded away.
      EXPECT_EQ(count(plain, graph::Op::kLinear), 2 * 7 + 1);
      EXPECT_EQ(count(fused, graph::Op::kLinear), 2 * 4 + 1);
      EXPECT_EQ(count(plain, graph::Op::kAdd), 2 * 2);
      EXPECT_EQ(count(fused, graph::Op::kAdd), 0);
      const std::vector<float> a = plain.step(kIds, kIds.size());
      const std::vector<float> b = fused.step(kIds, kIds.size());
      expect_close(b, Row(a.begin(), a.end()), "fused ");
    }
  }
}

}  // namespace
}  // namespace hearth::cpu
