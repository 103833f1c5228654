// The pool: every piece runs once, in many runs by many threads; late wakers take nothing of old
// jobs.
#include "cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <vector>

namespace hearth::cpu {
namespace {

TEST(ThreadPool, EveryElementIsVisitedOnce) {
  for (int threads = 1; threads <= 8; ++threads) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 2, 7, 64, 1000}) {
      for (const std::int64_t grain : {1, 3, 64, 5000}) {
        // Plain ints: two visits at once would be a race that ThreadSanitizer reports.
        std::vector<int> visits(static_cast<std::size_t>(count));
        pool.run(count, grain, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        EXPECT_EQ(visits, std::vector<int>(static_cast<std::size_t>(count), 1))
            << threads << " threads, " << count << " by " << grain;
      }
    }
  }
}

TEST(ThreadPool, PiecesAreMultiplesOfTheGrain) {
  ThreadPool pool(3);
  std::vector<std::int64_t> ends(100, -1);
  pool.run(100, 8, [&](std::int64_t begin, std::int64_t end) {
    ends[static_cast<std::size_t>(begin)] = end;
  });
  std::int64_t at = 0;
  while (at < 100) {
    const std::int64_t end = ends[static_cast<std::size_t>(at)];
    ASSERT_GT(end, at);
    EXPECT_TRUE(end == 100 || end % 8 == 0);
    at = end;
  }
}

// Each run reads what the one before wrote, in a different split: a piece that ran twice, late, or
// with an old job's description changes the sum.
TEST(ThreadPool, ManyShortRunsAddUp) {
  for (const int threads : {2, 4, 8}) {
    ThreadPool pool(threads);
    constexpr std::int64_t kCount = 97;
    std::vector<std::int64_t> values(kCount);
    constexpr int kRuns = 3000;
    for (int run = 0; run < kRuns; ++run) {
      pool.run(kCount, 1 + run % 9, [&, run](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) values[static_cast<std::size_t>(i)] += run;
      });
    }
    EXPECT_EQ(values, std::vector<std::int64_t>(kCount, std::int64_t{kRuns} * (kRuns - 1) / 2))
        << threads;
  }
}

TEST(ThreadPool, TakesAnyNumberOfThreads) {
  for (const int threads : {-1, 0, 1}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), 1);
    int visits = 0;
    pool.run(3, 1, [&](std::int64_t begin, std::int64_t end) {
      visits += static_cast<int>(end - begin);
    });
    EXPECT_EQ(visits, 3);
  }
}

}  // namespace
}  // namespace hearth::cpu
