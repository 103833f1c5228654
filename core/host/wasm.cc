// What the WebAssembly module exports. A host calls _initialize once, hearth_init once, and then,
// for each message, hearth_request for a place to write it and hearth_call to run it.
//
// Everything runs on the thread that called _initialize. Helper threads of the relaxed-mt build run
// hearth_thread_main (cpu/thread_pool_wasm.cc) and nothing else: the libc is single-threaded, so
// they must not allocate.

#include <cstdint>
#include <memory>
#include <vector>

#include "abi/engine.h"

namespace {

std::vector<std::uint8_t> request;
std::vector<std::uint8_t> response;
std::unique_ptr<hearth::abi::Engine> engine;

// A response starts with its own length.
constexpr std::size_t kLengthBytes = 4;

// Requests and responses above this size are rare (file headers, logits); their memory is given
// back.
constexpr std::size_t kKeptBytes = 1 << 20;

}  // namespace

extern "C" {

/// Creates the engine with that many threads, this one included. Call once.
__attribute__((export_name("hearth_init"))) void hearth_init(std::int32_t threads) {
  engine = std::make_unique<hearth::abi::Engine>(threads);
}

/// Where to write a request of that many bytes; valid until the next call.
__attribute__((export_name("hearth_request"))) std::uint8_t* hearth_request(std::uint32_t bytes) {
  request.resize(bytes);
  return request.data();
}

/// Runs a method on the request's first `bytes` bytes. At the address returned: u32 count of the
/// bytes that follow, a status byte (0 for success, 1 for an error), the message. Valid until the
/// next call.
__attribute__((export_name("hearth_call"))) const std::uint8_t* hearth_call(std::uint32_t method,
                                                                            std::uint32_t bytes) {
  response.clear();
  if (response.capacity() > kKeptBytes) response.shrink_to_fit();
  response.resize(kLengthBytes);
  hearth::abi::dispatch(*engine, method, hearth::Bytes(request).first(bytes), response);
  const auto length = static_cast<std::uint32_t>(response.size() - kLengthBytes);
  std::memcpy(response.data(), &length, sizeof length);
  if (request.capacity() > kKeptBytes) {
    request.clear();
    request.shrink_to_fit();
  }
  return response.data();
}

}  // extern "C"
