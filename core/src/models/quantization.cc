#include "models/quantization.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/cat.h"
#include "models/checkpoint.h"
#include "models/settings.h"

namespace hearth::models {
namespace {

using graph::FileTensor;

constexpr std::string_view kKey = "quantization_config";
constexpr std::string_view kPacked = ".qweight";

/// Blocks have 32 columns, and so have scales' groups, or a multiple.
constexpr std::int64_t kBlock = 32;

/// AutoAWQ writes names of its versions in capitals at times.
std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::int64_t whole(Settings& settings, std::string_view key, std::int64_t otherwise) {
  const double number = settings.number_or(key, static_cast<double>(otherwise));
  const bool fits = number >= -1 && number <= static_cast<double>(kLargestCount);
  const auto value = fits ? static_cast<std::int64_t>(number) : 0;
  if (!fits || static_cast<double>(value) != number) settings.refuse(key, cat(number));
  return value;
}

PackedFormat read_gptq(Settings& settings) {
  PackedFormat format;
  format.bits = static_cast<int>(settings.count("quantization_config.bits"));
  format.group_size = whole(settings, "quantization_config.group_size", -1);
  format.act_order = settings.flag_or("quantization_config.desc_act", false);
  const std::string layout = settings.text_or("quantization_config.checkpoint_format", "gptq");
  format.zeros_less_one = layout == "gptq";
  if (layout != "gptq" && layout != "gptq_v2") {
    settings.refuse("quantization_config.checkpoint_format", layout);
  }
  // What GPTQModel can write besides.
  const std::string word = settings.text_or("quantization_config.pack_dtype", "int32");
  if (word != "int32") settings.refuse("quantization_config.pack_dtype", word);
  if (settings.has("quantization_config.dynamic")) {
    settings.refuse("quantization_config.dynamic", "a format for each module");
  }
  if (settings.flag_or("quantization_config.is_marlin_format", false)) {
    settings.refuse("quantization_config.is_marlin_format", "true");
  }
  return format;
}

PackedFormat read_awq(Settings& settings) {
  PackedFormat format;
  format.packing = Packing::kAwq;
  format.bits = static_cast<int>(settings.count_or("quantization_config.bits", 4));
  format.group_size = whole(settings, "quantization_config.group_size", 128);
  const std::string version = settings.text_or("quantization_config.version", "gemm");
  if (lower(version) != "gemm") settings.refuse("quantization_config.version", version);
  if (!settings.flag_or("quantization_config.zero_point", true)) {
    settings.refuse("quantization_config.zero_point", "false");
  }
  return format;
}

Result<PackedFormat> read_format(const nlohmann::json& config, bool packed) {
  Settings settings = Settings::from_json(config);
  const std::string method = settings.text_or("quantization_config.quant_method", "unnamed");
  const bool gptq = method == "gptq";
  if (!gptq && method != "awq") settings.refuse("quantization_config.quant_method", method);
  HEARTH_TRY(settings.status());
  if (!packed) {
    return fail(ErrorCode::kUnsupportedConfig,
                cat("quantization_config.quant_method is \"", method,
                    "\", and the files have no quantized tensors."),
                "quantization_config.quant_method");
  }
  const PackedFormat format = gptq ? read_gptq(settings) : read_awq(settings);
  const bool known =
      format.bits == 4 || (gptq && (format.bits == 2 || format.bits == 3 || format.bits == 8));
  if (!known) settings.refuse("quantization_config.bits", cat(format.bits));
  if (format.group_size == 0 || (format.group_size > 0 && format.group_size % kBlock != 0)) {
    settings.refuse("quantization_config.group_size", cat(format.group_size));
  }
  HEARTH_TRY(settings.status());
  return format;
}

std::optional<FileTensor> find(const std::vector<std::shared_ptr<const SourceFile>>& files,
                               std::string_view name) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (const TensorInfo* info = files[i]->directory().find(name)) {
      return FileTensor{.file = static_cast<std::uint32_t>(i), .info = *info};
    }
  }
  return std::nullopt;
}

Result<FileTensor> need(const std::vector<std::shared_ptr<const SourceFile>>& files,
                        const std::string& name) {
  if (auto found = find(files, name)) return *std::move(found);
  return fail(ErrorCode::kMissingTensor, cat("The model has no tensor \"", name, "\"."), name);
}

Result<void> check(const TensorInfo& info, bool type, const Shape& shape) {
  if (type && info.shape == shape) return {};
  return fail(
      ErrorCode::kShapeMismatch,
      cat("The tensor \"", info.name, "\" is ", dtype_name(info.dtype), " ", info.shape.to_string(),
          ", and the quantization asks for ", shape.to_string(), "."),
      info.name);
}

