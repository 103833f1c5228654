// Views of bytes, and unaligned little-endian reads. Every host that WebAssembly or we run on is
// little-endian, as are GGUF and safetensors.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace hearth {

static_assert(std::endian::native == std::endian::little);

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

/// Reads a T from any address; `from` must have sizeof(T) bytes.
template <typename T>
  requires std::is_trivially_copyable_v<T>
T load_le(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace hearth
