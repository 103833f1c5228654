// Writes small GGUF files in memory, for tests and fuzz seeds: well-formed by default, and wrong in
// one place when a test asks for it.
//
//   auto file = GgufBuilder()
//                   .add_string("general.architecture", "llama")
//                   .add_u32("llama.block_count", 2)
//                   .add_f32_tensor("output_norm.weight", {4}, {1, 1, 1, 1})
//                   .build();
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "formats/ggml_types.h"
#include "formats/gguf.h"
#include "tensor/shape.h"

namespace hearth {

class GgufBuilder {
 public:
  // --- metadata: one method a type; keys are written in the order of the calls
  // ------------------------
  GgufBuilder& add_u8(std::string_view key, std::uint8_t v) {
    return scalar(key, GgufType::kU8, v);
  }
  GgufBuilder& add_i8(std::string_view key, std::int8_t v) { return scalar(key, GgufType::kI8, v); }
  GgufBuilder& add_u16(std::string_view key, std::uint16_t v) {
    return scalar(key, GgufType::kU16, v);
  }
  GgufBuilder& add_i16(std::string_view key, std::int16_t v) {
    return scalar(key, GgufType::kI16, v);
  }
  GgufBuilder& add_u32(std::string_view key, std::uint32_t v) {
    return scalar(key, GgufType::kU32, v);
  }
  GgufBuilder& add_i32(std::string_view key, std::int32_t v) {
    return scalar(key, GgufType::kI32, v);
  }
  GgufBuilder& add_u64(std::string_view key, std::uint64_t v) {
    return scalar(key, GgufType::kU64, v);
  }
  GgufBuilder& add_i64(std::string_view key, std::int64_t v) {
    return scalar(key, GgufType::kI64, v);
  }
  GgufBuilder& add_f32(std::string_view key, float v) { return scalar(key, GgufType::kF32, v); }
  GgufBuilder& add_f64(std::string_view key, double v) { return scalar(key, GgufType::kF64, v); }
  GgufBuilder& add_bool(std::string_view key, bool v) {
    return scalar(key, GgufType::kBool, static_cast<std::uint8_t>(v));
  }
  GgufBuilder& add_string(std::string_view key, std::string_view v) {
    entry(key, GgufType::kString);
    put_string(metadata_, v);
    return *this;
  }
  GgufBuilder& add_string_array(std::string_view key, const std::vector<std::string>& values) {
    array(key, GgufType::kString, values.size());
    for (const std::string& value : values) put_string(metadata_, value);
    return *this;
  }
  GgufBuilder& add_f32_array(std::string_view key, const std::vector<float>& values) {
    return scalars(key, GgufType::kF32, values);
  }
  GgufBuilder& add_i32_array(std::string_view key, const std::vector<std::int32_t>& values) {
    return scalars(key, GgufType::kI32, values);
  }
  GgufBuilder& add_u32_array(std::string_view key, const std::vector<std::uint32_t>& values) {
    return scalars(key, GgufType::kU32, values);
  }
  GgufBuilder& add_u64_array(std::string_view key, const std::vector<std::uint64_t>& values) {
    return scalars(key, GgufType::kU64, values);
  }
  GgufBuilder& add_bool_array(std::string_view key, const std::vector<std::uint8_t>& values) {
    return scalars(key, GgufType::kBool, values);
  }

  // --- tensors
  // ------------------------------------------------------------------------------------
  /// A tensor with its data, which is placed at the next aligned offset. `shape` is outermost
  /// first; `data` holds exactly the tensor's bytes.
  GgufBuilder& add_tensor(std::string_view name, DType dtype, const Shape& shape, Bytes data) {
    HEARTH_CHECK(tensor_bytes(dtype, shape, name).value() == data.size());
    const auto type = ggml_from_dtype(dtype);
    HEARTH_CHECK(type.has_value());
    std::vector<std::uint64_t> dims;
    for (int axis = shape.rank(); axis-- > 0;)
      dims.push_back(static_cast<std::uint64_t>(shape[axis]));
    pad(data_);
    add_tensor_entry(name, dims, *type, data_.size());
    data_.insert(data_.end(), data.begin(), data.end());
    return *this;
  }
  GgufBuilder& add_f32_tensor(std::string_view name, const Shape& shape,
                              const std::vector<float>& values) {
    return add_tensor(
        name, DType::kF32, shape,
        {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)});
  }