/// The matrix that `name` + ".qweight" and its companions are.
Result<graph::WeightPart> assemble(const std::vector<std::shared_ptr<const SourceFile>>& files,
                                   const PackedFormat& format, const FileTensor& qweight,
                                   const std::string& name) {
  graph::Assembly made{.format = format, .qweight = qweight};
  HEARTH_ASSIGN(made.qzeros, need(files, name + ".qzeros"));
  HEARTH_ASSIGN(made.scales, need(files, name + ".scales"));
  const bool awq = format.packing == Packing::kAwq;
  const TensorInfo& words = qweight.info;
  const bool matrix = words.dtype == DType::kI32 && words.shape.rank() == 2;
  const std::int64_t down = matrix ? words.shape[0] : 0, across = matrix ? words.shape[1] : 0;
  made.columns = awq ? down : down * 32 / format.bits;
  made.rows = awq ? across * 8 : across;
  const bool divides = awq || down * 32 % format.bits == 0;
  if (!matrix || !divides || made.columns < 1 || made.rows < 1 || made.columns % kBlock != 0 ||
      made.rows * format.bits % 32 != 0) {
    return fail(ErrorCode::kShapeMismatch,
                cat("The tensor \"", words.name, "\" is ", dtype_name(words.dtype), " ",
                    words.shape.to_string(), ", which does not hold whole words of ", format.bits,
                    " bits for multiples of 32 columns."),
                words.name);
  }
  const std::int64_t groups = format.groups(made.columns);
  HEARTH_TRY(check(made.qzeros.info, made.qzeros.info.dtype == DType::kI32,
                   {groups, made.rows * format.bits / 32}));
  const DType type = made.scales.info.dtype;
  HEARTH_TRY(check(made.scales.info,
                   type == DType::kF16 || type == DType::kBF16 || type == DType::kF32,
                   {groups, made.rows}));
  if (!awq) made.g_idx = find(files, name + ".g_idx");
  if (made.g_idx) {
    HEARTH_TRY(check(made.g_idx->info, made.g_idx->info.dtype == DType::kI32, {made.columns}));
  } else if (made.reorders()) {
    HEARTH_TRY(need(files, name + ".g_idx"));
  }
  graph::WeightPart part;
  part.file = qweight.file;
  part.info = {
      .name = name + ".weight", .dtype = format.dtype(), .shape = {made.rows, made.columns}};
  HEARTH_ASSIGN(part.info.bytes, tensor_bytes(part.info.dtype, part.info.shape, part.info.name));
  part.assembly = std::make_shared<const graph::Assembly>(std::move(made));
  return part;
}

}  // namespace

bool is_packed_tensor(std::string_view name) {
  return name.ends_with(kPacked) || name.ends_with(".qzeros") || name.ends_with(".scales") ||
         name.ends_with(".g_idx");
}

std::string Quantization::description() const {
  const std::string groups =
      format.group_size < 0 ? "one group a row" : cat("groups of ", format.group_size);
  return cat(format.packing == Packing::kAwq ? "AWQ " : "GPTQ ", format.bits, "-bit, ", groups,
             format.act_order ? ", columns by importance" : "");
}

std::uint64_t Quantization::parameters() const {
  std::uint64_t sum = 0;
  for (const auto& [name, part] : matrices) {
    sum += static_cast<std::uint64_t>(part.info.shape.elements());
  }
  return sum;
}

Result<std::optional<Quantization>> read_quantization(
    const nlohmann::json& config, const std::vector<std::shared_ptr<const SourceFile>>& files) {
  std::vector<FileTensor> packed;
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (const TensorInfo& info : files[i]->directory().tensors()) {
      if (!info.name.ends_with(kPacked)) continue;
      packed.push_back({.file = static_cast<std::uint32_t>(i), .info = info});
    }
  }
  const auto found = config.find(std::string(kKey));
  if (found == config.end() || found->is_null()) {
    if (packed.empty()) return std::nullopt;
    return fail(ErrorCode::kMissingMetadata,
                cat("The tensor \"", packed[0].info.name,
                    "\" is quantized, and config.json has no \"", kKey, "\"."),
                kKey);
  }
  Quantization result;
  HEARTH_ASSIGN(result.format, read_format(config, !packed.empty()));
  for (const FileTensor& qweight : packed) {
    const std::string& full = qweight.info.name;
    const std::string name = full.substr(0, full.size() - kPacked.size());
    HEARTH_ASSIGN(graph::WeightPart part, assemble(files, result.format, qweight, name));
    if (find(files, part.info.name)) {
      return fail(ErrorCode::kDuplicateTensor,
                  cat("There are \"", full, "\" and \"", part.info.name, "\", which are one."),
                  part.info.name);
    }
    result.matrices.emplace(part.info.name, std::move(part));
  }
  return result;
}

}  // namespace hearth::models
