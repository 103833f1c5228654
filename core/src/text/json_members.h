// Typed reading of a tokenizer's JSON: every access checks the kind, as nlohmann-json aborts on a
// wrong one when built without exceptions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/cat.h"
#include "base/result.h"

namespace hearth {

using Json = nlohmann::json;

/// The member, or nullptr when `value` is no object, has none of that name, or has null there.
inline const Json* member(const Json& value, const char* key) {
  if (!value.is_object()) return nullptr;
  auto found = value.find(key);
  return found == value.end() || found->is_null() ? nullptr : &*found;
}

/// The string, or nullptr.
inline const std::string* string_member(const Json& value, const char* key) {
  const Json* found = member(value, key);
  return found == nullptr ? nullptr : found->get_ptr<const std::string*>();
}

/// The `type` of a component, or "" when it has none.
inline std::string_view type_of(const Json& value) {
  const std::string* type = string_member(value, "type");
  return type == nullptr ? std::string_view() : std::string_view(*type);
}

/// The flag, or `absent` when there is none. Errors: malformed_tokenizer.
inline Result<bool> bool_member(const Json& value, const char* key, bool absent) {
  const Json* found = member(value, key);
  if (found == nullptr) return absent;
  if (!found->is_boolean()) {
    return fail(ErrorCode::kMalformedTokenizer, cat("\"", key, "\" is neither true nor false."),
                key);
  }
  return *found->get_ptr<const bool*>();
}

/// The array. Errors: malformed_tokenizer.
inline Result<const Json*> array_member(const Json& value, const char* key) {
  const Json* found = member(value, key);
  if (found == nullptr || !found->is_array()) {
    return fail(ErrorCode::kMalformedTokenizer, cat("\"", key, "\" is missing or no list."), key);
  }
  return found;
}

/// `kind` is "pre-tokenizer" or the like.
inline std::unexpected<Error> unsupported(std::string_view kind, std::string_view name) {
  return fail(ErrorCode::kUnsupportedTokenizer,
              cat("The ", kind, " \"", name, "\" is not supported."), name);
}

}  // namespace hearth
