"""Writes core/src/quant/dequantize_vectors.inc: random blocks of every type that Hearth dequantizes, and
the floats that the Python package `gguf` makes of them. Needs: pip install numpy gguf.

    python3 scripts/make_quant_vectors.py > core/src/quant/dequantize_vectors.inc

The packed scales and quants are random bits, so every code occurs. The halves take turns: ordinary,
the largest finite with its sign, the smallest subnormal, and infinity, whose products with zero are NaN.
"""

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

BLOCKS = 4  # one for each kind of scale in HALVES
HALVES = [(0.0123, -0.0456), (-65504.0, 65504.0), (6e-8, 6e-8), (np.inf, 1.5)]
# Where the halves of a block are, in bytes.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2],
          "Q5_K": [0, 2], "Q6_K": [208], "Q2_K": [80, 82], "Q3_K": [108], "IQ4_NL": [0],
          "IQ4_XS": [0], "MXFP4": []}
# MXFP4's scales are exponents: both subnormals, an ordinary one, and the last, whose products overflow.
EXPONENTS = [0, 1, 120, 255]
FLOATS = {"F16": 2, "BF16": 2, "F64": 8, "F32": 4}


def hex_lines(data: bytes) -> str:
    text = data.hex()
    return "\n".join(f'     "{text[i:i + 88]}"' for i in range(0, len(text), 88))


def floats_of(name: str, data: np.ndarray) -> np.ndarray:
    if name == "F64":  # no type of its own in gguf.quants: numpy's conversion is the reference
        return data.view(np.float64).astype(np.float32)
    return np.asarray(dequantize(data, GGMLQuantizationType[name]), dtype=np.float32).reshape(-1)


def main() -> None:
    rng = np.random.default_rng(2026)
    np.seterr(all="ignore")
    print("// Made by scripts/make_quant_vectors.py: type, blocks, floats.")
    for name, offsets in SCALES.items():
        size = GGML_QUANT_SIZES[GGMLQuantizationType[name]][1]
        data = rng.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
        for block, halves in enumerate(HALVES):
            for offset, half in zip(offsets, halves):
                data[block, offset:offset + 2] = np.array([half], np.float16).view(np.uint8)
            if name == "MXFP4":
                data[block, 0] = EXPONENTS[block]
        print_case(name, data.reshape(-1))
    for name, size in FLOATS.items():
        data = rng.integers(0, 256, 32 * size, dtype=np.uint8)
        if name == "F64":  # random bits would hardly ever be in a float's range
            data = (rng.standard_normal(32) * 10.0 ** rng.uniform(-46, 40, 32)).view(np.uint8)
        print_case(name, data)


def print_case(name: str, data: np.ndarray) -> None:
    print(f"{{DType::k{name},\n{hex_lines(data.tobytes())},\n{hex_lines(floats_of(name, data).tobytes())}}},")


if __name__ == "__main__":
    main()
