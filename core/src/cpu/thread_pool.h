// Splits a kernel's work over threads. The pool never allocates while running, and helpers run
// nothing but the function given to run(): in WebAssembly they share a libc that is
// single-threaded.
#pragma once

#include <cstdint>

namespace hearth::cpu {

class ThreadPool {
 public:
  /// A pool of `threads` in all, the caller included. Natively the helpers are std::threads; in the
  /// relaxed-mt build the host starts a worker for each and calls `hearth_thread_main`; in the
  /// other builds there is one thread whatever is asked.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  /// Calls body(begin, end) over disjoint pieces that cover [0, count), each a multiple of `grain`
  /// long but the last; returns when all are done. Pieces are handed out as threads become free, so
  /// a slow core does not hold the rest. The body must not allocate, throw or call run().
  template <typename Body>
  void run(std::int64_t count, std::int64_t grain, const Body& body) {
    run_pieces(
        count, grain,
        [](const void* context, std::int64_t begin, std::int64_t end) {
          (*static_cast<const Body*>(context))(begin, end);
        },
        &body);
  }

 private:
  using Piece = void (*)(const void* context, std::int64_t begin, std::int64_t end);
  void run_pieces(std::int64_t count, std::int64_t grain, Piece piece, const void* context);
  int threads_ = 1;
  struct Shared;
  Shared* shared_ = nullptr;
};

}  // namespace hearth::cpu
