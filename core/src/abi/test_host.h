// A host for tests: calls the engine through dispatch(), as bytes, and loads tiny models with it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "abi/engine.h"
#include "models/tiny_llama.h"

namespace hearth::abi::testing {

using hearth::testing::TinyLlama;

/// The number of the method of that name.
template <Literal kMethod, std::size_t kAt = 0>
constexpr std::uint32_t method_number() {
  if constexpr (std::tuple_element_t<kAt, Methods>::kName == kMethod.view()) {
    return kAt;
  } else {
    return method_number<kMethod, kAt + 1>();
  }
}

/// An error as it comes over the wire.
struct WireError {
  std::string code, message, name;
};

class TestHost {
 public:
  /// A method's response, or the error. Views in a response are valid until the next call.
  template <Literal kMethod>
  auto call(
      const typename std::tuple_element_t<method_number<kMethod>(), Methods>::Request& request)
      -> std::expected<typename std::tuple_element_t<method_number<kMethod>(), Methods>::Response,
                       WireError> {
    std::vector<std::uint8_t> bytes;
    Writer(bytes).write(request);
    out_.clear();
    dispatch(engine_, method_number<kMethod>(), bytes, out_);
    Reader reader(Bytes(out_).subspan(1));
    if (out_[0] != 0) return std::unexpected(read_error(reader));
    typename std::tuple_element_t<method_number<kMethod>(), Methods>::Response response;
    reader.read(response);
    HEARTH_CHECK(reader.ok() && reader.at_end());
    return response;
  }

  /// Any bytes to any method: the error's code, or "" for success.
  std::string raw(std::uint32_t method, Bytes request) {
    out_.clear();
    dispatch(engine_, method, request, out_);
    HEARTH_CHECK(!out_.empty());
    if (out_[0] == 0) return "";
    Reader reader(Bytes(out_).subspan(1));
    const WireError error = read_error(reader);
    HEARTH_CHECK(!error.message.empty());
    return error.code;
  }

  auto open_file(const std::vector<std::uint8_t>& file) {
    return call<"file_open">({.name = "test.gguf", .size = file.size(), .head = file});
  }

  struct Loaded {
    std::uint32_t file = 0, model = 0, tokenizer = 0, session = 0;
  };
  /// Opens all that a GGUF file holds. Errors: the first of any call.
  std::expected<Loaded, WireError> load(const std::vector<std::uint8_t>& file,
                                        const ModelOpen& options = {.exact = true}) {
    Loaded loaded;
    const auto opened = open_file(file);
    if (!opened) return std::unexpected(opened.error());
    loaded.file = opened->file;
    ModelOpen request = options;
    request.files = {loaded.file};
    const auto model = call<"model_open">(request);
    if (!model) return std::unexpected(model.error());
    loaded.model = model->model;
    for (std::uint32_t i = 0; i < model->ranges.size(); ++i) {
      const LoadRange& range = model->ranges[i];
      std::memcpy(reinterpret_cast<void*>(static_cast<std::uintptr_t>(range.address)),
                  file.data() + range.offset, static_cast<std::size_t>(range.bytes));
      const auto taken = call<"range_loaded">({.model = loaded.model, .range = i});
      if (!taken) return std::unexpected(taken.error());
    }
    if (const auto ready = call<"model_ready">({.model = loaded.model}); !ready) {
      return std::unexpected(ready.error());
    }
    const auto tokenizer = call<"tokenizer_open">({.file = loaded.file});
    if (!tokenizer) return std::unexpected(tokenizer.error());
    loaded.tokenizer = tokenizer->tokenizer;
    const auto session =
        call<"session_open">({.model = loaded.model, .tokenizer = loaded.tokenizer});
    if (!session) return std::unexpected(session.error());
    loaded.session = session->session;
    return loaded;
  }
  /// Closes it all in the order that leaves nothing in use.
  bool close(const Loaded& loaded) {
    return call<"session_close">({.session = loaded.session}).has_value() &&
           call<"tokenizer_close">({.tokenizer = loaded.tokenizer}).has_value() &&
           call<"model_close">({.model = loaded.model}).has_value() &&
           call<"file_close">({.file = loaded.file}).has_value();
  }

  /// Ten greedy tokens after a prompt; empty when anything failed.
  std::vector<std::uint32_t> answer(std::uint32_t session, const std::string& prompt = "hello") {
    SessionGenerate request{.session = session, .prompt = prompt, .max_tokens = 10};
    request.sampling.temperature = 0;
    std::vector<std::uint32_t> ids;
    if (!call<"session_generate">(request)) return {};
    for (;;) {
      const auto step = call<"session_step">({.session = session});
      if (!step) return {};
      ids.insert(ids.end(), step->ids.begin(), step->ids.end());
      if (step->phase == "done") return ids;
    }
  }

  /// What the tiny model answers on this engine, from opening to closing.
  std::vector<std::uint32_t> tiny_answer() {
    static const std::vector<std::uint8_t> kFile = TinyLlama().gguf();
    const auto loaded = load(kFile);
    if (!loaded) return {};
    std::vector<std::uint32_t> ids = answer(loaded->session);
    return close(*loaded) ? ids : std::vector<std::uint32_t>();
  }

 private:
  static WireError read_error(Reader& reader) {
    WireError error;
    reader.read(error.code);
    reader.read(error.message);
    reader.read(error.name);
    HEARTH_CHECK(reader.ok() && reader.at_end());
    return error;
  }

  Engine engine_{1};
  std::vector<std::uint8_t> out_;
};

}  // namespace hearth::abi::testing
