// The pool of native builds: helpers are std::threads.
#ifndef __wasm__

#include <thread>
#include <vector>

#include "cpu/thread_pool.h"
#include "cpu/thread_pool_job.h"

namespace hearth::cpu {
namespace {

struct NativeWait {
  static void wait(const std::atomic<std::uint32_t>& word, std::uint32_t old) { word.wait(old); }
  static void wake(std::atomic<std::uint32_t>& word) { word.notify_all(); }
};

}  // namespace

struct ThreadPool::Shared {
  Job<NativeWait> job;
  std::vector<std::thread> helpers;
};

ThreadPool::ThreadPool(int threads) : threads_(std::max(1, threads)) {
  if (threads_ == 1) return;
  shared_ = new Shared;
  for (int i = 1; i < threads_; ++i) {
    shared_->helpers.emplace_back([job = &shared_->job] { job->help(); });
  }
}

ThreadPool::~ThreadPool() {
  if (shared_ == nullptr) return;
  shared_->job.stop();
  for (std::thread& helper : shared_->helpers) helper.join();
  delete shared_;
}

void ThreadPool::run_pieces(std::int64_t count, std::int64_t grain, Piece piece,
                            const void* context) {
  if (count <= 0) return;
  if (shared_ == nullptr || count <= grain) {
    piece(context, 0, count);
    return;
  }
  shared_->job.run(count, grain, piece, context);
}

}  // namespace hearth::cpu

#endif
