// Messages about models and tokenizers; messages.h says how they work.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "abi/codec.h"
#include "gpu/adapter.h"

namespace hearth::abi {

struct ModelOpen {
  using Self = ModelOpen;
  static constexpr std::string_view kName = "ModelOpen";
  std::vector<std::uint32_t> files;
  std::string config_json;
  std::uint32_t context_length = 0;
  std::uint32_t max_batch = 0;
  std::uint64_t memory_limit = 0;
  bool exact = false;
  std::string shape;
  std::vector<gpu::Adapter> gpu;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(files, "Handles of the files that hold the weights."),
        HEARTH_FIELD(config_json, "Contents of config.json; empty for GGUF."),
        HEARTH_FIELD(context_length,
                     "Tokens a session can hold; 0 for the model's own, at most 4096."),
        HEARTH_FIELD(max_batch, "Tokens in one prefill step; 0 for 128."),
        HEARTH_FIELD(memory_limit,
                     "Bytes that weights, activations and one session may take; 0 for what the "
                     "address space allows. An inspection given 0 checks nothing."),
        HEARTH_FIELD(exact, "Use float kernels only, never 8-bit activations."),
        HEARTH_FIELD(shape,
                     "Instead of files: the name of a model whose shape to take, with weights that "
                     "the host makes up. For timing."),
        HEARTH_FIELD(gpu, "The adapter to run on; empty for the CPU.")};
  }
};

struct DTypeUse {
  using Self = DTypeUse;
  static constexpr std::string_view kName = "DTypeUse";
  std::string dtype;
  std::uint32_t tensors = 0;
  std::uint64_t bytes = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(dtype, "Element type."),
                      HEARTH_FIELD(tensors, "How many tensors have it."),
                      HEARTH_FIELD(bytes, "Their bytes together.")};
  }
};

struct ModelInfo {
  using Self = ModelInfo;
  static constexpr std::string_view kName = "ModelInfo";
  std::string name;
  std::string architecture;
  std::string license;
  std::uint64_t parameters = 0;
  std::uint32_t layers = 0;
  std::uint32_t hidden_size = 0;
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t head_size = 0;
  std::uint32_t vocab_size = 0;
  std::uint32_t trained_context = 0;
  std::uint32_t context_length = 0;
  std::vector<DTypeUse> dtypes;
  std::string quantization;
  std::uint64_t weight_bytes = 0;
  std::uint64_t activation_bytes = 0;
  std::uint64_t kv_bytes = 0;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(name, "The model's own name; may be empty."),
        HEARTH_FIELD(architecture, "Family, such as \"llama\"."),
        HEARTH_FIELD(license, "Licence as the file states it; may be empty."),
        HEARTH_FIELD(parameters, "Number of weights."),
        HEARTH_FIELD(layers, "Transformer layers."),
        HEARTH_FIELD(hidden_size, "Width of the residual stream."),
        HEARTH_FIELD(heads, "Query heads."),
        HEARTH_FIELD(kv_heads, "Key and value heads."),
        HEARTH_FIELD(head_size, "Width of a head."),
        HEARTH_FIELD(vocab_size, "Rows of the output matrix."),
        HEARTH_FIELD(trained_context, "Context the model was trained for, in tokens."),
        HEARTH_FIELD(context_length, "Context a session will have, in tokens."),
        HEARTH_FIELD(dtypes, "Element types of the weights, largest first."),
        HEARTH_FIELD(quantization,
                     "Of a checkpoint of GPTQ or AWQ, such as \"GPTQ 4-bit, groups of 128\"; empty "
                     "for others."),
        HEARTH_FIELD(weight_bytes, "Memory the weights take."),
        HEARTH_FIELD(activation_bytes, "Memory a step's intermediate values take."),
        HEARTH_FIELD(kv_bytes, "Memory the keys and values of one session take.")};
  }
};

struct LoadRange {
  using Self = LoadRange;
  static constexpr std::string_view kName = "LoadRange";
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t address = 0;
  std::string name;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(file, "Handle of the file to read."),
                      HEARTH_FIELD(offset, "First byte of the range in the file."),
                      HEARTH_FIELD(bytes, "Length of the range."),
                      HEARTH_FIELD(address, "Where in the core's memory the bytes go."),
                      HEARTH_FIELD(name, "The tensor, for messages.")};
  }
};

struct ModelOpened {
  using Self = ModelOpened;
  static constexpr std::string_view kName = "ModelOpened";
  std::uint32_t model = 0;
  ModelInfo info;
  std::vector<LoadRange> ranges;
  std::uint64_t total_bytes = 0;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(model, "Handle of the model."), HEARTH_FIELD(info, "What was opened."),
        HEARTH_FIELD(ranges, "The load plan, in file order, so that reading is sequential."),
        HEARTH_FIELD(total_bytes, "Sum of the ranges' bytes.")};
  }
};

struct ModelHandle {
  using Self = ModelHandle;
  static constexpr std::string_view kName = "ModelHandle";
  std::uint32_t model = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(model, "Handle from model_open.")};
  }
};

