// Result<T>: how every function of the core reports failure. Input can cause any Error; a bug of
// ours is an assertion instead (base/check.h).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace hearth {

enum class ErrorCode : std::uint16_t {
#define HEARTH_ERROR(enumerator, wire, meaning) enumerator,
#include "base/error_codes.def"
#undef HEARTH_ERROR
};

/// The code's name on the wire and in TypeScript, such as "bad_magic".
std::string_view error_code_name(ErrorCode code);

/// One sentence on what the code means in general.
std::string_view error_code_meaning(ErrorCode code);

/// How many codes there are; they are numbered from 0.
int error_code_count();

/// What went wrong, for a program (`code`), for a person (`message`, one plain sentence) and the
/// tensor, key, file or option it is about (`name`; empty when there is none).
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string name;
};

template <typename T>
using Result = std::expected<T, Error>;

/// Shorthand for returning a failure: `return fail(ErrorCode::kBadMagic, "…", file)`.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message,
                                                 std::string_view name = {}) {
  return std::unexpected<Error>(Error{code, std::move(message), std::string(name)});
}

}  // namespace hearth

#define HEARTH_CONCAT_INNER(a, b) a##b
#define HEARTH_CONCAT(a, b) HEARTH_CONCAT_INNER(a, b)

/// Returns the error of a Result<void>-like expression from the enclosing function.
#define HEARTH_TRY(expression)                                       \
  do {                                                               \
    if (auto hearth_try_result = (expression); !hearth_try_result) { \
      return std::unexpected(std::move(hearth_try_result).error());  \
    }                                                                \
  } while (false)

/// `HEARTH_ASSIGN(auto x, f());` declares x from a Result, or returns its error.
#define HEARTH_ASSIGN(declaration, expression) \
  HEARTH_ASSIGN_INNER(HEARTH_CONCAT(hearth_result_, __LINE__), declaration, expression)
#define HEARTH_ASSIGN_INNER(temporary, declaration, expression) \
  auto temporary = (expression);                                \
  if (!temporary) {                                             \
    return std::unexpected(std::move(temporary).error());       \
  }                                                             \
  declaration = *std::move(temporary)
