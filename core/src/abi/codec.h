// The wire format of the ABI's messages, derived from each message's own list of fields.
//
// Little-endian, no padding, fields in order of declaration:
//   bool, u8, u32, u64, i32, f32, f64   as they are (bool is one byte)
//   string, bytes                       u32 length, then the bytes (strings are UTF-8)
//   list<T>                             u32 count, then the elements
//   message                             its fields
// The TypeScript side is generated from the same declarations (host/schema.cc).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/cat.h"
#include "base/field.h"
#include "base/result.h"

namespace hearth::abi {

template <typename T>
struct IsList : std::false_type {};
template <typename T>
struct IsList<std::vector<T>> : std::true_type {
  using Element = T;
};

/// The fewest bytes that a T takes on the wire: its lists and strings empty.
template <typename T>
constexpr std::size_t smallest_size() {
  if constexpr (Message<T>) {
    return std::apply(
        []<typename... F>(const F&...) {
          return (std::size_t{0} + ... + smallest_size<typename F::Type>());
        },
        T::fields());
  } else if constexpr (std::is_arithmetic_v<T>) {
    return sizeof(T);
  } else {
    return sizeof(std::uint32_t);
  }
}

/// A run of bytes inside the request buffer (requests) or owned by the engine (responses).
using ByteView = Bytes;

class Writer {
 public:
  explicit Writer(std::vector<std::uint8_t>& out) : out_(out) {}

  template <typename T>
  void write(const T& value) {
    if constexpr (Message<T>) {
      std::apply([&](const auto&... f) { (write(value.*f.member), ...); }, T::fields());
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, ByteView>) {
      count(value.size());
      raw(value.data(), value.size());
    } else if constexpr (IsList<T>::value) {
      count(value.size());
      if constexpr (std::is_arithmetic_v<typename IsList<T>::Element>) {
        raw(value.data(), value.size() * sizeof(typename IsList<T>::Element));
      } else {
        for (const auto& element : value) write(element);
      }
    } else {
      static_assert(std::is_arithmetic_v<T>);
      raw(&value, sizeof value);
    }
  }

 private:
  void count(std::size_t n) {
    const auto small = static_cast<std::uint32_t>(n);
    raw(&small, sizeof small);
  }
  void raw(const void* from, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(from);
    out_.insert(out_.end(), bytes, bytes + size);
  }
  std::vector<std::uint8_t>& out_;
};

/// Reads messages; on input that ends early or claims too much, `ok()` turns false and every later
/// value is zero or empty. A ByteView read here points into the input.
class Reader {
 public:
  explicit Reader(Bytes in) : in_(in) {}

  bool ok() const { return ok_; }
  bool at_end() const { return in_.empty(); }

  template <typename T>
  void read(T& value) {
    if constexpr (Message<T>) {
      std::apply([&](const auto&... f) { (read(value.*f.member), ...); }, T::fields());
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = std::string(as_text(take(count(1))));
    } else if constexpr (std::is_same_v<T, ByteView>) {
      value = take(count(1));
    } else if constexpr (IsList<T>::value) {
      using Element = typename IsList<T>::Element;
      if constexpr (std::is_arithmetic_v<Element>) {
        const std::size_t n = count(sizeof(Element));
        Bytes from = take(n * sizeof(Element));
        value.resize(n);
        if (n > 0) std::memcpy(value.data(), from.data(), from.size());
      } else {
        // A count that the input has no bytes for is refused before anything is allocated.
        value.resize(count(smallest_size<Element>()));
        for (auto& element : value) read(element);
      }
    } else if constexpr (std::is_same_v<T, bool>) {
      Bytes from = take(1);
      value = !from.empty() && from[0] != 0;
    } else {
      static_assert(std::is_arithmetic_v<T>);
      Bytes from = take(sizeof value);
      value = from.empty() ? T{} : load_le<T>(from.data());
    }
  }

 private:
  std::size_t count(std::size_t element_size) {
    std::uint32_t n = 0;
    read(n);
    if (n > in_.size() / element_size) {
      ok_ = false;
      in_ = {};
      return 0;
    }
    return n;
  }
  Bytes take(std::size_t size) {
    if (size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    Bytes taken = in_.first(size);
    in_ = in_.subspan(size);
    return taken;
  }
  Bytes in_;
  bool ok_ = true;
};

}  // namespace hearth::abi
