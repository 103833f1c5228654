// Structs that list their own fields, with a sentence on each: what crosses the ABI is declared
// this way once, and the codec (abi/codec.h) and the TypeScript (host/schema.cc) follow from the
// list.
#pragma once

#include <concepts>
#include <string_view>
#include <tuple>

namespace hearth {

/// A field of struct `Owner`: its wire and TypeScript name, where it lives, and its public doc.
template <typename Owner, typename T>
struct Field {
  using Type = T;
  std::string_view name;
  T Owner::* member;
  std::string_view doc;
};

template <typename Owner, typename T>
constexpr Field<Owner, T> field(std::string_view name, T Owner::* member, std::string_view doc) {
  return {name, member, doc};
}

/// A message is a struct with a static `kName` and a static tuple `fields()`.
template <typename T>
concept Message = requires {
  { T::kName } -> std::convertible_to<std::string_view>;
  T::fields();
};

}  // namespace hearth

/// Inside a struct that names itself `Self`.
#define HEARTH_FIELD(member, doc) ::hearth::field(#member, &Self::member, doc)
