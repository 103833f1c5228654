// Shapes of well-known models without their weights: what `hearth bench --shape` times.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/checkpoint.h"

namespace hearth::models {

/// Names that shape_checkpoint() knows.
std::vector<std::string> shape_names();

/// A checkpoint of that shape: matrices Q4_0, as most people download them, and norms float. Its
/// one file does not exist. Errors: invalid_argument for a name that is not known.
Result<Checkpoint> shape_checkpoint(std::string_view name);

}  // namespace hearth::models
