// The families, each described in the file of its name, for all formats at once.
#pragma once

#include "models/model.h"

namespace hearth::models {

// Errors: as build_model.
Result<Model> build_llama(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_mistral(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_qwen2(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_qwen3(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_phi3(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_smollm3(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_granite(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_olmo2(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_gemma(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_gemma2(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_gemma3(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_stablelm(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_gpt2(const Checkpoint& checkpoint, std::int64_t wanted_context);
Result<Model> build_gpt_neox(const Checkpoint& checkpoint, std::int64_t wanted_context);

}  // namespace hearth::models
