// Typed access to a model's hyperparameters, the same for GGUF metadata and config.json. Like the
// graph builder, the first error sticks, so that a family's configuration reads as a list.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/gguf.h"

namespace hearth::models {

/// The largest value that a count may have. Real models stay far below (Llama 3.1 405B is 16,384
/// wide, vocabularies reach 262,144), and products of two such counts fit 64 bits.
inline constexpr std::int64_t kLargestCount = 1 << 24;

class Settings {
 public:
  /// Reads keys of GGUF metadata, "{arch}" standing for the architecture.
  static Settings from_gguf(const GgufHeader& header, std::string architecture);
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

  /// Records that a value is not supported: `what "value" is not supported`.
  void refuse(std::string_view key, std::string_view value);

  /// The first error, if any.
  Result<void> status() const;

 private:
  std::string full_key(std::string_view key) const;
  const nlohmann::json* json(std::string_view key) const;
  void missing(std::string_view key);
  void wrong(std::string_view key, std::string_view wanted);

  const GgufHeader* gguf_ = nullptr;
  const nlohmann::json* json_ = nullptr;
  std::string architecture_;
  std::optional<Error> error_;
};

}  // namespace hearth::models
