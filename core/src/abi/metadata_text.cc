#include "abi/metadata_text.h"

namespace hearth::abi {
namespace {

// A screen line or two of a value is what a person reads; a chat template is up to 8 KB.
constexpr std::size_t kLongestText = 200;
constexpr std::size_t kShownElements = 8;

std::string cut(std::string_view text) {
  if (text.size() <= kLongestText) return std::string(text);
  std::size_t end = kLongestText;
  // Not inside a character: continuation bytes are 10xxxxxx.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return cat(text.substr(0, end), "…");
}

std::string_view type_name(GgufType type) {
  switch (type) {
    case GgufType::kU8:
      return "u8";
    case GgufType::kI8:
      return "i8";
    case GgufType::kU16:
      return "u16";
    case GgufType::kI16:
      return "i16";
    case GgufType::kU32:
      return "u32";
    case GgufType::kI32:
      return "i32";
    case GgufType::kF32:
      return "f32";
    case GgufType::kBool:
      return "bool";
    case GgufType::kString:
      return "string";
    case GgufType::kArray:
      return "array";
    case GgufType::kU64:
      return "u64";
    case GgufType::kI64:
      return "i64";
    case GgufType::kF64:
      return "f64";
  }
  return "unknown";
}

struct ValueText {
  std::string text;
  std::size_t elements = 0;

  void operator()(const std::string& value) { text = cut(value); }
  // A float is shown as the float it is, not as the double it became.
  void operator()(double value) { text = cat(static_cast<float>(value)); }
  template <typename Scalar>
  void operator()(const Scalar& value) {
    text = cat(value);
  }
  template <typename Element>
  void operator()(const std::vector<Element>& values) {
    elements = values.size();
    for (std::size_t i = 0; i < values.size() && i < kShownElements; ++i) {
      if (i > 0) text += ", ";
      ValueText element;
      element(values[i]);
      text += element.text;
    }
    if (values.size() > kShownElements) text += ", …";
  }
};

}  // namespace

std::vector<MetadataEntry> metadata_text(const models::SourceFile& file) {
  std::vector<MetadataEntry> entries;
  if (const auto* safetensors = std::get_if<SafetensorsHeader>(&file.header)) {
    for (const auto& [key, value] : safetensors->metadata) {
      entries.push_back({.key = key, .type = "string", .value = cut(value)});
    }
    return entries;
  }
  for (const GgufEntry& entry : std::get<GgufHeader>(file.header).metadata) {
    ValueText shown;
    std::visit(shown, entry.value.value);
    const bool array = entry.value.type == GgufType::kArray;
    entries.push_back(
        {.key = entry.key,
         .type = array ? cat(type_name(entry.value.element_type), "[", shown.elements, "]")
                       : std::string(type_name(entry.value.type)),
         .value = std::move(shown.text)});
  }
  return entries;
}

}  // namespace hearth::abi
