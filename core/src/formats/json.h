// JSON from files of strangers: parsed without exceptions, with the place of an error in its
// sentence and nesting bounded. Used for config.json, tokenizer.json and other small documents.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"

namespace hearth {

/// How deeply arrays and objects may nest. Documents of models nest 7 deep at most
/// (tokenizer.json); recursive code over a parsed value needs no guard of its own at this depth.
inline constexpr int kMaxJsonDepth = 64;

/// The document's value. `what` names the document in errors ("config.json"). The text must be
/// UTF-8; of equal keys in one object the last counts, as in Python's json. Read members with
/// find() and the is_…() tests: access of the wrong kind aborts in this build. Errors:
/// malformed_json, with `what` as the name.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view what);

}  // namespace hearth
