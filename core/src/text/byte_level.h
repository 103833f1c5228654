// The printable alphabet in which byte-level vocabularies are written: each byte has a character
// (GPT-2's encoder.py, bytes_to_unicode). Inside Hearth a token is its bytes.
#pragma once

#include <string>
#include <string_view>

namespace hearth {

/// Appends the bytes that `written` stands for; false, with `out` as it was, when a character of it
/// is not of the alphabet.
bool append_byte_level_decoded(std::string_view written, std::string& out);

/// Appends `bytes` in the alphabet.
void append_byte_level_encoded(std::string_view bytes, std::string& out);

}  // namespace hearth
