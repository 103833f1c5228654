#include "tensor/tensor_info.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

TEST(TensorBytes, CountsBlocks) {
  EXPECT_EQ(tensor_bytes(DType::kQ4_1, {576, 1536}, "w").value(), 576u * 48u * 20u);
  EXPECT_EQ(tensor_bytes(DType::kF16, {3, 5}, "w").value(), 30u);
  EXPECT_EQ(tensor_bytes(DType::kF32, {}, "scalar").value(), 4u);
}

TEST(TensorBytes, RefusesOverflowAndBrokenRows) {
  auto overflow = tensor_bytes(DType::kF32, {1LL << 40, 1LL << 40}, "w");
  ASSERT_FALSE(overflow);
  EXPECT_EQ(overflow.error().code, ErrorCode::kCountTooLarge);
  EXPECT_EQ(overflow.error().name, "w");
  EXPECT_EQ(tensor_bytes(DType::kI8, {1LL << 32, 1LL << 31, 0}, "w").error().code,
            ErrorCode::kCountTooLarge);
  EXPECT_EQ(tensor_bytes(DType::kF32, {-1}, "w").error().code, ErrorCode::kCountTooLarge);
  EXPECT_EQ(tensor_bytes(DType::kF32, {1LL << 62, 1}, "w").error().code, ErrorCode::kCountTooLarge);
  EXPECT_EQ(tensor_bytes(DType::kQ4_0, {2, 33}, "w").error().code, ErrorCode::kShapeMismatch);
}

TEST(TensorDirectory, FindsByNameAndRefusesTwins) {
  TensorDirectory directory;
  ASSERT_TRUE(directory.add({.name = "a", .shape = {2}}));
  ASSERT_TRUE(directory.add({.name = "b", .shape = {3}}));
  EXPECT_EQ(directory.find("b")->shape, (Shape{3}));
  EXPECT_EQ(directory.find("c"), nullptr);
  auto twin = directory.add({.name = "a"});
  ASSERT_FALSE(twin);
  EXPECT_EQ(twin.error().code, ErrorCode::kDuplicateTensor);
  EXPECT_EQ(twin.error().name, "a");
  EXPECT_EQ(directory.tensors().size(), 2u);
}

TEST(DType, NamesRoundTrip) {
  for (int i = 0; i < kDTypeCount; ++i) {
    auto dtype = static_cast<DType>(i);
    const bool in_files = dtype != DType::kZ4 && dtype != DType::kZ8;
    EXPECT_EQ(dtype_from_name(dtype_name(dtype)), in_files ? std::optional(dtype) : std::nullopt);
  }
  EXPECT_EQ(dtype_from_name("Q3_X"), std::nullopt);
}

}  // namespace
}  // namespace hearth
