// The pool of WebAssembly builds without threads: everything runs where it is called.
#if defined(__wasm__) && !defined(HEARTH_THREADS)

#include "cpu/thread_pool.h"

namespace hearth::cpu {

ThreadPool::ThreadPool(int /*threads*/) {}
ThreadPool::~ThreadPool() = default;

void ThreadPool::run_pieces(std::int64_t count, std::int64_t /*grain*/, Piece piece,
                            const void* context) {
  if (count > 0) piece(context, 0, count);
}

}  // namespace hearth::cpu

#endif
