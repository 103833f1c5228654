#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/safetensors_builder.h"

namespace hearth {
namespace {

using File = std::vector<std::uint8_t>;

SafetensorsBuilder small_file() {
  SafetensorsBuilder builder;
  builder.add_metadata("format", "pt")
      .add_f32_tensor("norm", {3}, {1, 2, 3})
      .add_tensor("w", DType::kBF16, {2, 4}, File(16, 0x3F))
      .add_tensor("mask", DType::kBool, {2}, File{1, 0});
  return builder;
}

Error error_of(const File& file) {
  auto parsed = parse_safetensors(file, file.size());
  EXPECT_FALSE(parsed);
  return parsed ? Error{} : parsed.error();
}

// The error of a file with that header and `data_bytes` of data.
void expect_error(std::string_view json, std::size_t data_bytes, ErrorCode code,
                  std::string_view name) {
  const Error error = error_of(SafetensorsBuilder::with_header(json, File(data_bytes)));
  EXPECT_EQ(error_code_name(error.code), error_code_name(code)) << json << error.message;
  EXPECT_EQ(error.name, name) << json << error.message;
  EXPECT_TRUE(error.message.ends_with('.')) << error.message;
}

TEST(Safetensors, ReadsTheDirectory) {
  const File file = small_file().build();
  auto parsed = parse_safetensors(file, file.size());
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_TRUE(parsed->header);
  const SafetensorsHeader& header = *parsed->header;
  EXPECT_EQ(header.metadata, (std::vector<std::pair<std::string, std::string>>{{"format", "pt"}}));
  ASSERT_EQ(header.directory.tensors().size(), 3u);
  const TensorInfo* norm = header.directory.find("norm");
  EXPECT_EQ(norm->offset, header.data_offset);
  EXPECT_EQ(load_le<float>(file.data() + norm->offset + 8), 3.0F);
  const TensorInfo* w = header.directory.find("w");
  EXPECT_EQ(w->dtype, DType::kBF16);
  EXPECT_EQ(w->shape, (Shape{2, 4}));
  EXPECT_EQ(w->offset, header.data_offset + 12);
  EXPECT_EQ(w->bytes, 16u);
  EXPECT_EQ(header.directory.find("mask")->offset + 2, file.size());
}

TEST(Safetensors, ReadsEveryTypeOfTheFormatThatHearthHas) {
  for (std::string_view name :
       {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"}) {
    const DType dtype = dtype_from_name(name).value();
    const File data(static_cast<std::size_t>(dtype_bytes(dtype, 6)));
    const File file = SafetensorsBuilder().add_tensor("t", dtype, {2, 3}, data).build();
    auto parsed = parse_safetensors(file, file.size());
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->header->directory.find("t")->dtype, dtype);
  }
  for (std::string_view name : {"F8_E4M3", "F8_E5M2", "U16", "U32", "U64", "Q4_0", "f32", ""}) {
    expect_error("{\"blk.w\":{\"dtype\":\"" + std::string(name) +
                     "\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                 4, ErrorCode::kUnsupportedDtype, "blk.w");
  }
}

TEST(Safetensors, EveryPrefixAsksForMoreOrIsTruncated) {
  const File file = small_file().build();
  const std::uint64_t data_offset = parse_safetensors(file, file.size())->header->data_offset;
  for (std::size_t size = 0; size < file.size(); ++size) {
    SCOPED_TRACE(size);
    const Bytes head = Bytes(file).first(size);
    auto partial = parse_safetensors(head, file.size());
    ASSERT_TRUE(partial) << partial.error().message;
    if (size < data_offset) {
      ASSERT_FALSE(partial->header);
      ASSERT_GT(partial->need, size);
      ASSERT_LE(partial->need, file.size());
    } else {
      ASSERT_TRUE(partial->header);
      EXPECT_EQ(partial->header->directory.tensors().size(), 3u);
    }
    auto cut = parse_safetensors(head, size);
    ASSERT_FALSE(cut);
    EXPECT_EQ(error_code_name(cut.error().code),
              size < data_offset ? "truncated_header" : "truncated_data")
        << cut.error().message;
  }
}

TEST(Safetensors, RefusesAnImpossibleLength) {
  for (std::uint64_t length : {100'000'001ULL, 1ULL << 60, 1ULL << 63, ~0ULL, ~0ULL - 7}) {
    File file(64);
    std::memcpy(file.data(), &length, sizeof length);
    for (std::uint64_t file_size : {64ULL, 1ULL << 62, ~0ULL}) {
      auto parsed = parse_safetensors(file, file_size);
      ASSERT_FALSE(parsed);
      EXPECT_EQ(parsed.error().code, ErrorCode::kCountTooLarge) << length;
    }
  }
}

TEST(Safetensors, RefusesBrokenJson) {
  expect_error("{\"a\":", 0, ErrorCode::kMalformedJson, "header");
  expect_error("{} {}", 0, ErrorCode::kMalformedJson, "header");
  expect_error("{\"\xFF\":1}", 0, ErrorCode::kMalformedJson, "header");
  expect_error("", 0, ErrorCode::kMalformedHeader, "header");
  expect_error(" {}", 0, ErrorCode::kMalformedHeader, "header");
  expect_error("[]", 0, ErrorCode::kMalformedHeader, "header");
  EXPECT_EQ(error_of(SafetensorsBuilder::with_header("{\"a\" 1}", {})).message,
            "The header is not valid JSON: it goes wrong at byte 14 of the file.");
  // Padding with spaces is the format's way to align the data.
  const File padded = SafetensorsBuilder::with_header("{}      ", {});
  EXPECT_TRUE(parse_safetensors(padded, padded.size()));
}

TEST(Safetensors, RefusesOtherDocuments) {
  const std::string_view documents[] = {
      R"({"a":1})",
      R"({"a":null})",
      R"({"a":[]})",
      R"({"a":{}})",
      R"({"a":{"dtype":"F32","shape":[1]}})",
      R"({"a":{"dtype":"F32","data_offsets":[0,4]}})",
      R"({"a":{"shape":[1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[{}],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":{},"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})",
      R"({"a":{"dtype":["F32"],"shape":[1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":true,"shape":[1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
  };
  for (std::string_view json : documents) {
    expect_error(json, 4, ErrorCode::kMalformedHeader, "a");
  }
  expect_error(R"({"__metadata__":{"k":1}})", 0, ErrorCode::kMalformedHeader, "k");
  expect_error(R"({"__metadata__":"v"})", 0, ErrorCode::kMalformedHeader, "__metadata__");
  expect_error(R"({"__metadata__":{},"__metadata__":{}})", 0, ErrorCode::kMalformedHeader,
               "__metadata__");
}

TEST(Safetensors, IgnoresFieldsItDoesNotKnow) {
  const File file = SafetensorsBuilder::with_header(
      R"({"a":{"x":1,"y":{"dtype":"U64","z":[[1],{"shape":[2]}]},"w":["s",null,-1,2.5,true],)"
      R"("dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      File(4));
  auto parsed = parse_safetensors(file, file.size());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->header->directory.find("a")->shape, (Shape{1}));
  // However deep: the parser keeps no frame for a level.
  const std::string deep(1'000'000, '[');
  expect_error("{\"a\":{\"x\":" + deep, 0, ErrorCode::kMalformedJson, "header");
}

TEST(Safetensors, RefusesTwins) {
  expect_error(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
               R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
               2, ErrorCode::kDuplicateTensor, "a");
}

std::string entry(std::string_view name, std::string_view shape, std::string_view offsets) {
  return cat("\"", name, "\":{\"dtype\":\"U8\",\"shape\":[", shape, "],\"data_offsets\":[", offsets,
             "]}");
}

TEST(Safetensors, ChecksShapes) {
  expect_error(cat("{", entry("a", "3", "0,4"), "}"), 4, ErrorCode::kShapeMismatch, "a");
  expect_error(cat("{", entry("a", "1,1,1,1,1", "0,1"), "}"), 1, ErrorCode::kShapeMismatch, "a");
  expect_error(cat("{", entry("a", "1099511627776,1099511627776", "0,0"), "}"), 0,
               ErrorCode::kCountTooLarge, "a");
  expect_error(cat("{", entry("a", "9223372036854775808", "0,9223372036854775808"), "}"), 0,
               ErrorCode::kCountTooLarge, "a");
  expect_error(cat("{", entry("a", "18446744073709551616", "0,1"), "}"), 1,
               ErrorCode::kMalformedHeader, "a");
  const File file = SafetensorsBuilder()
                        .add_tensor("scalar", DType::kU8, {}, File(1))
                        .add_tensor("empty", DType::kF32, {0, 5}, {})
                        .add_tensor("last", DType::kU8, {2}, File(2))
                        .build();
  auto parsed = parse_safetensors(file, file.size());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->header->directory.find("scalar")->bytes, 1u);
  EXPECT_EQ(parsed->header->directory.find("empty")->shape, (Shape{0, 5}));
}

TEST(Safetensors, ChecksTheLayoutOfTheData) {
  const std::string first = entry("a", "4", "0,4");
  expect_error(cat("{", entry("a", "4", "9,13"), "}"), 4, ErrorCode::kTensorOutOfBounds, "a");
  expect_error(cat("{", first, ",", entry("b", "4", "4,8"), "}"), 6, ErrorCode::kTruncatedData,
               "b");
  expect_error(cat("{", first, ",", entry("b", "4", "2,6"), "}"), 6, ErrorCode::kMalformedHeader,
               "b");  // overlap
  expect_error(cat("{", first, ",", entry("b", "1", "5,6"), "}"), 6, ErrorCode::kMalformedHeader,
               "b");                                                             // hole
  expect_error(cat("{", first, "}"), 6, ErrorCode::kMalformedHeader, "header");  // rest unclaimed
  // The order in the JSON is free; the directory is in file order.
  const File file =
      SafetensorsBuilder::with_header(cat("{", entry("b", "2", "4,6"), ",", first, "}"), File(6));
  auto parsed = parse_safetensors(file, file.size());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->header->directory.tensors()[0].name, "a");
}

}  // namespace
}  // namespace hearth
