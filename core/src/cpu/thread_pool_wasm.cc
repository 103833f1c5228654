// The pool of the relaxed-mt build. A helper is a Worker of the host: it instantiates the same
// module on the same memory without running _initialize, sets __stack_pointer to
// hearth_thread_stack(index), and calls hearth_thread_main(index), which never returns. Helpers
// outlive a pool, as there is no way to end a Worker from inside, and serve the next one; so what
// they share is static, and one pool at a time has it. A pool made while another has it runs
// everything in its caller.
#if defined(__wasm__) && defined(HEARTH_THREADS)

#include <memory>
#include <new>

#include "cpu/thread_pool.h"
#include "cpu/thread_pool_job.h"

namespace hearth::cpu {
namespace {

struct WasmWait {
  // A limit, so that a lost host costs a look a second, never a hang: the callers all loop.
  static constexpr std::int64_t kNanoseconds = 1'000'000'000;
  static void wait(std::atomic<std::uint32_t>& word, std::uint32_t old) {
    __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int*>(&word), static_cast<int>(old),
                                        kNanoseconds);
  }
  static void wake(std::atomic<std::uint32_t>& word) {
    __builtin_wasm_memory_atomic_notify(reinterpret_cast<int*>(&word), ~0U);
  }
};

// Kernels keep at most 16 KiB of strips and some hundred bytes more on the stack.
constexpr std::size_t kStackBytes = 256 * 1024;
// wasm's C ABI aligns the stack to 16.
struct alignas(16) Stack {
  std::uint8_t bytes[kStackBytes];
};

// More threads than any device has cores worth using for kernels that share one memory.
constexpr int kMostThreads = 64;

constinit Job<WasmWait> the_job;
// Written by the main instance before the host asks for it, kept for helpers of later pools.
Stack* stacks[kMostThreads] = {};
bool in_use = false;

}  // namespace

// Only its address is used: it marks the pool that has the job.
struct ThreadPool::Shared {};

ThreadPool::ThreadPool(int threads) {
  static Shared marker;
  if (in_use || threads <= 1) return;
  for (int i = 1; i < std::min(threads, kMostThreads); ++i) {
    if (stacks[i] == nullptr) stacks[i] = new (std::nothrow) Stack;
    if (stacks[i] == nullptr) break;
    threads_ = i + 1;
  }
  in_use = true;
  shared_ = &marker;
}

ThreadPool::~ThreadPool() {
  if (shared_ != nullptr) in_use = false;
}

void ThreadPool::run_pieces(std::int64_t count, std::int64_t grain, Piece piece,
                            const void* context) {
  if (count <= 0) return;
  if (shared_ == nullptr || count <= grain) {
    piece(context, 0, count);
    return;
  }
  the_job.run(count, grain, piece, context);
}

// The exports that the host calls for each helper, 1 <= index < threads.
extern "C" {

/// The value for the helper's __stack_pointer, the high end of its stack; 0 if it has none.
__attribute__((export_name("hearth_thread_stack"))) std::uint32_t hearth_thread_stack(
    std::uint32_t index) {
  if (index >= static_cast<std::uint32_t>(kMostThreads) || stacks[index] == nullptr) return 0;
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(stacks[index] + 1));
}

/// Runs pieces for ever.
__attribute__((export_name("hearth_thread_main"))) void hearth_thread_main(
    std::uint32_t /*index*/) {
  the_job.help();
}

}  // extern "C"

}  // namespace hearth::cpu

#endif
