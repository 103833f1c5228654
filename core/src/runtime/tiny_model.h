// Opens and fills tiny models (models/tiny_llama.h) the way a host does, for tests.
#pragma once

#include <memory>
#include <vector>

#include "models/tiny_llama.h"
#include "runtime/loaded_model.h"
#include "runtime/session.h"

namespace hearth::testing {

/// Writes the bytes of a range where the load plan wants them.
inline void copy_range(const runtime::LoadRange& range, const std::vector<std::uint8_t>& file) {
  HEARTH_CHECK(range.offset + range.bytes <= file.size());
  std::memcpy(range.address, file.data() + range.offset, static_cast<std::size_t>(range.bytes));
}

/// A model of one file with its weights in memory.
inline Result<std::shared_ptr<runtime::LoadedModel>> load(const std::vector<std::uint8_t>& file,
                                                          std::string_view config_json = "",
                                                          const runtime::OpenOptions& options = {
                                                              .exact = true}) {
  HEARTH_ASSIGN(auto checkpoint, TinyLlama::checkpoint(file, config_json));
  HEARTH_ASSIGN(std::shared_ptr<runtime::LoadedModel> model,
                runtime::LoadedModel::open(std::move(checkpoint), options, false));
  for (std::size_t i = 0; i < model->ranges().size(); ++i) {
    copy_range(model->ranges()[i], file);
    HEARTH_TRY(model->range_loaded(static_cast<std::uint32_t>(i)));
  }
  HEARTH_TRY(model->finish_loading());
  return model;
}

inline std::shared_ptr<runtime::LoadedModel> load_gguf(const TinyLlama& tiny,
                                                       const runtime::OpenOptions& options = {
                                                           .exact = true}) {
  return load(tiny.gguf(), "", options).value();
}

inline std::shared_ptr<const Tokenizer> tiny_tokenizer() {
  static const std::vector<std::uint8_t> kFile = TinyLlama().gguf();
  auto header = parse_gguf(kFile, kFile.size()).value().header;
  return tokenizer_from_gguf(*header).value();
}

}  // namespace hearth::testing
