// A tiny Llama (models/tiny_llama.h) as GPTQ or AWQ leaves it: the matrices of its layers packed,
// everything else as it was; and beside it the same model with the same weights as floats.
#pragma once

#include "models/tiny_llama.h"
#include "quant/random_packed.h"

namespace hearth::testing {

struct TinyPacked {
  TinyLlama packed, floats;

  explicit TinyPacked(const PackedFormat& format, DType scales = DType::kF16,
                      bool version_2 = false)
      : packed({.tied = false}), floats(packed) {
    std::mt19937 random(7);
    std::vector<std::string> matrices;
    for (const auto& [name, tensor] : packed.tensors) {
      if (name.starts_with("blk.") && tensor.shape.rank() == 2) matrices.push_back(name);
    }
    PackedFormat kept = format;
    kept.zeros_less_one = format.packing == Packing::kGptq && !version_2;
    for (const std::string& name : matrices)
      pack(name, random_packed_like(random, kept, scales, name));
    nlohmann::json& config = packed.config["quantization_config"];
    config = {{"quant_method", format.packing == Packing::kAwq ? "awq" : "gptq"},
              {"bits", format.bits},
              {"group_size", format.group_size}};
    if (format.packing == Packing::kGptq) {
      config["desc_act"] = format.act_order;
      if (version_2) config["checkpoint_format"] = "gptq_v2";
    }
  }

  std::vector<std::uint8_t> file() const { return packed.safetensors(); }
  std::string config() const { return packed.config.dump(); }

 private:
  RandomPacked random_packed_like(std::mt19937& random, const PackedFormat& format, DType scales,
                                  const std::string& name) const {
    const Shape& shape = packed.tensors.at(name).shape;
    return random_packed(random, format, shape[0], shape[1], scales);
  }

  void pack(const std::string& name, const RandomPacked& made) {
    const std::string stem = name.substr(0, name.size() - std::string_view("weight").size());
    const PackedFormat& format = made.format;
    const bool awq = format.packing == Packing::kAwq;
    const std::int64_t words = made.rows * format.bits / 32, groups = format.groups(made.columns);
    const Shape down = {made.columns * format.bits / 32, made.rows}, across = {made.columns, words};
    packed.tensors.erase(name);
    packed.tensors[stem + "qweight"] = {DType::kI32, awq ? across : down, made.qweight};
    packed.tensors[stem + "qzeros"] = {DType::kI32, {groups, words}, made.qzeros};
    packed.tensors[stem + "scales"] = {made.scale_type, {groups, made.rows}, made.scales};
    std::vector<std::uint32_t> order(static_cast<std::size_t>(made.columns));
    std::iota(order.begin(), order.end(), 0U);
    if (!awq) {
      packed.tensors[stem + "g_idx"] = {DType::kI32, {made.columns}, made.g_idx};
      const auto ordered =
          column_order(made.g_idx, format.group_of(made.columns), false, name, order);
      HEARTH_CHECK(ordered.has_value());
    }
    const auto elements = static_cast<std::size_t>(made.rows * made.columns);
    std::vector<std::uint8_t> blocks(
        static_cast<std::size_t>(dtype_bytes(format.dtype(), elements)));
    assemble(made.matrix(order), blocks.data());
    std::vector<float> sorted(elements), values(elements);
    dequantize(format.dtype(), blocks, sorted);
    for (std::size_t i = 0; i < elements; ++i) {
      const std::size_t row = i / order.size() * order.size();
      values[row + order[i % order.size()]] = sorted[i];
    }
    std::memcpy(floats.tensors.at(name).bytes.data(), values.data(), elements * sizeof(float));
  }
};

}  // namespace hearth::testing
