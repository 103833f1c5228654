// Extended grapheme clusters (UAX #29): what a reader takes for one character.
#pragma once

#include <cstddef>
#include <string_view>

namespace hearth {

/// Where the cluster that starts at `at` ends; `at` is inside the text, which is UTF-8.
std::size_t grapheme_end(std::string_view text, std::size_t at);

}  // namespace hearth
