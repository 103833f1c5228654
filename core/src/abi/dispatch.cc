#include <array>
#include <string>
#include <utility>

#include "abi/engine.h"

namespace hearth::abi {
namespace {

void write_error(const Error& error, std::vector<std::uint8_t>& out) {
  out.push_back(1);
  Writer writer(out);
  writer.write(std::string(error_code_name(error.code)));
  writer.write(error.message);
  writer.write(error.name);
}

using Handler = void (*)(Engine&, Bytes, std::vector<std::uint8_t>&);

template <auto kFunction, typename M>
void handle(Engine& engine, Bytes bytes, std::vector<std::uint8_t>& out) {
  typename M::Request request;
  Reader reader(bytes);
  reader.read(request);
  if (!reader.ok() || !reader.at_end()) {
    write_error({ErrorCode::kInternal, cat("A request to ", M::kName, " is malformed."),
                 std::string(M::kName)},
                out);
    return;
  }
  auto response = (engine.*kFunction)(request);
  if (!response) {
    write_error(response.error(), out);
    return;
  }
  out.push_back(0);
  Writer(out).write(*response);
}

template <std::size_t kNumber>
using MethodAt = std::tuple_element_t<kNumber, Methods>;

// In the order of abi::Methods; a function of other types than its method's does not compile.
template <auto... kFunctions>
constexpr auto make_handlers() {
  static_assert(sizeof...(kFunctions) == std::tuple_size_v<Methods>);
  return []<std::size_t... kNumbers>(std::index_sequence<kNumbers...>) {
    return std::array<Handler, sizeof...(kFunctions)>{handle<kFunctions, MethodAt<kNumbers>>...};
  }(std::make_index_sequence<sizeof...(kFunctions)>());
}

constexpr auto kHandlers = make_handlers<
    &Engine::engine_info, &Engine::file_open, &Engine::file_contents, &Engine::file_close,
    &Engine::model_inspect, &Engine::model_open, &Engine::range_loaded, &Engine::model_ready,
    &Engine::model_close, &Engine::tokenizer_open, &Engine::tokenizer_close, &Engine::tokenize,
    &Engine::detokenize, &Engine::session_open, &Engine::session_close, &Engine::session_generate,
    &Engine::session_step, &Engine::session_abort, &Engine::session_forward, &Engine::session_score,
    &Engine::gpu_plan, &Engine::session_schedule, &Engine::session_take,
    &Engine::session_forward_begin, &Engine::session_lost, &Engine::session_pretend,
    &Engine::logprobs, &Engine::gpu_check_names, &Engine::gpu_check_open, &Engine::gpu_check_close,
    &Engine::column_order, &Engine::encode>();

}  // namespace

void dispatch(Engine& engine, std::uint32_t method, Bytes request, std::vector<std::uint8_t>& out) {
  if (method >= kHandlers.size()) {
    write_error({ErrorCode::kInternal, cat("There is no method ", method, "."), "method"}, out);
    return;
  }
  kHandlers[method](engine, request, out);
}

}  // namespace hearth::abi
