// Joining strings and numbers for messages, without <format> (which costs 100 KB of wasm).
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace hearth {
namespace internal {

inline void append_piece(std::string& out, std::string_view piece) { out.append(piece); }
inline void append_piece(std::string& out, char piece) { out.push_back(piece); }

// A template, so that no `const char*` converts to bool.
template <std::same_as<bool> T>
void append_piece(std::string& out, T piece) {
  out.append(piece ? "true" : "false");
}

template <std::integral T>
  requires(!std::same_as<T, bool>)
void append_piece(std::string& out, T piece) {
  char digits[24];  // 20 digits of 2^64 and a sign
  auto end = std::to_chars(digits, digits + sizeof digits, piece).ptr;
  out.append(digits, end);
}

template <std::floating_point T>
void append_piece(std::string& out, T piece) {
  char digits[40];  // the shortest form of any double is at most 24 characters
  auto end = std::to_chars(digits, digits + sizeof digits, piece).ptr;
  out.append(digits, end);
}

}  // namespace internal

/// cat("tensor ", name, " has ", 3, " dimensions")
template <typename... Pieces>
std::string cat(const Pieces&... pieces) {
  std::string out;
  (internal::append_piece(out, pieces), ...);
  return out;
}

}  // namespace hearth
