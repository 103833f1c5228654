// ggml's numbers for tensor types, which GGUF stores (enum ggml_type in ggml.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tensor/dtype.h"

namespace hearth {

/// The type of that number, or nullopt if Hearth does not read it.
std::optional<DType> dtype_from_ggml(std::uint32_t type);

/// The number of a type, or nullopt for those that GGUF lacks (U8, BOOL).
std::optional<std::uint32_t> ggml_from_dtype(DType dtype);

/// ggml's name for the number ("IQ2_XXS"), also of types that Hearth does not read; "" when
/// unknown.
std::string_view ggml_type_name(std::uint32_t type);

}  // namespace hearth
