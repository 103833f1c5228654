// Writes small safetensors files in memory, for tests and fuzz seeds: well-formed by default, and
// wrong in one place when a test asks for it.
//
//   auto file = SafetensorsBuilder().add_f32_tensor("w", {2, 2}, {1, 2, 3, 4}).build();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/cat.h"
#include "base/check.h"
#include "tensor/tensor_info.h"

namespace hearth {

class SafetensorsBuilder {
 public:
  /// A tensor with its data, placed after the one before. Names and metadata are written as they
  /// are: they need no escapes in JSON.
  SafetensorsBuilder& add_tensor(std::string_view name, DType dtype, const Shape& shape,
                                 Bytes data) {
    HEARTH_CHECK(tensor_bytes(dtype, shape, name).value() == data.size());
    std::string dims;
    for (int axis = 0; axis < shape.rank(); ++axis) dims += cat(axis == 0 ? "" : ",", shape[axis]);
    const std::size_t begin = data_.size();
    data_.insert(data_.end(), data.begin(), data.end());
    return add_raw(name, cat("{\"dtype\":\"", dtype_name(dtype), "\",\"shape\":[", dims,
                             "],\"data_offsets\":[", begin, ",", data_.size(), "]}"));
  }
  SafetensorsBuilder& add_f32_tensor(std::string_view name, const Shape& shape,
                                     const std::vector<float>& values) {
    return add_tensor(
        name, DType::kF32, shape,
        {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)});
  }
  SafetensorsBuilder& add_metadata(std::string_view key, std::string_view value) {
    metadata_ += cat(metadata_.empty() ? "" : ",", "\"", key, "\":\"", value, "\"");
    return *this;
  }

  /// An entry with any JSON for its value, for files that are wrong.
  SafetensorsBuilder& add_raw(std::string_view name, std::string_view json) {
    entries_ += cat(entries_.empty() ? "" : ",", "\"", name, "\":", json);
    return *this;
  }

  std::vector<std::uint8_t> build() const {
    std::string entries = entries_;
    if (!metadata_.empty()) {
      entries = cat("\"__metadata__\":{", metadata_, "}", entries.empty() ? "" : ",", entries);
    }
    return with_header(cat("{", entries, "}"), data_);
  }

  /// A file with that text for its header, whatever it is.
  static std::vector<std::uint8_t> with_header(std::string_view json, Bytes data) {
    std::vector<std::uint8_t> file(sizeof(std::uint64_t));
    const auto length = static_cast<std::uint64_t>(json.size());
    std::memcpy(file.data(), &length, sizeof length);
    file.insert(file.end(), json.begin(), json.end());
    file.insert(file.end(), data.begin(), data.end());
    return file;
  }

 private:
  std::string metadata_;
  std::string entries_;
  std::vector<std::uint8_t> data_;
};

}  // namespace hearth
