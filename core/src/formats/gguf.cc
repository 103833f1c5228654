#include "formats/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_set>

#include "base/cat.h"
#include "formats/ggml_types.h"
#include "formats/header_reader.h"

namespace hearth {
namespace {

// The largest headers known hold a vocabulary of 262,144 tokens with merges, in some 15 MB. Values
// are widened up to eightfold in memory, so a hostile header of this size still fits a 32-bit
// machine.
constexpr std::uint64_t kMaxHeaderBytes = 64ULL << 20;
// The specification's limit for keys.
constexpr std::uint64_t kMaxKeyBytes = 65535;
// The specification says 64, but exporters of diffusion models write longer names.
constexpr std::uint64_t kMaxTensorNameBytes = 255;
constexpr std::uint32_t kDefaultAlignment = 32;
// Least bytes of an entry: length of the key, type, a one-byte value.
constexpr std::uint64_t kMinEntryBytes = 8 + 4 + 1;
// Least bytes of a tensor: length of the name, rank, type, offset.
constexpr std::uint64_t kMinTensorBytes = 8 + 4 + 4 + 8;
constexpr std::string_view kAlignmentKey = "general.alignment";

Result<std::string_view> read_string(HeaderReader& reader, std::uint64_t max_bytes,
                                     std::string_view name) {
  HEARTH_ASSIGN(const auto length, reader.read<std::uint64_t>(name));
  if (length > max_bytes) {
    return fail(ErrorCode::kCountTooLarge,
                cat("A string of \"", name, "\" claims ", length, " bytes; at most ", max_bytes,
                    " are allowed."),
                name);
  }
  HEARTH_ASSIGN(const Bytes bytes, reader.take(length, name));
  return as_text(bytes);
}

// Bytes of a scalar; 0 for strings and arrays, and for numbers that are no type.
std::uint64_t scalar_bytes(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool:
      return 1;
    case GgufType::kU16:
    case GgufType::kI16:
      return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32:
      return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      break;
  }
  return 0;
}

std::unexpected<Error> unknown_type(GgufType type, std::string_view key) {
  return fail(ErrorCode::kMalformedHeader,
              cat("The value of \"", key, "\" is of type ", static_cast<std::uint32_t>(type),
                  ", which GGUF does not allow here."),
              key);
}

template <typename From, typename To>
std::vector<To> widened(Bytes bytes) {
  std::vector<To> values(bytes.size() / sizeof(From));
  for (std::size_t i = 0; i < values.size(); ++i) {
    // NOLINTNEXTLINE(bugprone-signed-char-misuse): an i8 keeps its sign on purpose.
    values[i] = static_cast<To>(load_le<From>(bytes.data() + i * sizeof(From)));
  }
  return values;
}

Result<void> check_bools(Bytes bytes, std::string_view key) {
  for (std::uint8_t byte : bytes) {
    if (byte > 1) {
      return fail(ErrorCode::kMalformedHeader,
                  cat("\"", key, "\" holds ", byte, " as a truth value; only 0 and 1 are."), key);
    }
  }
  return {};
}

// Whole numbers, floats and truth values, all of `type`.
Result<void> scalars(GgufType type, Bytes bytes, std::string_view key, GgufValue& into) {
  switch (type) {
    case GgufType::kBool:
      HEARTH_TRY(check_bools(bytes, key));
      [[fallthrough]];
    case GgufType::kU8:
      into.value = widened<std::uint8_t, std::uint64_t>(bytes);
      return {};
    case GgufType::kU16:
      into.value = widened<std::uint16_t, std::uint64_t>(bytes);
      return {};
    case GgufType::kU32:
      into.value = widened<std::uint32_t, std::uint64_t>(bytes);
      return {};
    case GgufType::kU64:
      into.value = widened<std::uint64_t, std::uint64_t>(bytes);
      return {};
    case GgufType::kI8:
      into.value = widened<std::int8_t, std::int64_t>(bytes);
      return {};
    case GgufType::kI16:
      into.value = widened<std::int16_t, std::int64_t>(bytes);
      return {};
    case GgufType::kI32:
      into.value = widened<std::int32_t, std::int64_t>(bytes);
      return {};
    case GgufType::kI64:
      into.value = widened<std::int64_t, std::int64_t>(bytes);
      return {};
    case GgufType::kF32:
      into.value = widened<float, double>(bytes);
      return {};
    case GgufType::kF64:
      into.value = widened<double, double>(bytes);
      return {};
    case GgufType::kString:
    case GgufType::kArray:
      break;
  }
  return unknown_type(type, key);
}

Result<void> read_array(HeaderReader& reader, std::string_view key, GgufValue& into) {
  HEARTH_ASSIGN(const auto element, reader.read<std::uint32_t>(key));
  HEARTH_ASSIGN(const auto count, reader.read<std::uint64_t>(key));
  into.element_type = static_cast<GgufType>(element);
  if (into.element_type == GgufType::kString) {
    HEARTH_TRY(reader.check_room(count, sizeof(std::uint64_t), key));
    std::vector<std::string> strings;
    // As many as the bytes present can hold: the rest may turn out to be missing.
    strings.reserve(std::min<std::size_t>(static_cast<std::size_t>(count),
                                          reader.present() / sizeof(std::uint64_t)));
    for (std::uint64_t i = 0; i < count; ++i) {
      HEARTH_ASSIGN(const auto text, read_string(reader, kMaxHeaderBytes, key));
      strings.emplace_back(text);
    }
    into.value = std::move(strings);
    return {};
  }
  // Arrays of arrays are in the format but in no file, and bounding their depth and cost buys
  // nothing.
  const std::uint64_t size = scalar_bytes(into.element_type);
  if (size == 0) return unknown_type(into.element_type, key);
  HEARTH_TRY(reader.check_room(count, size, key));
  HEARTH_ASSIGN(const Bytes bytes, reader.take(count * size, key));
  return scalars(into.element_type, bytes, key, into);
}

Result<void> read_scalar(HeaderReader& reader, std::string_view key, GgufValue& into) {
  const std::uint64_t size = scalar_bytes(into.type);
  if (size == 0) return unknown_type(into.type, key);
  HEARTH_ASSIGN(const Bytes bytes, reader.take(size, key));
  GgufValue one;
  HEARTH_TRY(scalars(into.type, bytes, key, one));
  if (const auto* unsigneds = std::get_if<std::vector<std::uint64_t>>(&one.value)) {
    if (into.type == GgufType::kBool) {
      into.value = unsigneds->front() != 0;
    } else {
      into.value = unsigneds->front();
    }
  } else if (const auto* signeds = std::get_if<std::vector<std::int64_t>>(&one.value)) {
    into.value = signeds->front();
  } else {
    into.value = std::get<std::vector<double>>(one.value).front();
  }
  return {};
}

Result<GgufEntry> read_entry(HeaderReader& reader, std::uint64_t index) {
  GgufEntry entry;
  HEARTH_ASSIGN(entry.key, read_string(reader, kMaxKeyBytes, cat("metadata key ", index)));
  HEARTH_ASSIGN(const auto type, reader.read<std::uint32_t>(entry.key));
  entry.value.type = static_cast<GgufType>(type);
  if (entry.value.type == GgufType::kArray) {
    HEARTH_TRY(read_array(reader, entry.key, entry.value));
  } else if (entry.value.type == GgufType::kString) {
    HEARTH_ASSIGN(const auto text, read_string(reader, kMaxHeaderBytes, entry.key));
    entry.value.value = std::string(text);
  } else {
    HEARTH_TRY(read_scalar(reader, entry.key, entry.value));
  }
  return entry;
}

// The tensor with its offset as stored: from the start of the data.
Result<TensorInfo> read_tensor(HeaderReader& reader, std::uint64_t index) {
  TensorInfo info;
  HEARTH_ASSIGN(info.name, read_string(reader, kMaxTensorNameBytes, cat("tensor name ", index)));
  HEARTH_ASSIGN(const auto rank, reader.read<std::uint32_t>(info.name));
  if (rank > Shape::kMaxRank) {
    return fail(ErrorCode::kMalformedHeader,
                cat("The tensor \"", info.name, "\" has ", rank, " dimensions; GGUF allows 4."),
                info.name);
  }
  std::array<std::int64_t, Shape::kMaxRank> dims = {};  // innermost first, as ggml has them
  for (std::uint32_t axis = 0; axis < rank; ++axis) {
    // Past 2^63 this turns negative, which tensor_bytes refuses.
    HEARTH_ASSIGN(dims[axis], reader.read<std::int64_t>(info.name));
  }
  for (std::uint32_t axis = rank; axis-- > 0;) info.shape.push_back(dims[axis]);
  HEARTH_ASSIGN(const auto type, reader.read<std::uint32_t>(info.name));
  HEARTH_ASSIGN(info.offset, reader.read<std::uint64_t>(info.name));
  const std::optional<DType> dtype = dtype_from_ggml(type);
  if (!dtype) {
    const std::string_view known = ggml_type_name(type);
    return fail(ErrorCode::kUnsupportedDtype,
                cat("The tensor \"", info.name, "\" is of ggml type ", type,
                    known.empty() ? "" : ", ", known, ", which Hearth does not read."),
                info.name);
  }
  info.dtype = *dtype;
  HEARTH_ASSIGN(info.bytes, tensor_bytes(info.dtype, info.shape, info.name));
  return info;
}

Result<void> read_version(HeaderReader& reader, GgufHeader& header) {
  HEARTH_ASSIGN(const Bytes magic, reader.take(4, "magic"));
  if (as_text(magic) != "GGUF") {
    return fail(ErrorCode::kBadMagic, "The file does not start with \"GGUF\".", "magic");
  }
  HEARTH_ASSIGN(header.version, reader.read<std::uint32_t>("version"));
  if (header.version == 2 || header.version == 3) return {};
  const std::uint32_t swapped = std::byteswap(header.version);
  if (swapped >= 1 && swapped <= 3) {
    return fail(ErrorCode::kUnsupportedVersion,
                cat("The file is a big-endian GGUF of version ", swapped,
                    "; Hearth reads little-endian files."),
                "version");
  }
  return fail(ErrorCode::kUnsupportedVersion,
              cat("The file is a GGUF of version ", header.version, "; Hearth reads 2 and 3."),
              "version");
}

Result<void> read_metadata(HeaderReader& reader, std::uint64_t count, GgufHeader& header) {
  std::unordered_set<std::string> keys;
  for (std::uint64_t i = 0; i < count; ++i) {
    HEARTH_ASSIGN(GgufEntry entry, read_entry(reader, i));
    if (!keys.insert(entry.key).second) {
      return fail(ErrorCode::kMalformedHeader,
                  cat("The metadata key \"", entry.key, "\" appears twice."), entry.key);
    }
    header.metadata.push_back(std::move(entry));
  }
  header.alignment = kDefaultAlignment;
  if (header.find(kAlignmentKey) != nullptr) {
    const std::uint64_t alignment = header.unsigned_value(kAlignmentKey).value_or(0);
    // The specification wants a multiple of 8, ggml a power of two; a u32 in both.
    if (alignment % 8 != 0 || !std::has_single_bit(alignment) || alignment > UINT32_MAX) {
      return fail(ErrorCode::kMalformedHeader,
                  "The data alignment is no power of two from 8 to 2^31.", kAlignmentKey);
    }
    header.alignment = static_cast<std::uint32_t>(alignment);
  }
  return {};
}

// Turns the offset into one from the start of the file, and checks that the bytes are there.
Result<void> place_tensor(TensorInfo& info, const GgufHeader& header, std::uint64_t file_size) {
  if (info.offset % header.alignment != 0) {
    return fail(ErrorCode::kMalformedHeader,
                cat("The tensor \"", info.name, "\" starts at ", info.offset,
                    ", no multiple of the alignment ", header.alignment, "."),
                info.name);
  }
  const std::uint64_t data_bytes =
      file_size > header.data_offset ? file_size - header.data_offset : 0;
  // A file cut in the padding before the tensor, or before the data, is cut all the same.
  const bool past_end = info.offset > data_bytes && info.offset - data_bytes >= header.alignment;
  if (past_end) {
    return fail(ErrorCode::kTensorOutOfBounds,
                cat("The tensor \"", info.name, "\" starts past the end of the file of ", file_size,
                    " bytes."),
                info.name);
  }
  if (header.data_offset > file_size || info.offset > data_bytes ||
      info.bytes > data_bytes - info.offset) {
    return fail(ErrorCode::kTruncatedData,
                cat("The file of ", file_size, " bytes ends before or inside the tensor \"",
                    info.name, "\"."),
                info.name);
  }
  info.offset += header.data_offset;
  return {};
}

Result<GgufHeader> read_header(HeaderReader& reader, std::uint64_t file_size) {
  GgufHeader header;
  HEARTH_TRY(read_version(reader, header));
  HEARTH_ASSIGN(const auto tensor_count, reader.read<std::uint64_t>("tensor count"));
  HEARTH_ASSIGN(const auto metadata_count, reader.read<std::uint64_t>("metadata count"));
  HEARTH_TRY(reader.check_room(tensor_count, kMinTensorBytes, "tensor count"));
  HEARTH_TRY(reader.check_room(metadata_count, kMinEntryBytes, "metadata count"));
  HEARTH_TRY(read_metadata(reader, metadata_count, header));
  HEARTH_TRY(reader.check_room(tensor_count, kMinTensorBytes, "tensor count"));
  std::vector<TensorInfo> tensors;
  for (std::uint64_t i = 0; i < tensor_count; ++i) {
    HEARTH_ASSIGN(TensorInfo info, read_tensor(reader, i));
    tensors.push_back(std::move(info));
  }
  const std::uint64_t mask = header.alignment - 1;
  header.data_offset = (reader.position() + mask) & ~mask;
  for (TensorInfo& info : tensors) {
    HEARTH_TRY(place_tensor(info, header, file_size));
    HEARTH_TRY(header.directory.add(std::move(info)));
  }
  return header;
}

template <typename T>
const T* value_as(const GgufHeader& header, std::string_view key) {
  const GgufValue* found = header.find(key);
  return found == nullptr ? nullptr : std::get_if<T>(&found->value);
}

}  // namespace

