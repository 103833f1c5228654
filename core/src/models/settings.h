// Typed access to a model's hyperparameters, by config.json's keys whatever the format
// (gguf_config.h reads GGUF metadata as such). Like the graph builder, the first error sticks, so
// that a family's configuration reads as a list.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/checkpoint.h"

namespace hearth::models {

/// The largest value that a count may have. Real models stay far below (Llama 3.1 405B is 16,384
/// wide, vocabularies reach 262,144), and products of two such counts fit 64 bits.
inline constexpr std::int64_t kLargestCount = 1 << 24;

class Settings {
 public:
  /// Those of a checkpoint, which outlives them. Errors name the keys as its format has them.
  static Settings of(const Checkpoint& checkpoint);
  /// Reads keys of an object of config.json; "a.b" looks into object a.
  static Settings from_json(const nlohmann::json& object);

  // The required ones record missing_metadata when absent; all record unsupported_config when the
  // value is of another kind or out of range.
  std::int64_t count(std::string_view key);
  std::int64_t count_or(std::string_view key, std::int64_t otherwise);
  double number(std::string_view key);
  double number_or(std::string_view key, double otherwise);
  bool flag_or(std::string_view key, bool otherwise);
  std::string text_or(std::string_view key, std::string_view otherwise);
  /// Lists of config.json, empty when absent; unsupported_config when an entry is of another kind.
  std::vector<std::string> texts(std::string_view key);
  std::vector<double> numbers(std::string_view key);
  /// Whether there is a value; JSON's null is none.
  bool has(std::string_view key) const;
  /// Whether config.json has the key, be it null: for keys whose absence means a default and whose
  /// null means "off".
  bool stated(std::string_view key) const;

  /// Whether it is a GGUF file that was read.
  bool gguf() const { return gguf_; }
  /// Says that this family's config.json may call a key by another name.
  void rename(std::string_view key, std::string_view name);

  /// Refuses what a GGUF file says and nobody asked for: its metadata has no more than a family
  /// needs, so it would be run wrongly. config.json has much that changes nothing.
  void refuse_unread();

  /// Records that a value is not supported: `what "value" is not supported`.
  void refuse(std::string_view key, std::string_view value);

  /// The first error, if any.
  Result<void> status() const;

 private:
  std::string full_key(std::string_view key) const;
  const nlohmann::json* json(std::string_view key) const;
  void missing(std::string_view key);
  void wrong(std::string_view key, std::string_view wanted);

  const nlohmann::json* json_ = nullptr;
  bool gguf_ = false;
  std::string architecture_;                               ///< of a GGUF file
  std::map<std::string, std::string, std::less<>> names_;  ///< by key
  mutable std::set<std::string, std::less<>> asked_;
  std::optional<Error> error_;
};

}  // namespace hearth::models
