// Messages about the engine itself and the files a host opens; messages.h says how they work.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "abi/codec.h"

namespace hearth::abi {

struct Empty {
  using Self = Empty;
  static constexpr std::string_view kName = "Empty";
  static constexpr auto fields() { return std::tuple{}; }
};

struct EngineInfo {
  using Self = EngineInfo;
  static constexpr std::string_view kName = "EngineInfo";
  std::string version;
  std::string variant;
  std::uint32_t threads = 1;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(version, "Version of the engine, such as \"0.1.0\"."),
        HEARTH_FIELD(variant,
                     "Build variant: \"simd\", \"relaxed\", \"relaxed-mt\" or \"native\"."),
        HEARTH_FIELD(threads, "Threads that kernels run on, the calling one included.")};
  }
};

struct FileOpen {
  using Self = FileOpen;
  static constexpr std::string_view kName = "FileOpen";
  std::string name;
  std::uint64_t size = 0;
  ByteView head;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(name, "File name, for messages and for finding shards."),
        HEARTH_FIELD(size, "Size of the whole file, in bytes."),
        HEARTH_FIELD(head,
                     "The file's first bytes, as many as the host has; 64 KiB is a good start.")};
  }
};

struct FileOpened {
  using Self = FileOpened;
  static constexpr std::string_view kName = "FileOpened";
  std::uint32_t file = 0;
  std::uint64_t need = 0;
  std::string format;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(file, "Handle of the parsed header; 0 when `need` is not."),
        HEARTH_FIELD(need, "0, or how many first bytes to call again with (at most `size`)."),
        HEARTH_FIELD(format, "\"gguf\" or \"safetensors\".")};
  }
};

struct FileHandle {
  using Self = FileHandle;
  static constexpr std::string_view kName = "FileHandle";
  std::uint32_t file = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(file, "Handle from file_open.")};
  }
};

struct TensorEntry {
  using Self = TensorEntry;
  static constexpr std::string_view kName = "TensorEntry";
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(name, "Name in the file."),
                      HEARTH_FIELD(dtype, "Element type, such as \"F16\" or \"Q4_1\"."),
                      HEARTH_FIELD(shape, "Dimensions, outermost first."),
                      HEARTH_FIELD(offset, "Bytes from the start of the file."),
                      HEARTH_FIELD(bytes, "Length in bytes.")};
  }
};

struct MetadataEntry {
  using Self = MetadataEntry;
  static constexpr std::string_view kName = "MetadataEntry";
  std::string key;
  std::string type;
  std::string value;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(key, "Key, such as \"llama.block_count\"."),
                      HEARTH_FIELD(type, "Type, such as \"u32\" or \"string[49152]\"."),
                      HEARTH_FIELD(value, "Value as text; long arrays and strings are cut.")};
  }
};

struct FileContents {
  using Self = FileContents;
  static constexpr std::string_view kName = "FileContents";
  std::vector<MetadataEntry> metadata;
  std::vector<TensorEntry> tensors;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(metadata, "The file's metadata, in file order."),
                      HEARTH_FIELD(tensors, "The file's tensors, in file order.")};
  }
};

}  // namespace hearth::abi
