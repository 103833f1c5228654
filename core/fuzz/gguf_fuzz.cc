// Fuzzes the GGUF reader: the input is a file.
#include "formats/gguf.h"
#include "property.h"

namespace hearth {
namespace {

void check_metadata(const GgufHeader& header) {
  for (const GgufEntry& entry : header.metadata) {
    HEARTH_CHECK(header.find(entry.key) == &entry.value);
    const auto as_unsigned = header.unsigned_value(entry.key);
    const auto as_signed = header.signed_value(entry.key);
    if (as_unsigned && as_signed) {
      HEARTH_CHECK(static_cast<std::uint64_t>(*as_signed) == *as_unsigned);
    }
    // A value is of at most one of these kinds.
    const int kinds =
        (as_unsigned || as_signed) + header.float_value(entry.key).has_value() +
        header.bool_value(entry.key).has_value() + (header.string_value(entry.key) != nullptr) +
        (header.string_array(entry.key) != nullptr) + header.integer_array(entry.key).has_value() +
        header.float_array(entry.key).has_value();
    HEARTH_CHECK(kinds <= 1);
  }
}

}  // namespace
}  // namespace hearth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hearth;
  const Bytes file(data, size);
  const auto whole = parse_gguf(file, size);
  fuzz::check_answer(whole, size, size);
  HEARTH_CHECK(!whole || whole->header);  // a whole file never lacks bytes
  if (whole) {
    fuzz::check_directory(whole->header->directory, whole->header->data_offset, file, size);
    check_metadata(*whole->header);
  }
  fuzz::check_growing(file, size / 2, whole, parse_gguf);
  // The same bytes as the head of a file too large to be held: 2^40 bytes, and the largest there
  // is.
  for (const std::uint64_t file_size : {1ULL << 40, ~0ULL}) {
    const auto head = parse_gguf(file, file_size);
    fuzz::check_answer(head, size, file_size);
    if (head && head->header) {
      fuzz::check_directory(head->header->directory, head->header->data_offset, file, file_size);
    }
  }
  return 0;
}
