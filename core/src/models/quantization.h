// Checkpoints of GPTQ and AWQ: what config.json's quantization_config says of them, and which
// tensors make up each matrix.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "tensor/packed_format.h"

namespace hearth::models {

struct SourceFile;

/// A checkpoint's packed matrices by the names that plain ones would have: "x.weight" for
/// "x.qweight".
using PackedMatrices = std::map<std::string, graph::WeightPart, std::less<>>;

struct Quantization {
  PackedFormat format;
  PackedMatrices matrices;

  /// "GPTQ 4-bit, groups of 128"
  std::string description() const;
  /// Weights of all matrices together.
  std::uint64_t parameters() const;
};

/// Nullopt for a checkpoint that is not quantized. Errors: unsupported_config for methods, formats
/// and sizes that are not supported, and for a configuration that the tensors contradict;
/// missing_metadata; missing_tensor, shape_mismatch and duplicate_tensor, naming the tensor.
Result<std::optional<Quantization>> read_quantization(
    const nlohmann::json& config, const std::vector<std::shared_ptr<const SourceFile>>& files);

/// Whether the tensor is one of those that packed matrices are made of.
bool is_packed_tensor(std::string_view name);

}  // namespace hearth::models
