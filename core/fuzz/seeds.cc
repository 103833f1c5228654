// Writes the fuzz targets' first inputs: fuzz_seeds DIRECTORY, which has the folders gguf,
// safetensors, json and config.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/cat.h"
#include "formats/gguf_builder.h"
#include "formats/safetensors_builder.h"
#include "models/tiny_llama.h"

namespace hearth {
namespace {

using File = std::vector<std::uint8_t>;

bool write(const std::string& path, Bytes data) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = std::fwrite(data.data(), 1, data.size(), file) == data.size();
  return std::fclose(file) == 0 && written;
}

// Metadata of every type, and a tensor of every type that GGUF has.
File gguf_of_everything() {
  GgufBuilder builder;
  builder.add_string("general.architecture", "llama")
      .add_u8("a", 1)
      .add_i8("b", -1)
      .add_u16("c", 2)
      .add_i16("d", -2)
      .add_u32("llama.block_count", 2)
      .add_i32("e", -3)
      .add_u64("f", 4)
      .add_i64("g", -4)
      .add_f32("h", 0.5F)
      .add_f64("i", 0.25)
      .add_bool("j", true)
      .add_string_array("tokenizer.ggml.tokens", {"a", "b", ""})
      .add_f32_array("k", {1, 2})
      .add_i32_array("l", {1, 2})
      .add_bool_array("m", {0, 1});
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (!ggml_from_dtype(dtype)) continue;
    const std::int64_t columns = dtype_info(dtype).block_elements;
    const File data(
        static_cast<std::size_t>(dtype_bytes(dtype, static_cast<std::uint64_t>(columns))));
    builder.add_tensor(dtype_name(dtype), dtype, {1, columns}, data);
  }
  return builder.build();
}

bool write_all(const std::string& directory) {
  const std::string_view documents[] = {
      R"({"vocab":{"a":0,"b":1},"merges":["a b",["a","b"]],"x":[-1,2.5e-3,null,true,false]})",
      R"(["\u00e9\ud83d\ude00\n\"\\", 18446744073709551615, -9223372036854775808, 1e308, {}])",
      "[[[[[[[[]]]]]]]]",
  };
  bool ok = true;
  for (std::size_t i = 0; i < std::size(documents); ++i) {
    ok &= write(cat(directory, "/json/", i), as_bytes(documents[i]));
  }
  // A golden, a context, and what is changed (config_fuzz.cc).
  const std::string_view changes[] = {
      R"({"rope_scaling":{"rope_type":"yarn","factor":4.0,"beta_fast":32,"mscale":1.0}})",
      R"({"rope_parameters":{"rope_type":"llama3","rope_theta":1e4,"factor":8.0,"low_freq_factor":1.0,)"
      R"("high_freq_factor":4.0,"original_max_position_embeddings":32}})",
      R"({"rope_scaling":{"type":"longrope","short_factor":[1,1],"long_factor":[2,2]}})",
      R"({"layer_types":["sliding_attention","full_attention"],"sliding_window":4})",
      R"({"num_hidden_layers":1,"hidden_act":"gelu","partial_rotary_factor":0.5})",
      R"({"n_layer":1,"n_inner":null,"activation_function":"relu","scale_attn_weights":false})",
      R"({"head_dim":16777216,"num_key_value_heads":1,"vocab_size":200,"rms_norm_eps":1e-300})",
  };
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    const auto golden = static_cast<char>('a' + 3 * i);
    ok &= write(cat(directory, "/config/", i),
                as_bytes(cat(std::string(1, golden), "0", changes[i])));
  }
  ok &= write(cat(directory, "/config/gguf"), testing::TinyLlama().gguf());
  ok &= write(cat(directory, "/gguf/everything"), gguf_of_everything());
  ok &= write(cat(directory, "/gguf/small"), GgufBuilder()
                                                 .set_alignment(8)
                                                 .set_version(2)
                                                 .add_f32_tensor("w", {2, 2}, {1, 2, 3, 4})
                                                 .build());
  ok &= write(cat(directory, "/safetensors/small"),
              SafetensorsBuilder()
                  .add_metadata("format", "pt")
                  .add_f32_tensor("w", {2, 2}, {1, 2, 3, 4})
                  .add_tensor("mask", DType::kBool, {3}, File(3))
                  .add_tensor("empty", DType::kF16, {0, 4}, {})
                  .add_tensor("half", DType::kBF16, {1, 2, 1, 2}, File(8))
                  .build());
  ok &=
      write(cat(directory, "/safetensors/unknown-field"),
            SafetensorsBuilder::with_header(
                R"({"a":{"x":[{"y":1}],"dtype":"U8","shape":[],"data_offsets":[0,1]}})", File(1)));
  return ok;
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc != 2 || !hearth::write_all(argv[1])) {
    std::fputs(
        "usage: fuzz_seeds DIRECTORY (writable, with gguf, safetensors, json and config in it)\n",
        stderr);
    return 1;
  }
  return 0;
}
