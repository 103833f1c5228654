// Matrices of GPTQ and AWQ in a model: the same logits as with the same weights as floats.
#include "runtime/assembling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "models/tiny_packed.h"
#include "runtime/tiny_model.h"

namespace hearth::runtime {
namespace {

using hearth::testing::copy_range;
using hearth::testing::load;
using hearth::testing::TinyLlama;
using hearth::testing::TinyPacked;

std::vector<float> logits_of(const std::shared_ptr<LoadedModel>& model) {
  cpu::ThreadPool pool(1);
  auto session = Session::open(model, nullptr);
  const std::vector<TokenId> ids = {3, 1, 4, 1, 5, 9, 2, 6};
  std::vector<float> all;
  const auto done =
      (*session)->forward(ids, true, true, pool, [&](std::size_t, std::span<const float> row) {
        all.insert(all.end(), row.begin(), row.end());
      });
  EXPECT_TRUE(done);
  return all;
}

/// Root of the mean square of the differences, in units of the expected values' own.
double difference(const std::vector<float>& actual, const std::vector<float>& expected) {
  EXPECT_EQ(actual.size(), expected.size());
  double error = 0, size = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double a = actual[i], b = expected[i];
    error += (a - b) * (a - b);
    size += b * b;
  }
  return std::sqrt(error / size);
}

/// The two models of a format; the second has the weights of the first.
struct Both {
  std::vector<float> packed, floats;
};

Both both(const TinyPacked& tiny, bool exact) {
  const auto packed = load(tiny.file(), tiny.config(), {.exact = exact});
  EXPECT_TRUE(packed) << packed.error().message;
  const auto floats = load(tiny.floats.safetensors(), tiny.floats.config.dump(), {.exact = true});
  return {logits_of(*packed), logits_of(*floats)};
}

TEST(Assembling, ExactKernelsSeeTheWeightsThemselves) {
  for (const int bits : {2, 3, 4, 8}) {
    for (const std::int64_t group : {32, 64, -1}) {
      const Both logits = both(TinyPacked({.bits = bits, .group_size = group}), true);
      EXPECT_EQ(logits.packed, logits.floats) << bits << " bits, groups of " << group;
    }
  }
  const Both awq = both(TinyPacked({.packing = Packing::kAwq, .group_size = 32}), true);
  EXPECT_EQ(awq.packed, awq.floats);
  const Both second = both(TinyPacked({.group_size = 32}, DType::kF16, true), true);
  EXPECT_EQ(second.packed, second.floats);
}

// Columns in another order are other sums of the same terms: 96 terms at most, each sum off by some
// 2^-24 of its size, through 13 matrices.
TEST(Assembling, ColumnsByImportanceGiveTheSameLogits) {
  for (const int bits : {3, 4, 8}) {
    for (const std::int64_t group : {32, -1}) {
      const PackedFormat format{.bits = bits, .group_size = group, .act_order = true};
      const Both logits = both(TinyPacked(format), true);
      EXPECT_LT(difference(logits.packed, logits.floats), 96 * 13 * 0x1p-24) << bits;
    }
  }
}

// Rounding activations to 8 bits: as for LoadedModel.PackedWeightsGiveTheSameLogits.
TEST(Assembling, FastKernelsRoundOnlyActivations) {
  for (const int bits : {2, 3, 4, 8}) {
    for (const bool act_order : {false, true}) {
      const PackedFormat format{.bits = bits, .group_size = 32, .act_order = act_order};
      const Both logits = both(TinyPacked(format), false);
      EXPECT_LT(difference(logits.packed, logits.floats), 13.0 / 254) << bits;
      EXPECT_GT(difference(logits.packed, logits.floats), 0) << "the fast kernels were not used";
    }
  }
}

// Scales of 32 bits do not fit where their matrix will be, beside its codes.
TEST(Assembling, TensorsLandApartWhateverTheirTypes) {
  for (const DType scales : {DType::kF16, DType::kBF16, DType::kF32}) {
    for (const int bits : {2, 4, 8}) {
      const TinyPacked tiny({.bits = bits, .group_size = 32}, scales);
      auto model =
          LoadedModel::open(TinyLlama::checkpoint(tiny.file(), tiny.config()).value(), {}, false)
              .value();
      std::vector<std::pair<const std::uint8_t*, const std::uint8_t*>> spans;
      for (const LoadRange& range : model->ranges()) {
        spans.emplace_back(range.address, range.address + range.bytes);
      }
      std::sort(spans.begin(), spans.end());
      for (std::size_t i = 1; i < spans.size(); ++i) {
        ASSERT_LE(spans[i - 1].second, spans[i].first);
      }
      const auto span = static_cast<std::uint64_t>(spans.back().second - spans.front().first);
      EXPECT_LE(span, model->need().weights);
      const Both logits = both(tiny, true);
      EXPECT_EQ(logits.packed, logits.floats);
    }
  }
}

TEST(Assembling, OrderOfRangesDoesNotMatter) {
  const TinyPacked tiny({.group_size = 32, .act_order = true});
  const std::vector<std::uint8_t> file = tiny.file();
  const auto expected = logits_of(load(file, tiny.config()).value());
  std::shared_ptr<LoadedModel> model =
      LoadedModel::open(TinyLlama::checkpoint(file, tiny.config()).value(), {.exact = true}, false)
          .value();
  for (std::size_t i = model->ranges().size(); i-- > 0;) {
    copy_range(model->ranges()[i], file);
    ASSERT_TRUE(model->range_loaded(static_cast<std::uint32_t>(i)));
  }
  ASSERT_TRUE(model->finish_loading());
  EXPECT_EQ(logits_of(model), expected);
}

TEST(Assembling, AGpuGetsEachTensorInWholeUnitsAndOrdersFirst) {
  const gpu::Adapter adapter;
  for (const PackedFormat& format : {PackedFormat{.bits = 3, .group_size = 32, .act_order = true},
                                     PackedFormat{.bits = 8, .group_size = 64},
                                     PackedFormat{.packing = Packing::kAwq, .group_size = -1}}) {
    const TinyPacked tiny(format);
    auto model = LoadedModel::open(TinyLlama::checkpoint(tiny.file(), tiny.config()).value(),
                                   {.exact = true, .gpu = &adapter}, false);
    ASSERT_TRUE(model) << model.error().message;
    bool others = false;
    std::set<std::string> names;
    for (const gpu::Load& load : (*model)->gpu()->plan.loads) {
      EXPECT_TRUE(names.insert(load.name).second) << load.name;
      EXPECT_EQ(load.bytes % load.unit_bytes, 0u) << load.name;
      if (load.group_size > 0) {
        EXPECT_FALSE(others) << load.name << " comes after what is put together by it";
        EXPECT_EQ(load.unit_bytes, load.bytes);
        EXPECT_EQ(load.sorted, !format.act_order);
        EXPECT_EQ(load.targets.size(), format.act_order ? 1u : 0u);
      } else {
        others = true;
      }
      if (load.name.ends_with("down_proj.qweight")) {
        // 32 columns of 64 rows.
        EXPECT_EQ(load.unit_bytes, 32u * 64u * static_cast<unsigned>(format.bits) / 8u);
        EXPECT_EQ(load.rows, 64u);
      }
    }
    EXPECT_EQ(names.size(), (*model)->checkpoint().files()[0]->directory().tensors().size());
  }
}

double constant_of(const gpu::Pipeline& pipeline, std::string_view name) {
  for (const gpu::Constant& each : pipeline.constants) {
    if (each.name == name) return each.value;
  }
  return -1;
}

// Bindings of a page hold 64 rows of 128 nibbles: 192 stacked rows are three pieces.
TEST(Assembling, AMatrixLargerThanABindingIsPutTogetherInPieces) {
  graph::WeightPart part;
  part.info = {.name = "w", .dtype = DType::kZ4, .shape = {96, 128}};
  part.assembly = std::make_shared<const graph::Assembly>(
      graph::Assembly{.format = {.group_size = 32},
                      .rows = 96,
                      .columns = 128,
                      .qweight = {.info = {.name = "w.qweight", .bytes = 96 * 64}},
                      .qzeros = {.info = {.name = "w.qzeros", .bytes = 4 * 48}},
                      .scales = {.info = {.name = "w.scales", .bytes = 4 * 192}}});
  graph::Graph graph;
  graph.values.resize(1);
  graph.values[0].kind = graph::ValueKind::kWeight;
  graph.values[0].dtype = DType::kZ4;
  graph.values[0].shape = {192, 128};
  graph.values[0].parts = {part, part};
  graph.output = 0;
  gpu::Adapter adapter;
  adapter.max_binding_bytes = 64 * 64;
  gpu::Writer writer(adapter, {});
  ASSERT_TRUE(writer.make_common_buffers());
  const auto weights = gpu::Weights::place(graph, writer);
  ASSERT_TRUE(weights) << weights.error().message;
  ASSERT_EQ(weights->matrix(0).pieces.size(), 3u);
  EXPECT_TRUE(weights->matrix(0).zero_points);
  // Rows of the tensor and of the piece: 0 … 63, 64 … 95 and 0 … 31, 32 … 95.
  std::multiset<std::vector<double>> pieces;
  for (const gpu::Load& load : writer.plan.loads) {
    if (load.name != "w.qweight") continue;
    const gpu::Pipeline& pipeline = writer.plan.pipelines[static_cast<std::size_t>(load.pipeline)];
    pieces.insert({constant_of(pipeline, "FROM"), constant_of(pipeline, "TO"),
                   constant_of(pipeline, "ROWS")});
    EXPECT_EQ(load.rows, constant_of(pipeline, "ROWS"));
    EXPECT_EQ(load.bytes, 96u * 64u);
  }
  EXPECT_EQ(pieces, (std::multiset<std::vector<double>>{
                        {0, 0, 64}, {64, 0, 32}, {0, 32, 32}, {32, 0, 64}}));
}

TEST(Assembling, RefusesGroupsThatAreOutOfOrder) {
  for (const bool act_order : {false, true}) {
    TinyPacked tiny({.group_size = 32, .act_order = act_order});
    auto& groups = tiny.packed.tensors.at("blk.1.ffn_down.g_idx").bytes;
    groups[8] = act_order ? 77 : 1;  // no such group; or one that is not the column's
    const auto loaded = load(tiny.file(), tiny.config());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kMalformedTensor) << loaded.error().message;
    EXPECT_EQ(loaded.error().name, "model.layers.1.mlp.down_proj.g_idx");
  }
}

}  // namespace
}  // namespace hearth::runtime