struct RangeLoaded {
  using Self = RangeLoaded;
  static constexpr std::string_view kName = "RangeLoaded";
  std::uint32_t model = 0;
  std::uint32_t range = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(model, "Handle from model_open."),
                      HEARTH_FIELD(range, "Index into the load plan's ranges.")};
  }
};

struct TokenizerOpen {
  using Self = TokenizerOpen;
  static constexpr std::string_view kName = "TokenizerOpen";
  std::uint32_t file = 0;
  std::string tokenizer_json;
  std::string tokenizer_config_json;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(file, "Handle of a GGUF file that carries its tokenizer, or 0."),
        HEARTH_FIELD(tokenizer_json, "Contents of tokenizer.json, when there is no such file."),
        HEARTH_FIELD(tokenizer_config_json, "Contents of tokenizer_config.json, or empty.")};
  }
};

struct TokenizerOpened {
  using Self = TokenizerOpened;
  static constexpr std::string_view kName = "TokenizerOpened";
  std::uint32_t tokenizer = 0;
  std::uint32_t vocab_size = 0;
  std::string chat_template;
  std::string bos_token;
  std::string eos_token;
  std::vector<std::uint32_t> stop_ids;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(tokenizer, "Handle of the tokenizer."),
        HEARTH_FIELD(vocab_size, "Number of token ids."),
        HEARTH_FIELD(chat_template, "Jinja source that makes a prompt of messages; may be empty."),
        HEARTH_FIELD(bos_token, "Text of the beginning-of-sequence token; may be empty."),
        HEARTH_FIELD(eos_token, "Text of the end-of-sequence token; may be empty."),
        HEARTH_FIELD(stop_ids, "Tokens that end a turn.")};
  }
};

struct TokenizerHandle {
  using Self = TokenizerHandle;
  static constexpr std::string_view kName = "TokenizerHandle";
  std::uint32_t tokenizer = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(tokenizer, "Handle from tokenizer_open.")};
  }
};

struct Tokenize {
  using Self = Tokenize;
  static constexpr std::string_view kName = "Tokenize";
  std::uint32_t tokenizer = 0;
  ByteView text;
  bool add_special = false;
  bool parse_special = false;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(tokenizer, "Handle from tokenizer_open."),
        HEARTH_FIELD(text, "UTF-8 text; what is none is read as U+FFFD."),
        HEARTH_FIELD(add_special, "Add the tokens that the model expects around a text."),
        HEARTH_FIELD(parse_special, "Read \"<|im_end|>\" and its like as single tokens.")};
  }
};

struct TokenIds {
  using Self = TokenIds;
  static constexpr std::string_view kName = "TokenIds";
  std::vector<std::uint32_t> ids;
  static constexpr auto fields() { return std::tuple{HEARTH_FIELD(ids, "Token ids.")}; }
};

struct Encode {
  using Self = Encode;
  static constexpr std::string_view kName = "Encode";
  std::uint32_t tokenizer = 0;
  ByteView text;
  bool has_pair = false;
  ByteView pair;
  bool add_special = false;
  bool parse_special = false;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(tokenizer, "Handle from tokenizer_open."),
        HEARTH_FIELD(text, "UTF-8 text; what is none is read as U+FFFD."),
        HEARTH_FIELD(has_pair, "Whether there is a second text."),
        HEARTH_FIELD(pair, "The second text of a pair, for models that compare two."),
        HEARTH_FIELD(add_special, "Add the tokens that the model expects around texts."),
        HEARTH_FIELD(parse_special, "Read \"<|im_end|>\" and its like as single tokens.")};
  }
};

struct Encoded {
  using Self = Encoded;
  static constexpr std::string_view kName = "Encoded";
  std::vector<std::uint32_t> ids;
  std::vector<std::uint32_t> begins;
  std::vector<std::uint32_t> ends;
  std::vector<std::uint32_t> second;
  std::vector<std::uint32_t> type_ids;
  std::vector<std::uint32_t> added;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(ids, "Token ids."),
        HEARTH_FIELD(begins, "Where each token starts, in bytes of its text."),
        HEARTH_FIELD(ends,
                     "Where each token ends; whole characters, pieces of one have all of it."),
        HEARTH_FIELD(second, "1 for tokens of the pair's second text."),
        HEARTH_FIELD(type_ids, "Which text each token belongs to, as the model counts them."),
        HEARTH_FIELD(added, "1 for tokens that add_special added.")};
  }
};

struct Detokenize {
  using Self = Detokenize;
  static constexpr std::string_view kName = "Detokenize";
  std::uint32_t tokenizer = 0;
  std::vector<std::uint32_t> ids;
  bool skip_special = false;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(tokenizer, "Handle from tokenizer_open."),
                      HEARTH_FIELD(ids, "Token ids."),
                      HEARTH_FIELD(skip_special, "Leave control tokens out.")};
  }
};

struct Text {
  using Self = Text;
  static constexpr std::string_view kName = "Text";
  std::string text;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(text, "UTF-8; bytes that are none became U+FFFD.")};
  }
};

}  // namespace hearth::abi
