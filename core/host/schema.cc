// Prints the TypeScript side of the ABI: a type, an encoder and a decoder for each message of
// abi/messages.h, the table of methods, and the error codes. The build writes the output to
// packages/hearth/src/abi.generated.ts; it is never committed.

#include <cstdio>
#include <set>
#include <string>

#include "abi/messages.h"
#include "base/result.h"

namespace hearth::abi {
namespace {

std::string camel(std::string_view snake) {
  std::string out;
  bool upper = false;
  for (char c : snake) {
    if (c == '_') {
      upper = true;
    } else {
      out.push_back(upper ? static_cast<char>(c - 'a' + 'A') : c);
      upper = false;
    }
  }
  return out;
}

/// The name of the primitive's reader and writer method in abi.ts.
template <typename T>
constexpr std::string_view primitive() {
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_same_v<T, std::uint8_t>) return "u8";
  if constexpr (std::is_same_v<T, std::uint32_t>) return "u32";
  if constexpr (std::is_same_v<T, std::uint64_t>) return "u64";
  if constexpr (std::is_same_v<T, std::int32_t>) return "i32";
  if constexpr (std::is_same_v<T, float>) return "f32";
  if constexpr (std::is_same_v<T, double>) return "f64";
  if constexpr (std::is_same_v<T, std::string>) return "string";
  if constexpr (std::is_same_v<T, ByteView>) return "bytes";
  return "";
}

template <typename T>
std::string type_name() {
  if constexpr (Message<T>) {
    return std::string(T::kName);
  } else if constexpr (IsList<T>::value) {
    return type_name<typename IsList<T>::Element>() + "[]";
  } else if constexpr (std::is_same_v<T, bool>) {
    return "boolean";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "string";
  } else if constexpr (std::is_same_v<T, ByteView>) {
    return "Uint8Array";
  } else {
    return "number";
  }
}

template <typename T>
std::string write_expression(const std::string& value) {
  if constexpr (Message<T>) {
    return "write" + std::string(T::kName) + "(w, " + value + ")";
  } else if constexpr (IsList<T>::value) {
    return "w.list(" + value + ", (v) => " + write_expression<typename IsList<T>::Element>("v") +
           ")";
  } else {
    return "w." + std::string(primitive<T>()) + "(" + value + ")";
  }
}

template <typename T>
std::string read_expression() {
  if constexpr (Message<T>) {
    return "read" + std::string(T::kName) + "(r)";
  } else if constexpr (IsList<T>::value) {
    return "r.list(() => " + read_expression<typename IsList<T>::Element>() + ")";
  } else {
    return "r." + std::string(primitive<T>()) + "()";
  }
}

template <typename Owner, typename T>
T member_type(const Field<Owner, T>&);

template <Message T>
void print_message(std::set<std::string_view>& printed);

template <typename T>
void print_needed(std::set<std::string_view>& printed) {
  if constexpr (Message<T>) {
    print_message<T>(printed);
  } else if constexpr (IsList<T>::value) {
    print_needed<typename IsList<T>::Element>(printed);
  }
}

template <Message T>
void print_message(std::set<std::string_view>& printed) {
  if (!printed.insert(T::kName).second) return;
  std::string type, writer, reader;
  std::apply(
      [&](const auto&... f) {
        (
            [&] {
              using Member = decltype(member_type(f));
              print_needed<Member>(printed);
              const std::string name = camel(f.name);
              type += "  /** " + std::string(f.doc) + " */\n  " + name + ": " +
                      type_name<Member>() + ";\n";
              writer += "  " + write_expression<Member>("m." + name) + ";\n";
              reader += "    " + name + ": " + read_expression<Member>() + ",\n";
            }(),
            ...);
      },
      T::fields());
  const std::string name(T::kName);
  if (type.empty()) {
    std::printf("export type %s = Record<string, never>;\n", name.c_str());
    std::printf("export function write%s(_w: Writer, _m: %s): void {}\n", name.c_str(),
                name.c_str());
    std::printf("export function read%s(_r: Reader): %s {\n  return {};\n}\n\n", name.c_str(),
                name.c_str());
    return;
  }
  std::printf("export interface %s {\n%s}\n", name.c_str(), type.c_str());
  std::printf("export function write%s(w: Writer, m: %s): void {\n%s}\n", name.c_str(),
              name.c_str(), writer.c_str());
  std::printf("export function read%s(r: Reader): %s {\n  return {\n%s  };\n}\n\n", name.c_str(),
              name.c_str(), reader.c_str());
}

template <typename... M>
void print_methods(std::tuple<M...>*) {
  std::set<std::string_view> printed;
  (print_message<typename M::Request>(printed), ...);
  (print_message<typename M::Response>(printed), ...);
  std::printf("/** Every method of the core: its number on the wire and its codecs. */\n");
  std::printf("export const methods = {\n");
  int number = 0;
  ((std::printf("  %s: { number: %d, write: write%s, read: read%s },\n", camel(M::kName).c_str(),
                number++, std::string(M::Request::kName).c_str(),
                std::string(M::Response::kName).c_str())),
   ...);
  std::printf("} as const;\n\nexport type MethodName = keyof typeof methods;\n");
  std::printf(
      "export type Request<M extends MethodName> = Parameters<(typeof "
      "methods)[M][\"write\"]>[1];\n");
  std::printf(
      "export type Response<M extends MethodName> = ReturnType<(typeof "
      "methods)[M][\"read\"]>;\n\n");
}

void print_errors() {
  std::printf(
      "/** Every error code and what it means in general. */\nexport const errorCodes = {\n");
  for (int i = 0; i < error_code_count(); ++i) {
    auto code = static_cast<ErrorCode>(i);
    std::printf("  %s: \"%s\",\n", std::string(error_code_name(code)).c_str(),
                std::string(error_code_meaning(code)).c_str());
  }
  std::printf("} as const;\n\nexport type ErrorCode = keyof typeof errorCodes;\n");
}

}  // namespace
}  // namespace hearth::abi

int main() {
  std::printf(
      "// Written by core/host/schema.cc from core/src/abi/messages.h; do not edit, do not "
      "commit.\n"
      "import type { Reader, Writer } from \"./abi.js\";\n\n");
  hearth::abi::print_methods(static_cast<hearth::abi::Methods*>(nullptr));
  hearth::abi::print_errors();
  return 0;
}
