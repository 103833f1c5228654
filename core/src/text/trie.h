// A set of byte strings with a number each, that finds all those a text starts with. The edges of
// the trie lie in one hash table: building it takes time and room in proportion to the strings'
// bytes, whatever they are.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth {

class Trie {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  /// `bytes` is how many the strings to be added have together, or more.
  explicit Trie(std::size_t bytes) : edges_(std::bit_ceil(bytes + bytes / 2 + 2)) {}

  /// Of two equal strings the later counts. An empty one is not found. `value` is not kNone.
  void add(std::string_view text, std::uint32_t value) {
    std::uint32_t node = 0;
    Edge* edge = nullptr;
    for (char byte : text) {
      edge = &edges_[slot(node, byte)];
      if (edge->key == kEmpty) *edge = {key(node, byte), ++last_node_, kNone};
      node = edge->child;
    }
    if (edge != nullptr) edge->value = value;
  }

  /// Calls found(length, value) for each string that `text` starts with, shortest first.
  template <typename Found>
  void prefixes(std::string_view text, Found&& found) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const Edge& edge = edges_[slot(node, text[i])];
      if (edge.key == kEmpty) return;
      if (edge.value != kNone) found(i + 1, edge.value);
      node = edge.child;
    }
  }

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};  // no node has so high a number
  struct Edge {
    std::uint64_t key = kEmpty;
    std::uint32_t child = 0;
    std::uint32_t value = kNone;  // of the string that ends at the child
  };

  static std::uint64_t key(std::uint32_t node, char byte) {
    return static_cast<std::uint64_t>(node) << 8 | static_cast<std::uint8_t>(byte);
  }
  // Where the edge is, or would go.
  std::size_t slot(std::uint32_t node, char byte) const {
    const std::uint64_t wanted = key(node, byte);
    const std::size_t mask = edges_.size() - 1;
    // Fibonacci hashing: the constant is 2^64 divided by the golden ratio.
    std::size_t at = static_cast<std::size_t>((wanted * 0x9E3779B97F4A7C15u) >> 32) & mask;
    while (edges_[at].key != wanted && edges_[at].key != kEmpty) at = (at + 1) & mask;
    return at;
  }

  std::vector<Edge> edges_;  // open addressing, at most 2/3 full
  std::uint32_t last_node_ = 0;
};

}  // namespace hearth
