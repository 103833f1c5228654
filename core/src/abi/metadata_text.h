// A file's metadata as text, for people: `hearth inspect` and the app.
#pragma once

#include <vector>

#include "abi/messages.h"
#include "models/checkpoint.h"

namespace hearth::abi {

/// Every entry in file order; long strings and arrays are cut, with their length in the type.
std::vector<MetadataEntry> metadata_text(const models::SourceFile& file);

}  // namespace hearth::abi