Result<HeaderOrNeed<GgufHeader>> parse_gguf(Bytes head, std::uint64_t file_size) {
  HeaderReader reader(head, file_size, kMaxHeaderBytes);
  auto header = read_header(reader, file_size);
  if (reader.need() != 0) return HeaderOrNeed<GgufHeader>{.header = {}, .need = reader.need()};
  if (!header) return std::unexpected(std::move(header).error());
  return HeaderOrNeed<GgufHeader>{.header = *std::move(header), .need = 0};
}

const GgufValue* GgufHeader::find(std::string_view key) const {
  for (const GgufEntry& entry : metadata) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::optional<std::uint64_t> GgufHeader::unsigned_value(std::string_view key) const {
  if (const auto* value = value_as<std::uint64_t>(*this, key)) return *value;
  if (const auto* value = value_as<std::int64_t>(*this, key); value != nullptr && *value >= 0) {
    return static_cast<std::uint64_t>(*value);
  }
  return std::nullopt;
}

std::optional<std::int64_t> GgufHeader::signed_value(std::string_view key) const {
  if (const auto* value = value_as<std::int64_t>(*this, key)) return *value;
  if (const auto* value = value_as<std::uint64_t>(*this, key);
      value != nullptr && *value <= INT64_MAX) {
    return static_cast<std::int64_t>(*value);
  }
  return std::nullopt;
}

std::optional<double> GgufHeader::float_value(std::string_view key) const {
  const auto* value = value_as<double>(*this, key);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<bool> GgufHeader::bool_value(std::string_view key) const {
  const auto* value = value_as<bool>(*this, key);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

const std::string* GgufHeader::string_value(std::string_view key) const {
  return value_as<std::string>(*this, key);
}

const std::vector<std::string>* GgufHeader::string_array(std::string_view key) const {
  return value_as<std::vector<std::string>>(*this, key);
}

std::optional<std::vector<std::int64_t>> GgufHeader::integer_array(std::string_view key) const {
  if (const auto* values = value_as<std::vector<std::int64_t>>(*this, key)) return *values;
  const auto* values = value_as<std::vector<std::uint64_t>>(*this, key);
  if (values == nullptr || std::ranges::any_of(*values, [](auto v) { return v > INT64_MAX; })) {
    return std::nullopt;
  }
  return std::vector<std::int64_t>(values->begin(), values->end());
}

std::optional<std::vector<double>> GgufHeader::float_array(std::string_view key) const {
  const auto* values = value_as<std::vector<double>>(*this, key);
  return values == nullptr ? std::nullopt : std::optional(*values);
}

}  // namespace hearth
