// Fuzzes the JSON parser's guard: the input is a document.
#include <algorithm>
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "formats/json.h"

namespace hearth {
namespace {

int depth_of(const nlohmann::json& value) {
  int deepest = 0;
  for (const auto& item : value) {
    if (item.is_structured()) deepest = std::max(deepest, depth_of(item));
  }
  return deepest + 1;
}

}  // namespace
}  // namespace hearth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hearth;
  const auto value = parse_json(as_text({data, size}), "document");
  if (!value) {
    HEARTH_CHECK(value.error().code == ErrorCode::kMalformedJson);
    HEARTH_CHECK(value.error().name == "document" && value.error().message.ends_with('.'));
    return 0;
  }
  if (value->is_structured()) HEARTH_CHECK(depth_of(*value) <= kMaxJsonDepth);
  // What was accepted can be written, and reads back equal.
  const auto again = parse_json(value->dump(), "document");
  HEARTH_CHECK(again && *again == *value);
  return 0;
}
