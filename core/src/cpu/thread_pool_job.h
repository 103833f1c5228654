// The hand-out of work that the native and the WebAssembly pool share.
//
// Protocol. One 64-bit word, `ticket`, holds how many pieces the present job has (high half) and
// the next one free (low half). A thread takes a piece by compare-and-swap of the word, so a
// success means: at this moment the job in the word has this piece, and it is mine. The job cannot
// end before that piece is reported in `done`, so its description, which the caller writes before
// it publishes the word and never while a piece is out, is stable until then. A thread that wakes
// late, or sleeps between reading the word and swapping it, therefore either fails, or takes a
// piece of whatever job is there now: both are right, and no job number is needed. `done` is reset
// only when all pieces of the job before are reported.
//
// Sleep. Helpers wait for `epoch` to change; the caller bumps it after publishing and then looks at
// `sleepers`, a helper adds itself to `sleepers` and then waits on the epoch that it read before it
// last found no work. All four are sequentially consistent, so one of the two sees the other, and
// no wake is lost. The caller, out of pieces, spins, then waits for `done` likewise, with
// `caller_waits` in the part of `sleepers`.
//
// Helpers that have not started, or never do, hold nothing up: the caller works through all pieces.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/check.h"

namespace hearth::cpu {

// How many looks at a word before sleeping. A look is some nanoseconds, so this is tens of
// microseconds: longer than the gap between two kernels of a step, shorter than a scheduler's
// slice.
inline constexpr int kSpins = 4000;

/// `Wait` has static wait(word, old): returns some time after word != old; and wake(word, count).
template <typename Wait>
class Job {
 public:
  using Piece = void (*)(const void* context, std::int64_t begin, std::int64_t end);

  /// The caller's side: publishes the job, works on it, returns when all of it is done.
  void run(std::int64_t count, std::int64_t grain, Piece piece, const void* context) {
    // A ticket counts 2^32 pieces; larger jobs get larger pieces.
    constexpr std::int64_t kMostPieces = 1 << 30;
    while ((count + grain - 1) / grain > kMostPieces) grain *= 2;
    const auto pieces = static_cast<std::uint32_t>((count + grain - 1) / grain);
    piece_ = piece;
    context_ = context;
    count_ = count;
    grain_ = grain;
    done_.store(0, std::memory_order_relaxed);
    ticket_.store(std::uint64_t{pieces} << 32, std::memory_order_release);
    epoch_.fetch_add(1);
    if (sleepers_.load() != 0) Wait::wake(epoch_);
    work();
    wait_done(pieces);
  }

  /// A helper's side: works on jobs until stop().
  void help() {
    while (true) {
      const std::uint32_t seen = epoch_.load();
      work();
      if (stop_.load()) return;
      for (int i = 0; i < kSpins && epoch_.load(std::memory_order_relaxed) == seen; ++i) pause();
      if (epoch_.load() != seen) continue;
      sleepers_.fetch_add(1);
      Wait::wait(epoch_, seen);
      sleepers_.fetch_sub(1);
    }
  }

  void stop() {
    stop_.store(true);
    epoch_.fetch_add(1);
    Wait::wake(epoch_);
  }

 private:
  void work() {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while (true) {
      const auto next = static_cast<std::uint32_t>(ticket);
      const auto pieces = static_cast<std::uint32_t>(ticket >> 32);
      if (next >= pieces) return;
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
        continue;
      }
      const std::int64_t begin = next * grain_;
      piece_(context_, begin, std::min(count_, begin + grain_));
      // The last report ends the job: nothing of it but `pieces`, which is our own, is read after.
      if (done_.fetch_add(1) + 1 == pieces && caller_waits_.load() != 0) Wait::wake(done_);
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  void wait_done(std::uint32_t pieces) {
    for (int i = 0; i < kSpins; ++i) {
      if (done_.load(std::memory_order_acquire) == pieces) return;
      pause();
    }
    caller_waits_.store(1);
    for (std::uint32_t done = done_.load(); done != pieces; done = done_.load()) {
      Wait::wait(done_, done);
    }
    caller_waits_.store(0);
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  // Words that different threads write lie on different cache lines.
  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<std::uint32_t> done_{0};
  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  std::atomic<std::uint32_t> sleepers_{0};
  std::atomic<std::uint32_t> caller_waits_{0};
  std::atomic<bool> stop_{false};
  alignas(64) Piece piece_ = nullptr;
  const void* context_ = nullptr;
  std::int64_t count_ = 0;
  std::int64_t grain_ = 1;
};

}  // namespace hearth::cpu
