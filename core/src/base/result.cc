#include "base/result.h"

#include <array>

namespace hearth {
namespace {

struct CodeText {
  std::string_view name;
  std::string_view meaning;
};

constexpr auto kCodes = std::to_array<CodeText>({
#define HEARTH_ERROR(enumerator, wire, meaning) {wire, meaning},
#include "base/error_codes.def"
#undef HEARTH_ERROR
});

}  // namespace

std::string_view error_code_name(ErrorCode code) {
  return kCodes[static_cast<std::size_t>(code)].name;
}

std::string_view error_code_meaning(ErrorCode code) {
  return kCodes[static_cast<std::size_t>(code)].meaning;
}

int error_code_count() { return static_cast<int>(kCodes.size()); }

}  // namespace hearth
