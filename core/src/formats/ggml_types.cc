#include "formats/ggml_types.h"

#include <array>

namespace hearth {
namespace {

// In the order of ggml's numbers. 4, 5, 31 … 33 and 36 … 38 were given up by ggml; files with them
// exist.
constexpr auto kNames = std::to_array<std::string_view>({
    "F32",   "F16",        "Q4_0",       "Q4_1",       "Q4_2",     "Q4_3",     "Q5_0",
    "Q5_1",  "Q8_0",       "Q8_1",       "Q2_K",       "Q3_K",     "Q4_K",     "Q5_K",
    "Q6_K",  "Q8_K",       "IQ2_XXS",    "IQ2_XS",     "IQ3_XXS",  "IQ1_S",    "IQ4_NL",
    "IQ3_S", "IQ2_S",      "IQ4_XS",     "I8",         "I16",      "I32",      "I64",
    "F64",   "IQ1_M",      "BF16",       "Q4_0_4_4",   "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",
    "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",    "NVFP4",    "Q1_0",
});

}  // namespace

std::string_view ggml_type_name(std::uint32_t type) {
  return type < kNames.size() ? kNames[type] : std::string_view();
}

// DType's names are ggml's, and it has none that Hearth cannot read.
std::optional<DType> dtype_from_ggml(std::uint32_t type) {
  return dtype_from_name(ggml_type_name(type));
}

std::optional<std::uint32_t> ggml_from_dtype(DType dtype) {
  for (std::uint32_t type = 0; type < kNames.size(); ++type) {
    if (kNames[type] == dtype_name(dtype)) return type;
  }
  return std::nullopt;
}

}  // namespace hearth
