#include "gpu/layout.h"

#include <array>

#include "base/check.h"

namespace hearth::gpu {

const LayoutInfo& layout_info(Layout layout) {
  static constexpr std::array<LayoutInfo, 8> kInfos = {{
      {.name = "f32", .block = 4, .code_bits = 32, .scale_bytes = 0, .scale_block = 1},
      {.name = "f16", .block = 4, .code_bits = 16, .scale_bytes = 0, .scale_block = 1},
      {.name = "bf16", .block = 4, .code_bits = 16, .scale_bytes = 0, .scale_block = 1},
      {.name = "q4", .block = 32, .code_bits = 4, .scale_bytes = 2, .scale_block = 32},
      {.name = "q4m", .block = 32, .code_bits = 4, .scale_bytes = 4, .scale_block = 32},
      {.name = "q4t", .block = 32, .code_bits = 4, .scale_bytes = 4, .scale_block = 32},
      {.name = "q8", .block = 32, .code_bits = 8, .scale_bytes = 2, .scale_block = 32},
      {.name = "q8m", .block = 32, .code_bits = 8, .scale_bytes = 4, .scale_block = 16},
  }};
  return kInfos[static_cast<std::size_t>(layout)];
}

Layout layout_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return Layout::kF32;
    case DType::kF16:
      return Layout::kF16;
    case DType::kBF16:
      return Layout::kBF16;
    case DType::kQ4_0:
      return Layout::kQ4;
    case DType::kQ4_1:
    case DType::kQ4_K:
    case DType::kZ4:
      return Layout::kQ4M;
    case DType::kIQ4_NL:
    case DType::kIQ4_XS:
    case DType::kMXFP4:
      return Layout::kQ4T;
    case DType::kQ5_0:
    case DType::kQ8_0:
      return Layout::kQ8;
    case DType::kQ5_1:
    case DType::kQ5_K:
    case DType::kQ6_K:
    case DType::kQ2_K:
    case DType::kQ3_K:
    case DType::kZ8:
      return Layout::kQ8M;
    default:
      HEARTH_CHECK(false);
      return Layout::kF32;
  }
}

std::string_view repack_kernel(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return "repack_q4_0";
    case DType::kQ4_1:
      return "repack_q4_1";
    case DType::kQ4_K:
      return "repack_q4_k";
    case DType::kIQ4_NL:
      return "repack_iq4_nl";
    case DType::kIQ4_XS:
      return "repack_iq4_xs";
    case DType::kMXFP4:
      return "repack_mxfp4";
    case DType::kQ5_0:
      return "repack_q5_0";
    case DType::kQ8_0:
      return "repack_q8_0";
    case DType::kQ5_1:
      return "repack_q5_1";
    case DType::kQ5_K:
      return "repack_q5_k";
    case DType::kQ6_K:
      return "repack_q6_k";
    case DType::kQ2_K:
      return "repack_q2_k";
    case DType::kQ3_K:
      return "repack_q3_k";
    default:
      return "";
  }
}

bool has_zero_points(DType dtype) { return dtype == DType::kZ4 || dtype == DType::kZ8; }

int table_kind(DType dtype) { return dtype == DType::kMXFP4 ? 1 : 0; }

std::int64_t codes_row_bytes(Layout layout, std::int64_t columns) {
  return columns * layout_info(layout).code_bits / 8;
}

std::int64_t scales_row_bits(Layout layout, std::int64_t columns) {
  const LayoutInfo& info = layout_info(layout);
  return columns / info.scale_block * info.scale_bytes * 8;
}

}  // namespace hearth::gpu
