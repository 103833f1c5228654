#include "formats/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "base/cat.h"
#include "base/check.h"
#include "formats/header_reader.h"

namespace hearth {
namespace {

// The reference implementation's limit for the JSON, and the length before it.
constexpr std::uint64_t kMaxJsonBytes = 100'000'000;
constexpr std::uint64_t kLengthBytes = sizeof(std::uint64_t);
constexpr std::string_view kMetadataKey = "__metadata__";

std::optional<DType> dtype_from_safetensors(std::string_view name) {
  const std::optional<DType> dtype = dtype_from_name(name);
  // Block formats have names in GGUF only.
  return dtype && !dtype_info(*dtype).quantized ? dtype : std::nullopt;
}

// Reads the directory as the parser goes along it. A parsed document would take many times the
// header's bytes, and would drop the first of two tensors of one name unnoticed.
class DirectoryReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<TensorInfo> tensors;  // in the order of the JSON, offsets from the start of the data
  std::vector<std::pair<std::string, std::string>> metadata;
  std::optional<Error> error;

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a truth value"); }
  bool number_integer(number_integer_t) override { return scalar("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return scalar("a fraction"); }
  bool binary(binary_t&) override { return scalar("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (skipped_ > 0) return true;
    if (state_ == State::kShape) return dimension(value);
    if (state_ == State::kOffsets) {
      if (offset_count_ == 2) return malformed("has more than two data_offsets");
      offsets_[offset_count_++] = value;
      return true;
    }
    return scalar("a number");
  }

  bool string(string_t& value) override {
    if (skipped_ > 0) return true;
    if (state_ == State::kMetadata) {
      metadata.emplace_back(key_, std::move(value));
      return true;
    }
    if (state_ != State::kTensor || field_ != Field::kDtype) return scalar("a string");
    const std::optional<DType> dtype = dtype_from_safetensors(value);
    if (!dtype) {
      return refuse(ErrorCode::kUnsupportedDtype,
                    cat("is of type \"", value, "\", which Hearth does not read"));
    }
    tensor_.dtype = *dtype;
    return true;
  }

  bool start_object(std::size_t) override {
    if (skipped_ > 0 || skipping()) {
      ++skipped_;
      return true;
    }
    if (state_ == State::kStart) {
      state_ = State::kRoot;
      return true;
    }
    if (state_ != State::kRoot) return scalar("an object");
    if (key_ == kMetadataKey) {
      state_ = State::kMetadata;
      return true;
    }
    state_ = State::kTensor;
    tensor_ = TensorInfo{.name = key_, .shape = {}};
    offset_count_ = 0;
    has_ = {};
    return true;
  }

  bool key(string_t& name) override {
    if (skipped_ > 0) return true;
    switch (state_) {
      case State::kRoot:
        key_ = std::move(name);
        if (seen_.insert(key_).second) return true;
        if (key_ == kMetadataKey) return malformed("appears twice");
        return refuse(ErrorCode::kDuplicateTensor, "appears twice");
      case State::kMetadata:
        key_ = std::move(name);
        return true;
      default:
        return begin_field(name);
    }
  }

  bool end_object() override {
    if (skipped_ > 0) {
      --skipped_;
      return true;
    }
    if (state_ == State::kTensor) return end_tensor();
    state_ = State::kRoot;  // after the metadata, or after the root, where nothing follows
    return true;
  }

  bool start_array(std::size_t) override {
    if (skipped_ > 0 || skipping()) {
      ++skipped_;
      return true;
    }
    if (state_ != State::kTensor) return scalar("an array");
    if (field_ == Field::kShape) {
      state_ = State::kShape;
    } else if (field_ == Field::kOffsets) {
      state_ = State::kOffsets;
    } else {
      return scalar("an array");
    }
    return true;
  }

  bool end_array() override {
    if (skipped_ > 0) {
      --skipped_;
      return true;
    }
    if (state_ == State::kOffsets && offset_count_ != 2) return malformed("lacks data_offsets");
    state_ = State::kTensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    error = Error{ErrorCode::kMalformedJson,
                  cat("The header is not valid JSON: it goes wrong at byte ",
                      kLengthBytes + position, " of the file."),
                  "header"};
    return false;
  }

 private:
  enum class State { kStart, kRoot, kMetadata, kTensor, kShape, kOffsets };
  enum class Field { kDtype, kShape, kOffsets, kUnknown };

  // Whether the value to come belongs to a field that is not the format's: the reference ignores
  // it.
  bool skipping() const { return state_ == State::kTensor && field_ == Field::kUnknown; }

  bool refuse(ErrorCode code, std::string_view what) {
    error = Error{code, cat("The tensor \"", key_, "\" ", what, "."), key_};
    return false;
  }
  bool malformed(std::string_view what) {
    error = Error{ErrorCode::kMalformedHeader, cat("The entry \"", key_, "\" ", what, "."), key_};
    return false;
  }

  // A value where the format wants another.
  bool scalar(std::string_view kind) {
    if (skipped_ > 0 || skipping()) return true;
    return malformed(cat("has ", kind, " where the format has another kind of value"));
  }

  bool begin_field(std::string_view name) {
    field_ = name == "dtype"          ? Field::kDtype
             : name == "shape"        ? Field::kShape
             : name == "data_offsets" ? Field::kOffsets
                                      : Field::kUnknown;
    if (field_ == Field::kUnknown) return true;
    bool& had = has_[static_cast<std::size_t>(field_)];
    if (had) return malformed(cat("has ", name, " twice"));
    return had = true;
  }

  bool dimension(std::uint64_t value) {
    if (tensor_.shape.rank() == Shape::kMaxRank) {
      return refuse(ErrorCode::kShapeMismatch, "has more than 4 dimensions");
    }
    // Past 2^63 this turns negative, which tensor_bytes refuses.
    tensor_.shape.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool end_tensor() {
    state_ = State::kRoot;
    for (bool had : has_) {
      if (!had) return malformed("lacks its dtype, shape or data_offsets");
    }
    auto bytes = tensor_bytes(tensor_.dtype, tensor_.shape, tensor_.name);
    if (!bytes) {
      error = std::move(bytes).error();
      return false;
    }
    const auto [begin, end] = offsets_;
    if (begin > end) return malformed("ends before it begins");
    if (end - begin != *bytes) {
      return refuse(ErrorCode::kShapeMismatch,
                    cat("has ", end - begin, " bytes, but its shape ", tensor_.shape.to_string(),
                        " of ", dtype_name(tensor_.dtype), " takes ", *bytes));
    }
    tensor_.offset = begin;
    tensor_.bytes = *bytes;
    tensors.push_back(std::move(tensor_));
    return true;
  }

  State state_ = State::kStart;
  Field field_ = Field::kUnknown;
  std::uint64_t skipped_ = 0;  // how deep inside a value that is ignored
  std::string key_;            // of the root, or of the metadata inside it
  std::unordered_set<std::string> seen_;
  TensorInfo tensor_;
  std::array<std::uint64_t, 2> offsets_ = {};
  std::size_t offset_count_ = 0;
  std::array<bool, 3> has_ = {};  // by Field
};

// Checks that the tensors, in order of their offsets, fill the data without gaps or overlaps.
Result<void> check_layout(const std::vector<TensorInfo>& tensors, std::uint64_t data_bytes) {
  std::uint64_t expected = 0;
  for (const TensorInfo& info : tensors) {
    if (info.offset > data_bytes) {
      return fail(ErrorCode::kTensorOutOfBounds,
                  cat("The tensor \"", info.name, "\" starts at byte ", info.offset,
                      " of the data, which has ", data_bytes, "."),
                  info.name);
    }
    if (info.bytes > data_bytes - info.offset) {
      return fail(
          ErrorCode::kTruncatedData,
          cat("The data of ", data_bytes, " bytes ends inside the tensor \"", info.name, "\"."),
          info.name);
    }
    if (info.offset != expected) {
      return fail(ErrorCode::kMalformedHeader,
                  cat("The tensor \"", info.name, "\" starts at byte ", info.offset,
                      " of the data; the one before it ends at ", expected, "."),
                  info.name);
    }
    expected += info.bytes;
  }
  if (expected != data_bytes) {
    return fail(ErrorCode::kMalformedHeader,
                cat("The tensors fill ", expected, " bytes of the data's ", data_bytes, "."),
                "header");
  }
  return {};
}

Result<SafetensorsHeader> read_header(HeaderReader& reader, std::uint64_t file_size) {
  HEARTH_ASSIGN(const auto length, reader.read<std::uint64_t>("header length"));
  if (length > kMaxJsonBytes) {
    return fail(
        ErrorCode::kCountTooLarge,
        cat("The header claims ", length, " bytes; safetensors allows ", kMaxJsonBytes, "."),
        "header length");
  }
  HEARTH_ASSIGN(const Bytes bytes, reader.take(length, "header"));
  const std::string_view json = as_text(bytes);
  if (json.empty() || json[0] != '{') {
    return fail(ErrorCode::kMalformedHeader, "The header does not start with \"{\".", "header");
  }
  DirectoryReader directory;
  const bool parsed = nlohmann::json::sax_parse(json.begin(), json.end(), &directory);
  if (directory.error) return std::unexpected(*std::move(directory.error));
  HEARTH_CHECK(parsed);

  SafetensorsHeader header;
  header.data_offset = kLengthBytes + length;
  header.metadata = std::move(directory.metadata);
  // Empty tensors may share an offset with the next: they come first.
  std::ranges::stable_sort(directory.tensors, {}, [](const TensorInfo& info) {
    return std::pair(info.offset, info.bytes);
  });
  HEARTH_TRY(check_layout(directory.tensors, file_size - header.data_offset));
  for (TensorInfo& info : directory.tensors) {
    info.offset += header.data_offset;
    HEARTH_TRY(header.directory.add(std::move(info)));
  }
  return header;
}

}  // namespace

Result<HeaderOrNeed<SafetensorsHeader>> parse_safetensors(Bytes head, std::uint64_t file_size) {
  HeaderReader reader(head, file_size, kLengthBytes + kMaxJsonBytes);
  auto header = read_header(reader, file_size);
  if (reader.need() != 0)
    return HeaderOrNeed<SafetensorsHeader>{.header = {}, .need = reader.need()};
  if (!header) return std::unexpected(std::move(header).error());
  return HeaderOrNeed<SafetensorsHeader>{.header = *std::move(header), .need = 0};
}

}  // namespace hearth
