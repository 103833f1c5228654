// Prints how fast the CPU's kernels run at the shapes of SmolLM2-135M: one token (decode, bound by
// memory: GB/s of weights) and many (prefill, bound by arithmetic: Gop/s, two a product).
//   kernel_bench [threads] [filter]
// Timed by hand and not by Google Benchmark, whose library is built against libstdc++ and has no
// WebAssembly build: the same file must run natively and as a WASI command.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#if defined(__wasm__)
#include <wasi/api.h>
#endif

#include "cpu/kernels.h"
#include "cpu/simd.h"

namespace hearth::cpu {
namespace {

// Seconds by the processor's clock for one thread, so that a shared machine falsifies less; by the
// wall's for several, whose times would add up.
double now(int threads) {
  if (threads > 1) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
#if defined(__wasm__)
  // wasi-libc hides this clock behind an emulation that answers with the wall's.
  __wasi_timestamp_t nanoseconds = 0;
  if (__wasi_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 1, &nanoseconds) != 0) return 0;
  return static_cast<double>(nanoseconds) * 1e-9;
#else
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
#endif
}

// The best of five rounds of at least 60 ms each: the machine may be shared, and the best round is
// the one that the others disturbed least.
template <typename Body>
double best_seconds(const ThreadPool& pool, const Body& body) {
  const int threads = pool.threads();
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    int runs = 0;
    const double start = now(threads);
    double elapsed = 0;
    while (elapsed < 0.06) {
      body();
      ++runs;
      elapsed = now(threads) - start;
    }
    best = std::min(best, elapsed / runs);
  }
  return best;
}

const char* g_filter = "";

bool wanted(const char* name) { return std::strstr(name, g_filter) != nullptr; }

// The matrices of the size are walked round, `copies` of them, so that decode reads memory and not
// the cache: 64 MB, twice the L3 of the machine this was written on.
void bench_linear(DType dtype, bool exact, std::int64_t rows, std::int64_t columns,
                  std::int64_t tokens, ThreadPool& pool) {
  char name[80];
  std::snprintf(name, sizeof name, "linear %s%s %dx%d tokens %d", dtype_name(dtype).data(),
                exact ? " exact" : "", static_cast<int>(rows), static_cast<int>(columns),
                static_cast<int>(tokens));
  if (!wanted(name)) return;
  const auto elements = static_cast<std::uint64_t>(rows * columns);
  const auto bytes = static_cast<std::size_t>(dtype_bytes(dtype, elements));
  const std::size_t copies = tokens > 1 ? 1 : (std::size_t{64} << 20) / bytes + 1;
  // Bytes of 0x11 are small quants, and halves, floats of about 1e-28 … 5e-4.
  std::vector<std::uint8_t> weights(bytes * copies, 0x11);
  const Layout layout = preferred_layout(dtype, rows, columns, exact);
  std::vector<float> input(static_cast<std::size_t>(tokens * columns), 0.5F);
  std::vector<float> output(static_cast<std::size_t>(tokens * rows));
  std::vector<std::uint8_t> scratch(linear_scratch_bytes(tokens, columns) + 64);
  std::size_t copy = 0;
  const double seconds = best_seconds(pool, [&] {
    LinearArgs args;
    args.weight = {dtype, layout, rows, columns, weights.data() + copy * bytes};
    args.input = input.data();
    args.output = output.data();
    args.tokens = tokens;
    args.scratch = scratch.data();
    args.exact = exact;
    linear(args, pool);
    copy = (copy + 1) % copies;
  });
  std::printf("%-40s %8.1f us %7.2f GB/s %8.1f Gop/s\n", name, seconds * 1e6,
              static_cast<double>(bytes) / seconds * 1e-9,
              2.0 * static_cast<double>(elements) * static_cast<double>(tokens) / seconds * 1e-9);
}

void bench_attention(std::int64_t tokens, std::int64_t position, ThreadPool& pool) {
  char name[80];
  std::snprintf(name, sizeof name, "attention 9/3 heads of 64, %d at %d", static_cast<int>(tokens),
                static_cast<int>(position));
  if (!wanted(name)) return;
  constexpr std::int64_t kHeads = 9, kKvHeads = 3, kSize = 64;
  const std::int64_t capacity = position + tokens;
  std::vector<float> query(static_cast<std::size_t>(tokens * kHeads * kSize), 0.1F);
  std::vector<float> keys(static_cast<std::size_t>(kKvHeads * capacity * kSize), 0.2F);
  std::vector<float> output(query.size());
  const double seconds = best_seconds(pool, [&] {
    AttentionArgs args;
    args.query = query.data();
    args.query_stride = kHeads * kSize;
    args.keys = keys.data();
    args.values = keys.data();
    args.output = output.data();
    args.tokens = tokens;
    args.position = position;
    args.heads = kHeads;
    args.kv_heads = kKvHeads;
    args.head_size = kSize;
    args.capacity = capacity;
    args.scale = 0.125F;
    attention(args, pool);
  });
  const double keys_seen = static_cast<double>(tokens) *
                           (static_cast<double>(position) + static_cast<double>(tokens) / 2);
  std::printf("%-40s %8.1f us %24.1f Gflop/s\n", name, seconds * 1e6,
              4.0 * kHeads * kSize * keys_seen / seconds * 1e-9);
}

// What memory gives to a loop that does nothing else: the ceiling of decode.
void bench_read(ThreadPool& pool) {
  if (!wanted("read")) return;
  std::vector<std::uint8_t> data(std::size_t{64} << 20, 1);
  volatile std::int32_t sink = 0;
  const double seconds = best_seconds(pool, [&] {
    i32x4 sums[4] = {};
    for (std::size_t i = 0; i < data.size(); i += 64) {
      HEARTH_UNROLL
      for (std::size_t k = 0; k < 4; ++k) sums[k] ^= load<i32x4>(data.data() + i + 16 * k);
    }
    sums[0] ^= sums[1] ^ sums[2] ^ sums[3];
    sink = sums[0][0];
  });
  std::printf("%-40s %8.1f us %7.2f GB/s\n", "read, one thread", seconds * 1e6,
              static_cast<double>(data.size()) / seconds * 1e-9);
}

int run(int argc, char** argv) {
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 1);
  if (argc > 2) g_filter = argv[2];
  std::printf("%d thread(s)\n", pool.threads());
  bench_read(pool);
  struct Shape {
    std::int64_t rows, columns;
  };
  for (const std::int64_t tokens : {1, 128}) {
    for (const Shape shape : {Shape{576, 576}, {1536, 576}, {576, 1536}}) {
      bench_linear(DType::kQ4_1, false, shape.rows, shape.columns, tokens, pool);
    }
    bench_linear(DType::kQ8_0, false, 49152, 576, tokens == 1 ? 1 : 16, pool);
    for (const DType dtype : {DType::kQ4_0, DType::kQ5_1, DType::kQ8_0, DType::kF32, DType::kF16,
                              DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
      bench_linear(dtype, false, 1536, 1536, tokens, pool);
    }
    bench_linear(DType::kQ4_1, true, 1536, 576, tokens, pool);
  }
  bench_attention(1, 1023, pool);
  bench_attention(128, 896, pool);
  return 0;
}

}  // namespace
}  // namespace hearth::cpu

int main(int argc, char** argv) { return hearth::cpu::run(argc, argv); }
