// A checkpoint: the headers of a model's files and its configuration, with one way to look up
// weights whatever the format.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "graph/graph.h"
#include "models/quantization.h"

namespace hearth::models {

/// A parsed header and the file it is of.
struct SourceFile {
  std::string name;
  std::uint64_t size = 0;
  std::variant<GgufHeader, SafetensorsHeader> header;

  const TensorDirectory& directory() const;
};

/// A model's files, either GGUF or safetensors with a config.json.
class Checkpoint : public graph::WeightSource {
 public:
  /// Errors: invalid_argument (no files, formats mixed, or a split model's files not complete),
  /// missing_metadata (safetensors without config), malformed_json, duplicate_tensor (the same name
  /// in two shards), those of read_quantization.
  static Result<Checkpoint> make(std::vector<std::shared_ptr<const SourceFile>> files,
                                 std::string_view config_json);

  /// A tensor by its name; for "x.weight" of a quantized checkpoint also the matrix that
  /// "x.qweight" and its companions make up.
  std::optional<graph::WeightPart> find(std::string_view name) const override;

  /// What GPTQ or AWQ made of the weights; null when neither did.
  const Quantization* quantization() const { return quantization_ ? &*quantization_ : nullptr; }

  /// The GGUF header that has the metadata, or nullptr when the files are safetensors.
  const GgufHeader* gguf() const { return gguf_; }
  /// config.json, an object; for GGUF what gguf_config() makes of the metadata.
  const nlohmann::json& config() const { return *config_; }
  const std::vector<std::shared_ptr<const SourceFile>>& files() const { return files_; }

 private:
  Result<void> join_splits();
  Result<void> check_splits() const;
  Result<void> check_files() const;

  std::vector<std::shared_ptr<const SourceFile>> files_;
  const GgufHeader* gguf_ = nullptr;
  std::shared_ptr<const nlohmann::json> config_;
  std::optional<Quantization> quantization_;
};

}  // namespace hearth::models
