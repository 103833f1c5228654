// Files, models and tokenizers of the engine.

#include <algorithm>

#include "abi/engine.h"
#include "abi/metadata_text.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "models/shapes.h"

#ifndef HEARTH_VERSION
#error "the build defines HEARTH_VERSION"
#endif

namespace hearth::abi {
namespace {

constexpr std::string_view kVariant =
#if defined(HEARTH_THREADS) && defined(__wasm__)
    "relaxed-mt";
#elif defined(__wasm_relaxed_simd__)
    "relaxed";
#elif defined(__wasm__)
    "simd";
#else
    "native";
#endif

// GGUF's magic, and the first byte of a safetensors header's JSON, which starts at byte 8.
constexpr std::string_view kGgufMagic = "GGUF";
constexpr std::size_t kSafetensorsJson = 8;

template <typename Header>
Result<HeaderOrNeed<models::SourceFile>> as_source(Result<HeaderOrNeed<Header>> parsed,
                                                   const FileOpen& request) {
  if (!parsed) return std::unexpected(std::move(parsed).error());
  HeaderOrNeed<models::SourceFile> result;
  result.need = parsed->need;
  if (parsed->header) {
    result.header = models::SourceFile{
        .name = request.name, .size = request.size, .header = *std::move(parsed->header)};
  }
  return result;
}

ModelInfo describe(const runtime::LoadedModel& model) {
  const models::DecoderFacts& facts = model.facts();
  ModelInfo info;
  info.architecture = facts.architecture;
  if (const GgufHeader* gguf = model.checkpoint().gguf()) {
    if (const std::string* name = gguf->string_value("general.name")) info.name = *name;
    if (const std::string* license = gguf->string_value("general.license")) info.license = *license;
  }
  const auto small = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  info.layers = small(facts.layers);
  info.hidden_size = small(facts.hidden_size);
  info.heads = small(facts.heads);
  info.kv_heads = small(facts.kv_heads);
  info.head_size = small(facts.head_size);
  info.vocab_size = small(facts.vocab_size);
  info.trained_context = small(facts.trained_context);
  info.context_length = small(model.context_length());
  const models::Quantization* quantization = model.checkpoint().quantization();
  if (quantization != nullptr) {
    info.quantization = quantization->description();
    info.parameters = quantization->parameters();
  }
  for (const auto& file : model.checkpoint().files()) {
    for (const TensorInfo& tensor : file->directory().tensors()) {
      if (quantization == nullptr || !models::is_packed_tensor(tensor.name)) {
        info.parameters += static_cast<std::uint64_t>(tensor.shape.elements());
      }
      const std::string name(dtype_name(tensor.dtype));
      auto use = std::find_if(info.dtypes.begin(), info.dtypes.end(),
                              [&](const DTypeUse& each) { return each.dtype == name; });
      if (use == info.dtypes.end()) {
        use = info.dtypes.insert(info.dtypes.end(), DTypeUse{.dtype = name});
      }
      ++use->tensors;
      use->bytes += tensor.bytes;
    }
  }
  std::sort(info.dtypes.begin(), info.dtypes.end(),
            [](const DTypeUse& a, const DTypeUse& b) { return a.bytes > b.bytes; });
  info.weight_bytes = model.need().weights;
  info.activation_bytes = model.need().workspace;
  info.kv_bytes = model.need().session;
  return info;
}

}  // namespace

Result<EngineInfo> Engine::engine_info(const Empty&) {
  return EngineInfo{.version = HEARTH_VERSION,
                    .variant = std::string(kVariant),
                    .threads = static_cast<std::uint32_t>(pool_.threads())};
}

Result<FileOpened> Engine::file_open(const FileOpen& request) {
  if (request.head.size() > request.size) {
    return fail(ErrorCode::kInvalidArgument, "The first bytes are more than the file has.",
                request.name);
  }
  const std::string_view head = as_text(request.head);
  const bool gguf = head.starts_with(kGgufMagic);
  const bool safetensors = !gguf && head.size() > kSafetensorsJson && head[kSafetensorsJson] == '{';
  if (!gguf && !safetensors) {
    // Both formats show within nine bytes; a shorter head is asked for more while there is more.
    if (head.size() <= kSafetensorsJson && head.size() < request.size) {
      return FileOpened{
          .file = 0, .need = std::min<std::uint64_t>(request.size, 64 << 10), .format = ""};
    }
    if (head.size() <= kSafetensorsJson) {
      return fail(ErrorCode::kTruncatedHeader,
                  cat("\"", request.name, "\" ends after ", head.size(), " bytes."), request.name);
    }
    return fail(ErrorCode::kBadMagic,
                cat("\"", request.name, "\" is neither GGUF nor safetensors."), request.name);
  }
  HEARTH_ASSIGN(auto source,
                gguf ? as_source(parse_gguf(request.head, request.size), request)
                     : as_source(parse_safetensors(request.head, request.size), request));
  FileOpened opened{.file = 0, .need = source.need, .format = gguf ? "gguf" : "safetensors"};
  if (source.header) {
    opened.need = 0;
    opened.file = files_.add(std::make_shared<const models::SourceFile>(*std::move(source.header)));
  }
  return opened;
}

Result<FileContents> Engine::file_contents(const FileHandle& request) {
  HEARTH_ASSIGN(auto file, files_.get(request.file, "file"));
  FileContents contents;
  contents.metadata = metadata_text(*file);
  for (const TensorInfo& tensor : file->directory().tensors()) {
    TensorEntry entry{.name = tensor.name,
                      .dtype = std::string(dtype_name(tensor.dtype)),
                      .offset = tensor.offset,
                      .bytes = tensor.bytes};
    for (int axis = 0; axis < tensor.shape.rank(); ++axis) {
      entry.shape.push_back(static_cast<std::uint64_t>(tensor.shape[axis]));
    }
    contents.tensors.push_back(std::move(entry));
  }
  return contents;
}

Result<Empty> Engine::file_close(const FileHandle& request) {
  HEARTH_TRY(files_.get(request.file, "file"));
  files_.remove(request.file);
  return Empty{};
}

Result<std::unique_ptr<runtime::LoadedModel>> Engine::make_model(const ModelOpen& request,
                                                                 bool inspect_only) {
  std::vector<std::shared_ptr<const models::SourceFile>> files;
  for (std::uint32_t handle : request.files) {
    HEARTH_ASSIGN(auto file, files_.get(handle, "file"));
    files.push_back(std::move(file));
  }
  HEARTH_ASSIGN(auto checkpoint, request.shape.empty() ? models::Checkpoint::make(
                                                             std::move(files), request.config_json)
                                                       : models::shape_checkpoint(request.shape));
  return runtime::LoadedModel::open(std::move(checkpoint),
                                    {.context_length = request.context_length,
                                     .max_batch = request.max_batch,
                                     .memory_limit = request.memory_limit,
                                     .exact = request.exact,
                                     .gpu = request.gpu.empty() ? nullptr : &request.gpu[0]},
                                    inspect_only);
}

Result<ModelInfo> Engine::model_inspect(const ModelOpen& request) {
  HEARTH_ASSIGN(auto model, make_model(request, true));
  return describe(*model);
}

Result<ModelOpened> Engine::model_open(const ModelOpen& request) {
  HEARTH_ASSIGN(std::shared_ptr<runtime::LoadedModel> model, make_model(request, false));
  ModelOpened opened;
  opened.info = describe(*model);
  for (const runtime::LoadRange& range : model->ranges()) {
    opened.ranges.push_back({.file = request.files[range.file],
                             .offset = range.offset,
                             .bytes = range.bytes,
                             .address = reinterpret_cast<std::uintptr_t>(range.address),
                             .name = range.name});
    opened.total_bytes += range.bytes;
  }
  if (gpu::Lowered* gpu = model->gpu()) {
    for (gpu::Load& load : gpu->plan.loads) {
      // The weights of a shape are in no file.
      load.file = request.shape.empty() ? request.files[load.file] : 0xffffffff;
      opened.total_bytes += load.bytes;
    }
  }
  opened.model = models_.add(std::move(model));
  return opened;
}

Result<Empty> Engine::range_loaded(const RangeLoaded& request) {
  HEARTH_ASSIGN(auto model, models_.get(request.model, "model"));
  HEARTH_TRY(model->range_loaded(request.range));
  return Empty{};
}

Result<Empty> Engine::model_ready(const ModelHandle& request) {
  HEARTH_ASSIGN(auto model, models_.get(request.model, "model"));
  HEARTH_TRY(model->finish_loading());
  return Empty{};
}

Result<Empty> Engine::model_close(const ModelHandle& request) {
  HEARTH_ASSIGN(auto model, models_.get(request.model, "model"));
  if (model->open_sessions > 0) {
    return fail(ErrorCode::kBusy, "The model has open sessions; close them first.", "model");
  }
  models_.remove(request.model);
  return Empty{};
}

Result<TokenizerOpened> Engine::tokenizer_open(const TokenizerOpen& request) {
  std::shared_ptr<const Tokenizer> tokenizer;
  if (request.file != 0) {
    HEARTH_ASSIGN(auto file, files_.get(request.file, "file"));
    const auto* gguf = std::get_if<GgufHeader>(&file->header);
    if (gguf == nullptr) {
      return fail(ErrorCode::kUnsupportedTokenizer, "A safetensors file carries no tokenizer.",
                  file->name);
    }
    HEARTH_ASSIGN(tokenizer, tokenizer_from_gguf(*gguf));
  } else {
    HEARTH_ASSIGN(tokenizer,
                  tokenizer_from_json(request.tokenizer_json, request.tokenizer_config_json));
  }
  TokenizerOpened opened{.tokenizer = 0,
                         .vocab_size = tokenizer->vocab_size(),
                         .chat_template = tokenizer->chat_template,
                         .bos_token = tokenizer->bos_token,
                         .eos_token = tokenizer->eos_token,
                         .stop_ids = tokenizer->stop_ids};
  opened.tokenizer = tokenizers_.add(std::move(tokenizer));
  return opened;
}

Result<Empty> Engine::tokenizer_close(const TokenizerHandle& request) {
  HEARTH_TRY(tokenizers_.get(request.tokenizer, "tokenizer"));
  tokenizers_.remove(request.tokenizer);
  return Empty{};
}

Result<TokenIds> Engine::tokenize(const Tokenize& request) {
  HEARTH_ASSIGN(auto tokenizer, tokenizers_.get(request.tokenizer, "tokenizer"));
  TokenIds result;
  HEARTH_ASSIGN(result.ids,
                tokenizer->encode(as_text(request.text), {.add_special = request.add_special,
                                                          .parse_special = request.parse_special}));
  return result;
}

Result<Encoded> Engine::encode(const Encode& request) {
  HEARTH_ASSIGN(auto tokenizer, tokenizers_.get(request.tokenizer, "tokenizer"));
  const auto pair = request.has_pair ? std::optional(as_text(request.pair)) : std::nullopt;
  HEARTH_ASSIGN(Encoding encoding,
                tokenizer->encode_with_offsets(
                    as_text(request.text), pair,
                    {.add_special = request.add_special, .parse_special = request.parse_special}));
  Encoded result;
  result.ids = std::move(encoding.ids);
  for (const Span& span : encoding.offsets) {
    result.begins.push_back(span.begin);
    result.ends.push_back(span.end);
  }
  result.second.assign(encoding.second.begin(), encoding.second.end());
  result.type_ids.assign(encoding.type_ids.begin(), encoding.type_ids.end());
  result.added.assign(encoding.added.begin(), encoding.added.end());
  return result;
}

Result<Text> Engine::detokenize(const Detokenize& request) {
  HEARTH_ASSIGN(auto tokenizer, tokenizers_.get(request.tokenizer, "tokenizer"));
  for (std::uint32_t id : request.ids) {
    if (id >= tokenizer->vocab_size()) {
      return fail(
          ErrorCode::kInvalidArgument,
          cat("The token ", id, " is past the vocabulary of ", tokenizer->vocab_size(), "."),
          "ids");
    }
  }
  return Text{.text = tokenizer->decode(request.ids, request.skip_special)};
}

}  // namespace hearth::abi