  /// Data alignment other than 32; call it before any tensor. Writes general.alignment.
  GgufBuilder& set_alignment(std::uint32_t alignment) {
    alignment_ = alignment;
    return add_u32("general.alignment", alignment);
  }

  // --- for files that are wrong: nothing is checked
  // --------------------------------------------------
  GgufBuilder& set_version(std::uint32_t version) {
    version_ = version;
    return *this;
  }
  /// Claims other counts than were added.
  GgufBuilder& set_tensor_count(std::uint64_t count) {
    tensor_count_ = count;
    return *this;
  }
  GgufBuilder& set_metadata_count(std::uint64_t count) {
    metadata_count_ = count;
    return *this;
  }
  /// An entry of any type number with any bytes for its value.
  GgufBuilder& add_raw(std::string_view key, std::uint32_t type, Bytes value) {
    entry(key, static_cast<GgufType>(type));
    metadata_.insert(metadata_.end(), value.begin(), value.end());
    return *this;
  }
  /// A directory entry without data: dims innermost first, offset from the start of the data.
  GgufBuilder& add_tensor_entry(std::string_view name, const std::vector<std::uint64_t>& dims,
                                std::uint32_t ggml_type, std::uint64_t offset) {
    ++tensors_;
    put_string(directory_, name);
    put(directory_, static_cast<std::uint32_t>(dims.size()));
    for (std::uint64_t dim : dims) put(directory_, dim);
    put(directory_, ggml_type);
    put(directory_, offset);
    return *this;
  }

  // --- the file
  // -----------------------------------------------------------------------------------
  /// Magic, version, counts, metadata and directory, without the padding before the data.
  std::vector<std::uint8_t> build_header() const {
    std::vector<std::uint8_t> file = {'G', 'G', 'U', 'F'};
    put(file, version_);
    put(file, tensor_count_.value_or(tensors_));
    put(file, metadata_count_.value_or(entries_));
    file.insert(file.end(), metadata_.begin(), metadata_.end());
    file.insert(file.end(), directory_.begin(), directory_.end());
    return file;
  }
  std::vector<std::uint8_t> build() const {
    std::vector<std::uint8_t> file = build_header();
    pad(file);
    file.insert(file.end(), data_.begin(), data_.end());
    return file;
  }

 private:
  template <typename T>
  static void put(std::vector<std::uint8_t>& to, T value) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    to.insert(to.end(), bytes, bytes + sizeof value);
  }
  static void put_string(std::vector<std::uint8_t>& to, std::string_view text) {
    put(to, static_cast<std::uint64_t>(text.size()));
    to.insert(to.end(), text.begin(), text.end());
  }
  void pad(std::vector<std::uint8_t>& to) const {
    while (alignment_ != 0 && to.size() % alignment_ != 0) to.push_back(0);
  }
  void entry(std::string_view key, GgufType type) {
    ++entries_;
    put_string(metadata_, key);
    put(metadata_, type);
  }
  void array(std::string_view key, GgufType element, std::size_t count) {
    entry(key, GgufType::kArray);
    put(metadata_, element);
    put(metadata_, static_cast<std::uint64_t>(count));
  }
  template <typename T>
  GgufBuilder& scalar(std::string_view key, GgufType type, T value) {
    entry(key, type);
    put(metadata_, value);
    return *this;
  }
  template <typename T>
  GgufBuilder& scalars(std::string_view key, GgufType type, const std::vector<T>& values) {
    array(key, type, values.size());
    for (T value : values) put(metadata_, value);
    return *this;
  }

  std::uint32_t version_ = 3;
  std::uint32_t alignment_ = 32;
  std::uint64_t entries_ = 0;
  std::uint64_t tensors_ = 0;
  std::optional<std::uint64_t> metadata_count_;
  std::optional<std::uint64_t> tensor_count_;
  std::vector<std::uint8_t> metadata_;
  std::vector<std::uint8_t> directory_;
  std::vector<std::uint8_t> data_;
};

}  // namespace hearth
