// attention() against its reference, at awkward head sizes, groups and positions.
#include <gtest/gtest.h>

#include <cmath>

#include "cpu/test_support.h"

namespace hearth::cpu {
namespace {

using testing::random_floats;

struct Shape {
  std::int64_t heads, kv_heads, head_size, tokens, position;
  std::int64_t window = 0;
  float soft_cap = 0;
};

void expect_matches(const Shape& shape, float spread, int threads) {
  std::mt19937 random(1);
  ThreadPool pool(threads);
  const std::int64_t seen = shape.position + shape.tokens;
  const std::int64_t capacity = seen + 5;
  const std::int64_t stride = shape.heads * shape.head_size + 3;
  const std::vector<float> query = random_floats(random, shape.tokens * stride, spread);
  std::vector<float> keys = random_floats(random, shape.kv_heads * capacity * shape.head_size);
  std::vector<float> values = random_floats(random, shape.kv_heads * capacity * shape.head_size);
  // Places past the last key, and before the first one's window, must not be read: a NaN would
  // spread.
  const std::int64_t unseen =
      shape.window == 0 ? 0 : std::max<std::int64_t>(0, shape.position + 1 - shape.window);
  for (std::int64_t h = 0; h < shape.kv_heads; ++h) {
    for (std::int64_t i = 0; i < capacity * shape.head_size; ++i) {
      if (i >= unseen * shape.head_size && i < seen * shape.head_size) continue;
      keys[static_cast<std::size_t>(h * capacity * shape.head_size + i)] = NAN;
      values[static_cast<std::size_t>(h * capacity * shape.head_size + i)] = NAN;
    }
  }
  std::vector<float> fast(static_cast<std::size_t>(shape.tokens * shape.heads * shape.head_size));
  std::vector<float> slow(fast.size());
  AttentionArgs args = {.query = query.data(),
                        .query_stride = stride,
                        .keys = keys.data(),
                        .values = values.data(),
                        .output = fast.data(),
                        .tokens = shape.tokens,
                        .position = shape.position,
                        .heads = shape.heads,
                        .kv_heads = shape.kv_heads,
                        .head_size = shape.head_size,
                        .capacity = capacity,
                        .scale = 1 / std::sqrt(static_cast<float>(shape.head_size)),
                        .window = shape.window,
                        .soft_cap = shape.soft_cap};
  attention(args, pool);
  args.output = slow.data();
  reference::attention(args);
  // A score is a sum of head_size products of values of about 1 by `spread`: |score| stays below
  // 6·spread here (six standard deviations), its error below head_size·2^-24 of Σ|q·k|·scale, which
  // is sqrt(head_size)·spread. A weight's relative error is twice that (its own, and the total's),
  // plus 2e-7 of exp and n·2^-24 of sums; values are at most 5.
  const double size = static_cast<double>(shape.head_size);
  // A soft cap adds tanh's error, 4e-7 of the cap, and shrinks what came before.
  const double score_error =
      size * 0x1p-24 * std::sqrt(size) * spread + 5e-7 * static_cast<double>(shape.soft_cap);
  const double bound = 5 * (2 * score_error + 2 * 2e-7 + 2 * static_cast<double>(seen) * 0x1p-24);
  for (std::size_t i = 0; i < fast.size(); ++i) {
    ASSERT_NEAR(fast[i], slow[i], bound)
        << i << " heads " << shape.heads << "/" << shape.kv_heads << " size " << shape.head_size
        << " tokens " << shape.tokens << " position " << shape.position;
  }
}

TEST(Attention, MatchesReferenceAtEveryHeadSize) {
  for (const std::int64_t size : {1, 3, 20, 30, 32, 64, 80, 96, 128}) {
    expect_matches(
        {
            6,
            2,
            size,
            5,
            7,
        },
        1, 2);
  }
}

TEST(Attention, MatchesReferenceAtEveryGroupAndLength) {
  for (const std::int64_t kv_heads : {1, 3, 9}) {
    for (const std::int64_t tokens : {1, 2, 3, 4, 9, 33}) {
      // Around the 64 keys of a block.
      for (const std::int64_t position : {0, 1, 62, 63, 64, 130}) {
        expect_matches({9, kv_heads, 16, tokens, position}, 1, 2);
      }
    }
  }
}

TEST(Attention, MatchesReferenceInEveryWindow) {
  for (const std::int64_t window : {1, 2, 8, 63, 64, 65, 1000}) {
    for (const std::int64_t tokens : {1, 3, 70}) {
      for (const std::int64_t position : {0, 1, 130}) {
        expect_matches({6, 2, 16, tokens, position, window}, 1, 2);
      }
    }
  }
}

TEST(Attention, MatchesReferenceUnderASoftCap) {
  // Scores up to some twenty against a cap of five: most are bent.
  expect_matches({4, 2, 20, 9, 70, 0, 5}, 4, 1);
  expect_matches({4, 2, 20, 9, 70, 8, 50}, 4, 2);
}

TEST(Attention, SharpSoftmaxMatchesReference) {
  // Scores of some hundred: one key takes all, and the largest moves from block to block.
  expect_matches({4, 4, 64, 70, 150}, 60, 1);
}

TEST(Attention, FirstTokenSeesOnlyItself) {
  ThreadPool pool(1);
  const std::vector<float> query = {1, 2, 3, 4};
  const std::vector<float> keys = {5, 6, 7, 8};
  const std::vector<float> values = {-1, 0.5F, 2, 9};
  std::vector<float> out(4);
  attention({.query = query.data(),
             .query_stride = 4,
             .keys = keys.data(),
             .values = values.data(),
             .output = out.data(),
             .tokens = 1,
             .position = 0,
             .heads = 1,
             .kv_heads = 1,
             .head_size = 4,
             .capacity = 1,
             .scale = 0.5F},
            pool);
  EXPECT_EQ(out, values);
}

}  // namespace
}  // namespace hearth::cpu
