# Flags and helpers shared by every target of the core.

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                    -Wno-implicit-int-float-conversion -fno-exceptions -fno-rtti)
# Designated initializers name what differs from the defaults that the struct declares.
add_compile_options(-Wno-missing-designated-field-initializers)
# The core has no exceptions; nlohmann-json then reports a bad document by value.
add_compile_definitions(JSON_NOEXCEPTION=1)

if(HEARTH_WASM)
  # Sections and LTO-free: wasm-ld drops what is unreachable, wasm-opt does the rest.
  add_compile_options(-ffunction-sections -fdata-sections)
  # nlohmann-json is headers only and lives with the native headers; a copy of the folder in the
  # build tree keeps glibc's headers out of the wasm build.
  find_path(HEARTH_JSON_DIR nlohmann/json.hpp PATHS /usr/include NO_DEFAULT_PATH REQUIRED)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
  file(CREATE_LINK ${HEARTH_JSON_DIR}/nlohmann ${CMAKE_BINARY_DIR}/include/nlohmann SYMBOLIC)
  include_directories(SYSTEM ${CMAKE_BINARY_DIR}/include)
else()
  # Debian 12's libstdc++ has no <format>; libc++ 19 is also what the wasm build uses.
  add_compile_options(-stdlib=libc++)
  add_link_options(-stdlib=libc++ -fuse-ld=lld)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    # AVX2 and F16C: every x86 server and desktop core since 2013 (Haswell).
    add_compile_options(-march=x86-64-v3)
  endif()
  if(HEARTH_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                        -fno-omit-frame-pointer -g1)
    add_link_options(-fsanitize=address,undefined)
  endif()
  if(HEARTH_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
  find_package(Threads REQUIRED)
endif()

# hearth_library(NAME [targets it may use…]): every .cc in this folder but the tests.
function(hearth_library name)
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  file(GLOB tests CONFIGURE_DEPENDS *_test.cc)
  if(sources)
    add_library(hearth_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(hearth_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(hearth_${name} ${scope} ${PROJECT_SOURCE_DIR}/src)
  foreach(dep ${ARGN})
    target_link_libraries(hearth_${name} ${scope} hearth_${dep})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY HEARTH_TEST_SOURCES ${tests})
  set_property(GLOBAL APPEND PROPERTY HEARTH_LIBRARIES hearth_${name})
endfunction()

# hearth_test_binary(NAME): GoogleTest and every *_test.cc of src/ in one program, because one link
# is cheaper than twenty and the same file runs under Node as wasm.
function(hearth_test_binary name)
  set(gtest /usr/src/googletest/googletest)
  add_library(hearth_gtest STATIC ${gtest}/src/gtest-all.cc)
  target_include_directories(hearth_gtest SYSTEM PUBLIC ${gtest}/include PRIVATE ${gtest})
  target_compile_options(hearth_gtest PRIVATE -w)
  if(HEARTH_WASM)
    # wasi-libc has no threads, signals, fork or dup: GoogleTest is told so.
    target_compile_definitions(
      hearth_gtest PUBLIC GTEST_HAS_PTHREAD=0 GTEST_HAS_DEATH_TEST=0 GTEST_HAS_STREAM_REDIRECTION=0
                          GTEST_HAS_FILE_SYSTEM=0 GTEST_HAS_EXCEPTIONS=0 GTEST_HAS_RTTI=0)
    target_include_directories(hearth_gtest SYSTEM PUBLIC ${PROJECT_SOURCE_DIR}/cmake/wasi-shims)
  endif()
  get_property(sources GLOBAL PROPERTY HEARTH_TEST_SOURCES)
  get_property(libraries GLOBAL PROPERTY HEARTH_LIBRARIES)
  add_executable(${name} ${sources} ${PROJECT_SOURCE_DIR}/cmake/test_main.cc)
  target_link_libraries(${name} PRIVATE ${libraries} hearth_gtest)
  target_compile_options(${name} PRIVATE -Wno-shadow)
  if(HEARTH_WASM)
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/wasm_runtime.c)
    # Tests that build whole models recurse little but keep large arrays in frames.
    target_link_options(${name} PRIVATE -Wl,-z,stack-size=1048576)
  endif()
endfunction()

# hearth_wasm_module(NAME): the product, a reactor module (no main; _initialize runs constructors).
function(hearth_wasm_module name)
  add_executable(${name} ${PROJECT_SOURCE_DIR}/host/wasm.cc
                         ${PROJECT_SOURCE_DIR}/cmake/wasm_runtime.c)
  target_link_libraries(${name} PRIVATE hearth_abi)
  # The host makes the memory, so that helper threads can share it. 16 MiB hold the program and a
  # tokenizer; the rest is grown when a model's size is known. The stack lies below the data, so that
  # overflowing it traps instead of overwriting.
  target_link_options(
    ${name} PRIVATE -mexec-model=reactor -Wl,--import-memory -Wl,--initial-memory=16777216
                    -Wl,-z,stack-size=1048576 -Wl,--stack-first -Wl,--gc-sections)
  if(HEARTH_WASM_VARIANT STREQUAL "relaxed-mt")
    # Debian's libc was built without atomics; --no-check-features lets it into shared memory, and the
    # rule that helpers never allocate keeps it right. Shared memory needs a maximum: all of wasm32.
    target_link_options(
      ${name} PRIVATE -Wl,--shared-memory -Wl,--max-memory=4294967296 -Wl,--no-check-features
                      -Wl,--export=__stack_pointer)
  endif()
endfunction()
