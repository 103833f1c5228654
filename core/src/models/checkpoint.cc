#include "models/checkpoint.h"

#include <nlohmann/json.hpp>

#include "base/cat.h"
#include "formats/json.h"

namespace hearth::models {

const TensorDirectory& SourceFile::directory() const {
  if (const auto* gguf = std::get_if<GgufHeader>(&header)) return gguf->directory;
  return std::get<SafetensorsHeader>(header).directory;
}

Result<Checkpoint> Checkpoint::make(std::vector<std::shared_ptr<const SourceFile>> files,
                                    std::string_view config_json) {
  if (files.empty()) return fail(ErrorCode::kInvalidArgument, "A model needs a file.", "files");
  Checkpoint checkpoint;
  checkpoint.files_ = std::move(files);
  checkpoint.config_ = std::make_shared<const nlohmann::json>(nlohmann::json::object());
  const SourceFile& first = *checkpoint.files_[0];
  checkpoint.gguf_ = std::get_if<GgufHeader>(&first.header);
  if (checkpoint.gguf_ != nullptr) {
    if (checkpoint.files_.size() > 1) {
      return fail(ErrorCode::kInvalidArgument,
                  "A GGUF model is one file; split files are not read.",
                  checkpoint.files_[1]->name);
    }
    return checkpoint;
  }
  for (std::size_t i = 0; i < checkpoint.files_.size(); ++i) {
    const SourceFile& file = *checkpoint.files_[i];
    if (std::holds_alternative<GgufHeader>(file.header)) {
      return fail(ErrorCode::kInvalidArgument, "GGUF and safetensors do not mix.", file.name);
    }
    for (std::size_t j = 0; j < i; ++j) {
      for (const TensorInfo& tensor : file.directory().tensors()) {
        if (checkpoint.files_[j]->directory().find(tensor.name) != nullptr) {
          return fail(ErrorCode::kDuplicateTensor,
                      cat("The tensor \"", tensor.name, "\" is in two files."), tensor.name);
        }
      }
    }
  }
  if (config_json.empty()) {
    return fail(ErrorCode::kMissingMetadata, "A safetensors model needs its config.json.",
                "config.json");
  }
  HEARTH_ASSIGN(nlohmann::json config, parse_json(config_json, "config.json"));
  if (!config.is_object()) {
    return fail(ErrorCode::kMalformedJson, "config.json is not an object.", "config.json");
  }
  checkpoint.config_ = std::make_shared<const nlohmann::json>(std::move(config));
  return checkpoint;
}

std::optional<graph::WeightPart> Checkpoint::find(std::string_view name) const {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (const TensorInfo* info = files_[i]->directory().find(name)) {
      return graph::WeightPart{.file = static_cast<std::uint32_t>(i), .info = *info};
    }
  }
  return std::nullopt;
}

}  // namespace hearth::models
