// What Debian's compiler-rt archive for wasm expects of the C runtime: it was built with the stack
// protector, and wasi-libc 2022 defines neither symbol. wasm's own call stack cannot be smashed, so
// the guard's value does not matter.
#include <stdint.h>

uintptr_t __stack_chk_guard = 0x5bd1e995;

_Noreturn void __stack_chk_fail(void) { __builtin_trap(); }
