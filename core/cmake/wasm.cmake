# Toolchain: Debian's clang 19 to wasm32-wasi (ARCHITECTURE.md, "Toolchain").
# HEARTH_WASM_VARIANT is one of
#   simd        baseline SIMD, every browser since 2021
#   relaxed     with relaxed SIMD (integer dot products)
#   relaxed-mt  the same with shared memory and threads
# CMake 3.25 knows no WASI; Generic asks nothing of the platform.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_AR /usr/lib/llvm-19/bin/llvm-ar)
set(CMAKE_RANLIB /usr/lib/llvm-19/bin/llvm-ranlib)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HEARTH_WASM_VARIANT)

set(HEARTH_WASM ON)
if(NOT HEARTH_WASM_VARIANT)
  set(HEARTH_WASM_VARIANT simd)
endif()
set(_flags "-msimd128")
if(NOT HEARTH_WASM_VARIANT STREQUAL "simd")
  string(APPEND _flags " -mrelaxed-simd")
endif()
if(HEARTH_WASM_VARIANT STREQUAL "relaxed-mt")
  string(APPEND _flags " -matomics -mbulk-memory -DHEARTH_THREADS=1")
endif()
set(CMAKE_C_FLAGS_INIT "${_flags}")
set(CMAKE_CXX_FLAGS_INIT "${_flags}")

# When linking with optimization, clang runs any wasm-opt on PATH, and Debian's is too old for relaxed
# SIMD. The project runs npm's binaryen itself, so the driver is asked for no optimization of its own.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-O0")
set(CMAKE_EXECUTABLE_SUFFIX_CXX .wasm)
