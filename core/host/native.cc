// The process behind `--device native`: the same messages as the WebAssembly module, framed on
// standard input and output.
//
//   request    u32 method, u32 length, payload
//   response   u32 length, u8 status (0 for success, 1 for an error), payload
//
// One method more than the core has, because here the host reads files: kRead, with the payload
// string path, u64 offset, u64 bytes, u64 address, fills memory that the load plan named. Usage:
// hearth-native [THREADS]

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "abi/engine.h"

namespace {

using hearth::ErrorCode;
using hearth::Result;

constexpr std::uint32_t kRead = 0xFFFFFFFEu;

// No message is near this; a larger length is a host that speaks something else.
constexpr std::uint32_t kLargestRequest = 1u << 30;

bool read_all(int file, void* to, std::size_t bytes) {
  auto* next = static_cast<std::uint8_t*>(to);
  while (bytes > 0) {
    const ssize_t got = ::read(file, next, bytes);
    if (got <= 0) return false;
    next += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_all(int file, const void* from, std::size_t bytes) {
  const auto* next = static_cast<const std::uint8_t*>(from);
  while (bytes > 0) {
    const ssize_t put = ::write(file, next, bytes);
    if (put <= 0) return false;
    next += put;
    bytes -= static_cast<std::size_t>(put);
  }
  return true;
}

Result<void> read_range(hearth::Bytes payload) {
  std::string path;
  std::uint64_t offset = 0, bytes = 0, address = 0;
  hearth::abi::Reader reader(payload);
  reader.read(path);
  reader.read(offset);
  reader.read(bytes);
  reader.read(address);
  if (!reader.ok() || !reader.at_end()) {
    return hearth::fail(ErrorCode::kInternal, "A request to read is malformed.", "read");
  }
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return hearth::fail(ErrorCode::kStorageFailed, hearth::cat("\"", path, "\" cannot be opened."),
                        path);
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the load plan named this address.
  auto* to = reinterpret_cast<std::uint8_t*>(static_cast<std::uintptr_t>(address));
  bool complete = true;
  while (bytes > 0) {
    const ssize_t got = ::pread(file, to, bytes, static_cast<off_t>(offset));
    if (got <= 0) {
      complete = false;
      break;
    }
    to += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::uint64_t>(got);
  }
  ::close(file);
  if (!complete) {
    return hearth::fail(ErrorCode::kTruncatedData,
                        hearth::cat("\"", path, "\" ends before byte ", offset + bytes, "."), path);
  }
  return {};
}

void answer_read(hearth::Bytes payload, std::vector<std::uint8_t>& out) {
  auto done = read_range(payload);
  out.push_back(done ? 0 : 1);
  if (done) return;
  hearth::abi::Writer writer(out);
  writer.write(std::string(hearth::error_code_name(done.error().code)));
  writer.write(done.error().message);
  writer.write(done.error().name);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  hearth::abi::Engine engine(threads < 1 ? 1 : threads);
  std::vector<std::uint8_t> request, response;
  std::uint32_t head[2];
  // The host closes our input to end us.
  while (read_all(STDIN_FILENO, head, sizeof head)) {
    const auto [method, length] = head;
    if (length > kLargestRequest) return EXIT_FAILURE;
    request.resize(length);
    if (!read_all(STDIN_FILENO, request.data(), length)) return EXIT_FAILURE;
    response.clear();
    if (method == kRead) {
      answer_read(request, response);
    } else {
      hearth::abi::dispatch(engine, method, request, response);
    }
    const auto size = static_cast<std::uint32_t>(response.size() - 1);
    if (!write_all(STDOUT_FILENO, &size, sizeof size) ||
        !write_all(STDOUT_FILENO, response.data(), response.size())) {
      return EXIT_FAILURE;
    }
  }
  return EXIT_SUCCESS;
}
