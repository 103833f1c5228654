#include "models/model.h"

#include <nlohmann/json.hpp>

#include "base/cat.h"
#include "models/families.h"

namespace hearth::models {
namespace {

using BuildFunction = Result<Model> (*)(const Checkpoint&, std::int64_t);

struct Family {
  std::string_view name;  ///< config.json's model_type; empty when there is none of its own
  std::string_view gguf;  ///< GGUF's general.architecture; likewise
  BuildFunction build;
};

constexpr Family kFamilies[] = {
    {"llama", "llama", build_llama},
    {"mistral", "", build_mistral},
    {"qwen2", "qwen2", build_qwen2},
    {"qwen3", "qwen3", build_qwen3},
    {"phi3", "phi3", build_phi3},
    {"smollm3", "smollm3", build_smollm3},
    {"granite", "granite", build_granite},
    {"olmo2", "olmo2", build_olmo2},
    {"gemma", "gemma", build_gemma},
    {"gemma2", "gemma2", build_gemma2},
    {"gemma3_text", "gemma3", build_gemma3},
    {"stablelm", "stablelm", build_stablelm},
    {"gpt2", "gpt2", build_gpt2},
    {"gpt_neox", "gptneox", build_gpt_neox},
};

/// What the checkpoint says it is; empty when it does not say.
std::string architecture_of(const Checkpoint& checkpoint) {
  if (const GgufHeader* gguf = checkpoint.gguf()) {
    const std::string* name = gguf->string_value("general.architecture");
    return name != nullptr ? *name : "";
  }
  const auto type = checkpoint.config().find("model_type");
  return type != checkpoint.config().end() && type->is_string() ? type->get<std::string>() : "";
}

}  // namespace

Result<std::int64_t> choose_context(std::int64_t wanted, std::int64_t trained) {
  if (wanted == 0) return std::min(trained, kDefaultContext);
  if (wanted < 1 || wanted > trained) {
    return fail(ErrorCode::kInvalidArgument,
                cat("A context of ", wanted,
                    " tokens was asked for, and the model was trained for ", trained, "."),
                "context_length");
  }
  return wanted;
}

Result<Model> build_model(const Checkpoint& checkpoint, std::int64_t wanted_context) {
  const std::string name = architecture_of(checkpoint);
  if (name.empty()) {
    const std::string key = checkpoint.gguf() != nullptr ? "general.architecture" : "model_type";
    return fail(ErrorCode::kMissingMetadata, cat("The model's configuration has no \"", key, "\"."),
                key);
  }
  for (const Family& family : kFamilies) {
    if ((checkpoint.gguf() != nullptr ? family.gguf : family.name) == name) {
      return family.build(checkpoint, wanted_context);
    }
  }
  return fail(ErrorCode::kUnsupportedArchitecture,
              cat("Models of the architecture \"", name, "\" are not supported."), name);
}

}  // namespace hearth::models
