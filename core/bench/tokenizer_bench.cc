// Times encoding: tokenizer_bench TOKENIZER.json CORPUS [SECONDS]. Prints megabytes a second, the
// best of the passes over the corpus, and the number of tokens, by which bench/tokenizers.mjs sees
// that its peers did the same.
//
// CORPUS holds documents, each behind its length in bytes as a little-endian u32.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "text/tokenizer.h"

namespace {

using namespace hearth;

std::string read_file(const char* path) {
  std::string content;
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) return content;
  char buffer[65536];
  while (const std::size_t read = std::fread(buffer, 1, sizeof buffer, file)) {
    content.append(buffer, read);
  }
  std::fclose(file);
  return content;
}

std::vector<std::string_view> documents(std::string_view corpus) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at + 4 <= corpus.size();) {
    const auto size = load_le<std::uint32_t>(corpus.data() + at);
    out.push_back(corpus.substr(at + 4, size));
    at += 4 + size;
  }
  return out;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: tokenizer_bench TOKENIZER.json CORPUS [SECONDS]\n", stderr);
    return 1;
  }
  const auto tokenizer = tokenizer_from_json(read_file(argv[1]), "");
  if (!tokenizer) {
    std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str());
    return 1;
  }
  const std::string corpus = read_file(argv[2]);
  const std::vector<std::string_view> texts = documents(corpus);
  std::size_t bytes = 0;
  for (std::string_view text : texts) bytes += text.size();
  const double until = now() + (argc > 3 ? std::atof(argv[3]) : 5.0);
  double best = 1e30;
  std::size_t tokens = 0;
  do {
    const double start = now();
    tokens = 0;
    for (std::string_view text : texts) {
      const auto ids = (*tokenizer)->encode(text, {.add_special = true, .parse_special = true});
      if (!ids) return 1;
      tokens += ids->size();
    }
    best = std::min(best, now() - start);
  } while (now() < until);
  std::printf("%.2f MB/s %zu tokens\n", static_cast<double>(bytes) / 1e6 / best, tokens);
  return 0;
}
