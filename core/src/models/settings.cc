#include "models/settings.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/cat.h"
#include "models/gguf_config.h"

namespace hearth::models {

Settings Settings::of(const Checkpoint& checkpoint) {
  Settings settings = from_json(checkpoint.config());
  settings.gguf_ = checkpoint.gguf() != nullptr;
  if (settings.gguf_) settings.architecture_ = settings.text_or("model_type", "");
  return settings;
}

Settings Settings::from_json(const nlohmann::json& object) {
  Settings settings;
  settings.json_ = &object;
  return settings;
}

void Settings::rename(std::string_view key, std::string_view name) {
  if (!gguf_) names_.emplace(key, name);
}

std::string Settings::full_key(std::string_view key) const {
  if (gguf_) return gguf_key(architecture_, key);
  const auto renamed = names_.find(key);
  if (renamed == names_.end()) return std::string(key);
  const auto stated = json_->find(std::string(key));
  return std::string(stated == json_->end() || stated->is_null() ? renamed->second : key);
}

const nlohmann::json* Settings::json(std::string_view key) const {
  asked_.emplace(key);
  const auto find = [this](std::string_view path) -> const nlohmann::json* {
    const nlohmann::json* at = json_;
    while (at != nullptr) {
      const std::size_t dot = path.find('.');
      if (!at->is_object()) return nullptr;
      const auto found = at->find(std::string(path.substr(0, dot)));
      if (found == at->end() || found->is_null()) return nullptr;
      if (dot == std::string_view::npos) return &*found;
      at = &*found;
      path.remove_prefix(dot + 1);
    }
    return nullptr;
  };
  const nlohmann::json* value = find(key);
  const auto renamed = names_.find(key);
  return value == nullptr && renamed != names_.end() ? find(renamed->second) : value;
}

bool Settings::has(std::string_view key) const { return json(key) != nullptr; }

bool Settings::stated(std::string_view key) const { return json_->contains(std::string(key)); }

void Settings::refuse_unread() {
  if (!gguf_) return;
  for (const std::string_view key : gguf_config_keys()) {
    if (asked_.contains(key)) continue;
    const nlohmann::json* value = json(key);
    // Converters write 0 and false for "none of them".
    if (value != nullptr && *value != 0 && *value != false) refuse(key, value->dump());
  }
}

void Settings::missing(std::string_view key) {
  if (error_) return;
  const std::string full = full_key(key);
  error_ = Error{ErrorCode::kMissingMetadata,
                 cat("The model's configuration has no \"", full, "\"."), full};
}

void Settings::wrong(std::string_view key, std::string_view wanted) {
  if (error_) return;
  const std::string full = full_key(key);
  error_ =
      Error{ErrorCode::kUnsupportedConfig,
            cat("The model's configuration has a \"", full, "\" that is not ", wanted, "."), full};
}

void Settings::refuse(std::string_view key, std::string_view value) {
  if (error_) return;
  const std::string full = full_key(key);
  error_ =
      Error{ErrorCode::kUnsupportedConfig, cat(full, " \"", value, "\" is not supported."), full};
}

std::int64_t Settings::count(std::string_view key) {
  if (!has(key)) {
    missing(key);
    return 1;
  }
  return count_or(key, 1);
}

std::int64_t Settings::count_or(std::string_view key, std::int64_t otherwise) {
  if (!has(key)) return otherwise;
  std::optional<std::int64_t> value;
  if (json(key)->is_number_integer()) {
    value = json(key)->get<std::int64_t>();
  }
  if (!value || *value < 1 || *value > kLargestCount) {
    wrong(key, cat("a whole number from 1 to ", kLargestCount));
    return 1;
  }
  return *value;
}

double Settings::number(std::string_view key) {
  if (!has(key)) {
    missing(key);
    return 1;
  }
  return number_or(key, 1);
}

double Settings::number_or(std::string_view key, double otherwise) {
  if (!has(key)) return otherwise;
  std::optional<double> value;
  if (json(key)->is_number()) {
    value = json(key)->get<double>();
  }
  if (!value || !std::isfinite(*value)) {
    wrong(key, "a finite number");
    return 1;
  }
  return *value;
}

bool Settings::flag_or(std::string_view key, bool otherwise) {
  if (!has(key)) return otherwise;
  std::optional<bool> value;
  if (json(key)->is_boolean()) {
    value = json(key)->get<bool>();
  }
  if (!value) {
    wrong(key, "true or false");
    return otherwise;
  }
  return *value;
}

std::string Settings::text_or(std::string_view key, std::string_view otherwise) {
  if (!has(key)) return std::string(otherwise);
  if (json(key)->is_string()) return json(key)->get<std::string>();
  wrong(key, "a string");
  return std::string(otherwise);
}

std::vector<std::string> Settings::texts(std::string_view key) {
  std::vector<std::string> result;
  const nlohmann::json* list = json(key);
  if (list == nullptr) return result;
  const bool right = list->is_array() && std::all_of(list->begin(), list->end(),
                                                     [](const auto& e) { return e.is_string(); });
  if (!right) {
    wrong(key, "a list of strings");
    return result;
  }
  for (const nlohmann::json& each : *list) result.push_back(each.get<std::string>());
  return result;
}

std::vector<double> Settings::numbers(std::string_view key) {
  std::vector<double> result;
  const nlohmann::json* list = json(key);
  if (list == nullptr) return result;
  const bool right = list->is_array() && std::all_of(list->begin(), list->end(), [](const auto& e) {
                       return e.is_number() && std::isfinite(e.template get<double>());
                     });
  if (!right) {
    wrong(key, "a list of finite numbers");
    return result;
  }
  for (const nlohmann::json& each : *list) result.push_back(each.get<double>());
  return result;
}

Result<void> Settings::status() const {
  if (error_) return std::unexpected(*error_);
  return {};
}

}  // namespace hearth::models
