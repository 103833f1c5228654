// Assertions for our own bugs; never for input, which is a Result.
#pragma once

/// Traps when `condition` is false, in every build: a wrong index must not become a wrong answer.
#define HEARTH_CHECK(condition) \
  do {                          \
    if (!(condition)) {         \
      __builtin_trap();         \
    }                           \
  } while (false)
