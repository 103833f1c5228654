#include "models/checkpoint.h"

#include <nlohmann/json.hpp>

#include "base/cat.h"
#include "formats/json.h"
#include "models/gguf_config.h"

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
    HEARTH_TRY(checkpoint.join_splits());
    checkpoint.config_ =
        std::make_shared<const nlohmann::json>(gguf_config(*checkpoint.gguf_, checkpoint));
    return checkpoint;
  }
  HEARTH_TRY(checkpoint.check_files());
  if (config_json.empty()) {
    return fail(ErrorCode::kMissingMetadata, "A safetensors model needs its config.json.",
                "config.json");
  }
  HEARTH_ASSIGN(nlohmann::json config, parse_json(config_json, "config.json"));
  if (!config.is_object()) {
    return fail(ErrorCode::kMalformedJson, "config.json is not an object.", "config.json");
  }
  HEARTH_ASSIGN(checkpoint.quantization_, read_quantization(config, checkpoint.files_));
  checkpoint.config_ = std::make_shared<const nlohmann::json>(std::move(config));
  return checkpoint;
}

Result<void> Checkpoint::check_files() const {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const SourceFile& file = *files_[i];
    if (std::holds_alternative<GgufHeader>(file.header) != (gguf_ != nullptr)) {
      return fail(ErrorCode::kInvalidArgument, "GGUF and safetensors do not mix.", file.name);
    }
    for (std::size_t j = 0; j < i; ++j) {
      for (const TensorInfo& tensor : file.directory().tensors()) {
        if (files_[j]->directory().find(tensor.name) != nullptr) {
          return fail(ErrorCode::kDuplicateTensor,
                      cat("The tensor \"", tensor.name, "\" is in two files."), tensor.name);
        }
      }
    }
  }
  return {};
}

// A split model's files say how many there are and which each is, from 0 on; the first has the
// metadata. Their order in `files` is the caller's.
Result<void> Checkpoint::join_splits() {
  HEARTH_TRY(check_splits());
  HEARTH_TRY(check_files());
  for (const auto& file : files_) {
    const auto& header = std::get<GgufHeader>(file->header);
    if (header.unsigned_value("split.no").value_or(0) == 0) gguf_ = &header;
  }
  return {};
}

Result<void> Checkpoint::check_splits() const {
  std::vector<bool> seen(files_.size());
  std::uint64_t tensors = 0;
  std::optional<std::uint64_t> promised;
  for (const auto& file : files_) {
    const auto* header = std::get_if<GgufHeader>(&file->header);
    if (header == nullptr) continue;  // check_files() refuses it
    const std::uint64_t count = header->unsigned_value("split.count").value_or(1);
    const std::uint64_t number = header->unsigned_value("split.no").value_or(0);
    if (count != files_.size()) {
      return fail(ErrorCode::kInvalidArgument,
                  cat("\"", file->name, "\" is one of ", count, " files, and ", files_.size(),
                      files_.size() == 1 ? " was given." : " were given."),
                  file->name);
    }
    if (number >= count || seen[static_cast<std::size_t>(number)]) {
      return fail(ErrorCode::kInvalidArgument,
                  cat("\"", file->name, "\" is number ", number + 1, " of ", count,
                      " files, which is another's number or past the last."),
                  file->name);
    }
    seen[static_cast<std::size_t>(number)] = true;
    tensors += header->directory.tensors().size();
    if (const auto total = header->unsigned_value("split.tensors.count")) promised = total;
  }
  if (promised && *promised != tensors) {
    return fail(
        ErrorCode::kInvalidArgument,
        cat("The files together have ", tensors, " tensors, and should have ", *promised, "."),
        "split.tensors.count");
  }
  return {};
}

std::optional<graph::WeightPart> Checkpoint::find(std::string_view name) const {
  if (quantization_) {
    const auto packed = quantization_->matrices.find(name);
    if (packed != quantization_->matrices.end()) return packed->second;
  }
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (const TensorInfo* info = files_[i]->directory().find(name)) {
      graph::WeightPart part;
      part.file = static_cast<std::uint32_t>(i);
      part.info = *info;
      return part;
    }
  }
  return std::nullopt;
}

}  // namespace hearth::models
