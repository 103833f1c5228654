#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/ggml_types.h"
#include "formats/gguf_builder.h"

namespace hearth {
namespace {

using File = std::vector<std::uint8_t>;

// One entry of every kind, and two tensors of which the first does not fill its alignment.
GgufBuilder small_file() {
  GgufBuilder builder;
  builder.add_string("general.architecture", "llama")
      .add_u8("u8", 200)
      .add_i8("i8", -100)
      .add_u16("u16", 60000)
      .add_i16("i16", -30000)
      .add_u32("llama.block_count", 2)
      .add_i32("i32", -5)
      .add_u64("u64", ~0ULL)
      .add_i64("i64", INT64_MIN)
      .add_f32("llama.epsilon", 0.5F)
      .add_f64("f64", 1e300)
      .add_bool("yes", true)
      .add_bool("no", false)
      .add_string_array("tokens", {"a", "", "\xC4\xA0the"})
      .add_f32_array("scores", {1.5F, -2.0F})
      .add_i32_array("types", {1, -3})
      .add_u32_array("ids", {7, 8})
      .add_u64_array("wide", {1, ~0ULL})
      .add_bool_array("flags", {1, 0})
      .add_i32_array("empty", {})
      .add_f32_tensor("norm", {3}, {1, 2, 3})
      .add_tensor("w", DType::kQ4_0, {2, 32}, File(36, 0x11));
  return builder;
}

Error error_of(const File& file) {
  auto parsed = parse_gguf(file, file.size());
  EXPECT_FALSE(parsed);
  return parsed ? Error{} : parsed.error();
}

void expect_error(const GgufBuilder& builder, ErrorCode code, std::string_view name) {
  const Error error = error_of(builder.build());
  EXPECT_EQ(error_code_name(error.code), error_code_name(code)) << error.message;
  EXPECT_EQ(error.name, name) << error.message;
  EXPECT_TRUE(error.message.ends_with('.')) << error.message;
}

template <typename T>
File bytes_of(std::initializer_list<T> values) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(values.begin());
  return File(from, from + values.size() * sizeof(T));
}

TEST(Gguf, ReadsMetadataOfEveryType) {
  const File file = small_file().build();
  auto parsed = parse_gguf(file, file.size());
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_TRUE(parsed->header);
  EXPECT_EQ(parsed->need, 0u);
  const GgufHeader& header = *parsed->header;
  EXPECT_EQ(header.version, 3u);
  EXPECT_EQ(*header.string_value("general.architecture"), "llama");
  EXPECT_EQ(header.unsigned_value("u8"), 200u);
  EXPECT_EQ(header.signed_value("i8"), -100);
  EXPECT_EQ(header.unsigned_value("u16"), 60000u);
  EXPECT_EQ(header.signed_value("i16"), -30000);
  EXPECT_EQ(header.unsigned_value("llama.block_count"), 2u);
  EXPECT_EQ(header.signed_value("llama.block_count"), 2);
  EXPECT_EQ(header.signed_value("i32"), -5);
  EXPECT_EQ(header.unsigned_value("u64"), ~0ULL);
  EXPECT_EQ(header.signed_value("i64"), INT64_MIN);
  EXPECT_EQ(header.float_value("llama.epsilon"), 0.5);
  EXPECT_EQ(header.float_value("f64"), 1e300);
  EXPECT_EQ(header.bool_value("yes"), true);
  EXPECT_EQ(header.bool_value("no"), false);
  EXPECT_EQ(*header.string_array("tokens"), (std::vector<std::string>{"a", "", "\xC4\xA0the"}));
  EXPECT_EQ(header.float_array("scores"), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(header.integer_array("types"), (std::vector<std::int64_t>{1, -3}));
  EXPECT_EQ(header.integer_array("ids"), (std::vector<std::int64_t>{7, 8}));
  EXPECT_EQ(header.integer_array("flags"), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(header.integer_array("empty"), (std::vector<std::int64_t>{}));
}

TEST(Gguf, AccessorsRefuseOtherKindsAndValuesThatDoNotFit) {
  const File file = small_file().build();
  const GgufHeader header = *parse_gguf(file, file.size())->header;
  EXPECT_EQ(header.find("absent"), nullptr);
  EXPECT_EQ(header.unsigned_value("absent"), std::nullopt);
  EXPECT_EQ(header.unsigned_value("i8"), std::nullopt);
  EXPECT_EQ(header.signed_value("u64"), std::nullopt);
  EXPECT_EQ(header.unsigned_value("yes"), std::nullopt);
  EXPECT_EQ(header.float_value("i32"), std::nullopt);
  EXPECT_EQ(header.bool_value("u8"), std::nullopt);
  EXPECT_EQ(header.string_value("tokens"), nullptr);
  EXPECT_EQ(header.string_array("ids"), nullptr);
  EXPECT_EQ(header.integer_array("wide"), std::nullopt);
  EXPECT_EQ(header.integer_array("scores"), std::nullopt);
  EXPECT_EQ(header.float_array("types"), std::nullopt);
}

TEST(Gguf, PlacesTensorsOutermostFirst) {
  const File file = small_file().build();
  const GgufHeader header = *parse_gguf(file, file.size())->header;
  EXPECT_EQ(header.data_offset % 32, 0u);
  const TensorInfo* norm = header.directory.find("norm");
  ASSERT_NE(norm, nullptr);
  EXPECT_EQ(norm->offset, header.data_offset);
  EXPECT_EQ(norm->bytes, 12u);
  EXPECT_EQ(load_le<float>(file.data() + norm->offset + 4), 2.0F);
  const TensorInfo* w = header.directory.find("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->dtype, DType::kQ4_0);
  EXPECT_EQ(w->shape, (Shape{2, 32}));
  EXPECT_EQ(w->offset, header.data_offset + 32);
  EXPECT_EQ(w->bytes, 36u);
  EXPECT_EQ(w->offset + w->bytes, file.size());
}

TEST(Gguf, EveryPrefixAsksForMoreOrIsTruncated) {
  const File file = small_file().build();
  const std::uint64_t header_size = small_file().build_header().size();
  const GgufHeader whole = *parse_gguf(file, file.size())->header;
  for (std::size_t size = 0; size < file.size(); ++size) {
    SCOPED_TRACE(size);
    const Bytes head = Bytes(file).first(size);
    auto partial = parse_gguf(head, file.size());
    ASSERT_TRUE(partial) << partial.error().message;
    if (size < header_size) {
      ASSERT_FALSE(partial->header);
      ASSERT_GT(partial->need, size);
      ASSERT_LE(partial->need, file.size());
    } else {
      ASSERT_TRUE(partial->header);
      EXPECT_EQ(partial->header->directory.tensors().size(), 2u);
      EXPECT_EQ(partial->header->data_offset, whole.data_offset);
    }
    auto cut = parse_gguf(head, size);
    ASSERT_FALSE(cut);
    EXPECT_EQ(error_code_name(cut.error().code),
              size < header_size ? "truncated_header" : "truncated_data")
        << cut.error().message;
  }
}

TEST(Gguf, AsksForTwiceTheHeadAndFindsALongHeaderInFewSteps) {
  const File file =
      GgufBuilder().add_string_array("tokens", std::vector<std::string>(50'000, "token")).build();
  std::uint64_t size = 0;
  int steps = 0;
  while (true) {
    auto parsed = parse_gguf(Bytes(file).first(static_cast<std::size_t>(size)), file.size());
    ASSERT_TRUE(parsed) << parsed.error().message;
    if (parsed->header) break;
    ASSERT_GE(parsed->need, std::min<std::uint64_t>(2 * size, file.size()));
    size = parsed->need;
    ASSERT_LT(++steps, 10);
  }
  EXPECT_GT(steps, 1);
}

TEST(Gguf, RefusesOtherFiles) {
  expect_error(GgufBuilder().set_version(1), ErrorCode::kUnsupportedVersion, "version");
  expect_error(GgufBuilder().set_version(4), ErrorCode::kUnsupportedVersion, "version");
  expect_error(GgufBuilder().set_version(0x03000000), ErrorCode::kUnsupportedVersion, "version");
  EXPECT_NE(error_of(GgufBuilder().set_version(0x03000000).build()).message.find("big-endian"),
            std::string::npos);
  File file = small_file().build();
  file[3] = 'X';
  EXPECT_EQ(error_of(file).code, ErrorCode::kBadMagic);
  EXPECT_EQ(error_of({}).code, ErrorCode::kTruncatedHeader);
  const File second = small_file().set_version(2).build();
  EXPECT_TRUE(parse_gguf(second, second.size()));
}

// Each claim is refused, and at once: not answered with a wish for 2^63 more bytes. A file said to
// be huge may not make a claim plausible either.
TEST(Gguf, RefusesImpossibleCounts) {
  const std::uint64_t huge = 1ULL << 60;
  const std::uint64_t half = 1ULL << 63;
  const auto string_value = static_cast<std::uint32_t>(GgufType::kString);
  const auto array_value = static_cast<std::uint32_t>(GgufType::kArray);
  File array_of_floats = bytes_of<std::uint32_t>({6});
  File array_of_strings = bytes_of<std::uint32_t>({8});
  for (std::uint8_t byte : bytes_of<std::uint64_t>({half})) {
    array_of_floats.push_back(byte);
    array_of_strings.push_back(byte);
  }
  const std::pair<GgufBuilder, std::string_view> cases[] = {
      {small_file().set_tensor_count(huge), "tensor count"},
      {small_file().set_tensor_count(~0ULL), "tensor count"},
      {small_file().set_metadata_count(huge), "metadata count"},
      {GgufBuilder().add_raw("k", string_value, bytes_of<std::uint64_t>({half})), "k"},
      {GgufBuilder().add_raw("k", string_value, bytes_of<std::uint64_t>({~0ULL})), "k"},
      {GgufBuilder().add_raw("k", array_value, array_of_floats), "k"},
      {GgufBuilder().add_raw("k", array_value, array_of_strings), "k"},
      {GgufBuilder().add_u8(std::string(65536, 'k'), 1), "metadata key 0"},
      {GgufBuilder().add_tensor_entry(std::string(256, 'n'), {1}, 0, 0), "tensor name 0"},
      {GgufBuilder().add_tensor_entry("t", {1ULL << 40, 1ULL << 40}, 0, 0), "t"},
      {GgufBuilder().add_tensor_entry("t", {1ULL << 63}, 0, 0), "t"},
      {GgufBuilder().add_tensor_entry("t", {1ULL << 62}, 0, 0), "t"},
  };
  for (const auto& [builder, name] : cases) {
    expect_error(builder, ErrorCode::kCountTooLarge, name);
    auto in_huge_file = parse_gguf(builder.build_header(), half);
    ASSERT_FALSE(in_huge_file) << name;
    EXPECT_EQ(in_huge_file.error().code, ErrorCode::kCountTooLarge) << in_huge_file.error().message;
  }
}

TEST(Gguf, AcceptsTheLongestNames) {
  const File file = GgufBuilder()
                        .add_u8(std::string(65535, 'k'), 1)
                        .add_f32_tensor(std::string(255, 'n'), {1}, {1})
                        .build();
  auto parsed = parse_gguf(file, file.size());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->header->unsigned_value(std::string(65535, 'k')), 1u);
}

TEST(Gguf, RefusesUnknownValues) {
  expect_error(GgufBuilder().add_raw("k", 13, {}), ErrorCode::kMalformedHeader, "k");
  expect_error(GgufBuilder().add_raw("k", ~0U, {}), ErrorCode::kMalformedHeader, "k");
  expect_error(GgufBuilder().add_raw("k", 7, bytes_of<std::uint8_t>({2})),
               ErrorCode::kMalformedHeader, "k");
  expect_error(GgufBuilder().add_bool_array("k", {0, 1, 3}), ErrorCode::kMalformedHeader, "k");
  // An array of one array.
  expect_error(GgufBuilder().add_raw("k", 9, bytes_of<std::uint32_t>({9, 1, 0, 4, 0, 0})),
               ErrorCode::kMalformedHeader, "k");
  expect_error(GgufBuilder().add_u8("k", 1).add_u8("k", 2), ErrorCode::kMalformedHeader, "k");
}

TEST(Gguf, NamesTheTypeItCannotRead) {
  expect_error(GgufBuilder().add_tensor_entry("blk.0.w", {256}, 16, 0),
               ErrorCode::kUnsupportedDtype, "blk.0.w");
  EXPECT_EQ(error_of(GgufBuilder().add_tensor_entry("w", {256}, 16, 0).build()).message,
            "The tensor \"w\" is of ggml type 16, IQ2_XXS, which Hearth does not read.");
  EXPECT_EQ(error_of(GgufBuilder().add_tensor_entry("w", {256}, 999, 0).build()).message,
            "The tensor \"w\" is of ggml type 999, which Hearth does not read.");
}

TEST(Gguf, ChecksTheAlignment) {
  for (std::uint32_t wrong : {0U, 1U, 3U, 4U, 24U, 0x80000001U}) {
    GgufBuilder builder;
    builder.add_u32("general.alignment", wrong);
    expect_error(builder, ErrorCode::kMalformedHeader, "general.alignment");
  }
  expect_error(GgufBuilder().add_string("general.alignment", "32"), ErrorCode::kMalformedHeader,
               "general.alignment");
  for (std::uint32_t right : {8U, 64U, 4096U}) {
    const File file = GgufBuilder().set_alignment(right).add_f32_tensor("a", {1}, {1}).build();
    auto parsed = parse_gguf(file, file.size());
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->header->alignment, right);
    EXPECT_EQ(parsed->header->data_offset % right, 0u);
    EXPECT_EQ(parsed->header->directory.find("a")->offset + 4, file.size());
  }
  expect_error(small_file().add_tensor_entry("odd", {1}, 0, 4), ErrorCode::kMalformedHeader, "odd");
}

TEST(Gguf, ChecksWhereTensorsLie) {
  expect_error(small_file().add_tensor_entry("far", {1}, 0, 1 << 20), ErrorCode::kTensorOutOfBounds,
               "far");
  expect_error(small_file().add_tensor_entry("wrap", {1}, 0, ~0ULL - 31),
               ErrorCode::kTensorOutOfBounds, "wrap");
  expect_error(small_file().add_tensor_entry("long", {1 << 20}, 0, 32), ErrorCode::kTruncatedData,
               "long");
  expect_error(small_file().add_tensor_entry("norm", {1}, 0, 0), ErrorCode::kDuplicateTensor,
               "norm");
}

TEST(Gguf, ChecksShapes) {
  expect_error(GgufBuilder().add_tensor_entry("deep", {1, 1, 1, 1, 1}, 0, 0),
               ErrorCode::kMalformedHeader, "deep");
  expect_error(GgufBuilder().add_tensor_entry("broken", {33}, 2, 0), ErrorCode::kShapeMismatch,
               "broken");
  const File file = GgufBuilder()
                        .add_f32_tensor("scalar", {}, {1})
                        .add_tensor("empty", DType::kF32, {3, 0}, {})
                        .add_f32_tensor("four", {1, 2, 1, 2}, {1, 2, 3, 4})
                        .build();
  auto parsed = parse_gguf(file, file.size());
  ASSERT_TRUE(parsed) << parsed.error().message;
  const TensorDirectory& directory = parsed->header->directory;
  EXPECT_EQ(directory.find("scalar")->bytes, 4u);
  EXPECT_EQ(directory.find("empty")->bytes, 0u);
  EXPECT_EQ(directory.find("empty")->shape, (Shape{3, 0}));
  EXPECT_EQ(directory.find("four")->shape, (Shape{1, 2, 1, 2}));
}

TEST(GgmlTypes, NumbersAreGgmls) {
  const std::pair<std::uint32_t, DType> numbers[] = {
      {0, DType::kF32},    {1, DType::kF16},   {2, DType::kQ4_0},    {3, DType::kQ4_1},
      {6, DType::kQ5_0},   {7, DType::kQ5_1},  {8, DType::kQ8_0},    {12, DType::kQ4_K},
      {13, DType::kQ5_K},  {14, DType::kQ6_K}, {24, DType::kI8},     {25, DType::kI16},
      {26, DType::kI32},   {27, DType::kI64},  {28, DType::kF64},    {30, DType::kBF16},
      {10, DType::kQ2_K},  {11, DType::kQ3_K}, {20, DType::kIQ4_NL}, {23, DType::kIQ4_XS},
      {39, DType::kMXFP4},
  };
  std::size_t known = 0;
  for (std::uint32_t type = 0; type < 100; ++type) known += dtype_from_ggml(type).has_value();
  EXPECT_EQ(known, std::size(numbers));
  for (auto [number, dtype] : numbers) {
    EXPECT_EQ(dtype_from_ggml(number), dtype) << number;
    EXPECT_EQ(ggml_from_dtype(dtype), number);
  }
  EXPECT_EQ(ggml_from_dtype(DType::kBool), std::nullopt);
  EXPECT_EQ(ggml_type_name(34), "TQ1_0");
  EXPECT_EQ(ggml_type_name(40), "NVFP4");
  EXPECT_EQ(ggml_type_name(1000), "");
}

}  // namespace
}  // namespace hearth
