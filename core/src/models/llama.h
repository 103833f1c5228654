// Llama and those that share its architecture (SmolLM2, TinyLlama).
#pragma once

#include "models/model.h"

namespace hearth::models {

/// Errors: as build_model.
Result<Model> build_llama(const Checkpoint& checkpoint, std::int64_t wanted_context);

}  // namespace hearth::models
