// Fuzzes the safetensors reader: the input is a file.
#include "formats/safetensors.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hearth;
  const Bytes file(data, size);
  const auto whole = parse_safetensors(file, size);
  fuzz::check_answer(whole, size, size);
  HEARTH_CHECK(!whole || whole->header);  // a whole file never lacks bytes
  if (whole) {
    const TensorDirectory& directory = whole->header->directory;
    fuzz::check_directory(directory, whole->header->data_offset, file, size);
    // The tensors fill the data in file order, without gaps or overlaps.
    std::uint64_t end = whole->header->data_offset;
    for (const TensorInfo& info : directory.tensors()) {
      HEARTH_CHECK(info.offset == end);
      end += info.bytes;
    }
    HEARTH_CHECK(end == size);
  }
  fuzz::check_growing(file, size / 2, whole, parse_safetensors);
  // The same bytes as the head of a file too large to be held: 2^40 bytes, and the largest there
  // is.
  for (const std::uint64_t file_size : {1ULL << 40, ~0ULL}) {
    const auto head = parse_safetensors(file, file_size);
    fuzz::check_answer(head, size, file_size);
    if (head && head->header) {
      fuzz::check_directory(head->header->directory, head->header->data_offset, file, file_size);
    }
  }
  return 0;
}
