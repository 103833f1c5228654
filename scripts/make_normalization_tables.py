"""Writes the tables of Unicode normalization, case and text segmentation from the Unicode database.

    python3 scripts/make_normalization_tables.py UCD_DIRECTORY OUTPUT.inc

UCD_DIRECTORY is as published at https://www.unicode.org/Public/ (Debian: package unicode-data). The
output is described in core/src/text/normalization.cc. CMake runs this; the output lives in the
build tree and is never committed.
"""

import re
import sys
from pathlib import Path

CODE_POINTS = 0x110000
# 128 code points a block, as in make_unicode_tables.py.
BLOCK = 128
# Flags of a code point, as core/src/text/normalization.h numbers them.
NOT_NFD, NOT_NFC, NOT_NFKD, NOT_NFKC, AFTER_UNICODE_8, PICTOGRAPHIC = (1 << i for i in range(6))
# The order of `GraphemeBreak` in core/src/text/normalization.h.
BREAKS = (
    "Other CR LF Control Extend ZWJ Regional_Indicator Prepend SpacingMark L V T LV LVT"
).split()


def properties(path):
    """Yields (first, last, values) for each line of a UCD property file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        match = re.fullmatch(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?", fields[0])
        if match and len(fields) > 1:
            first = int(match[1], 16)
            yield first, int(match[2], 16) if match[2] else first, fields[1:]


class Database:
    def __init__(self, directory):
        self.classes = bytearray(CODE_POINTS)
        self.flags = bytearray(CODE_POINTS)
        self.breaks = bytearray(CODE_POINTS)
        self.lower = {}
        self.canonical = {}  # one step
        self.compatible = {}
        self.excluded = set()
        self.read_characters(directory / "UnicodeData.txt")
        self.read_normalization(directory / "DerivedNormalizationProps.txt")
        self.read_ages(directory / "DerivedAge.txt")
        for first, last, values in properties(
            directory / "auxiliary" / "GraphemeBreakProperty.txt"
        ):
            self.breaks[first : last + 1] = bytes([BREAKS.index(values[0])]) * (last + 1 - first)
        for first, last, values in properties(directory / "emoji" / "emoji-data.txt"):
            if values[0] == "Extended_Pictographic":
                self.mark(first, last, PICTOGRAPHIC)

    def mark(self, first, last, flag):
        for code in range(first, last + 1):
            self.flags[code] |= flag

    def read_characters(self, path):
        for line in path.read_text(encoding="utf-8").splitlines():
            fields = line.split(";")
            code = int(fields[0], 16)
            self.classes[code] = int(fields[3])
            if fields[5]:
                parts = fields[5].split()
                compatible = parts[0].startswith("<")
                codes = [int(part, 16) for part in parts[compatible:]]
                (self.compatible if compatible else self.canonical)[code] = codes
            if fields[13]:
                self.lower[code] = int(fields[13], 16)

    def read_normalization(self, path):
        checks = {"NFD_QC": NOT_NFD, "NFC_QC": NOT_NFC, "NFKD_QC": NOT_NFKD, "NFKC_QC": NOT_NFKC}
        for first, last, values in properties(path):
            if values[0] in checks:  # the values listed are No and Maybe
                self.mark(first, last, checks[values[0]])
            elif values[0] == "Full_Composition_Exclusion":
                self.excluded.update(range(first, last + 1))

    def read_ages(self, path):
        for first, last, values in properties(path):
            version = int(values[0].split(".")[0])
            if version > 8:
                self.mark(first, last, AFTER_UNICODE_8)
            # The reference normalizes by Unicode 9: to it later characters are not assigned, which
            # neither decompose nor combine.
            if version > 9:
                for code in range(first, last + 1):
                    self.classes[code] = 0
                    self.flags[code] &= ~(NOT_NFD | NOT_NFC | NOT_NFKD | NOT_NFKC)
                    self.canonical.pop(code, None)
                    self.compatible.pop(code, None)

    def decomposed(self, code, compatible):
        step = self.canonical.get(code)
        if step is None and compatible:
            step = self.compatible.get(code)
        if step is None:
            return [code]
        return [part for inner in step for part in self.decomposed(inner, compatible)]

    def decompositions(self, compatible):
        """(code, text) of those that change; the compatible ones, where they are others."""
        for code in sorted({**self.canonical, **self.compatible}):
            full = self.decomposed(code, compatible)
            if full != [code] and not (compatible and full == self.decomposed(code, False)):
                yield code, full

    def compositions(self):
        for code, parts in self.canonical.items():
            if len(parts) == 2 and code not in self.excluded:
                yield parts[0], parts[1], code


def emit(name, ctype, values, out):
    out.append(f"inline constexpr {ctype} {name}[{len(values)}] = {{")
    for at in range(0, len(values), 16):
        out.append(",".join(str(value) for value in values[at : at + 16]) + ",")
    out.append("};")


def emit_decompositions(name, entries, out):
    codes, ends, pool = [], [], []
    for code, parts in entries:
        codes.append(code)
        pool += parts
        ends.append(len(pool))
    assert len(pool) < 0x10000
    emit(f"k{name}Codes", "char32_t", codes, out)
    emit(f"k{name}Ends", "std::uint16_t", ends, out)
    emit(f"k{name}Parts", "char32_t", pool, out)


def main():
    data = Database(Path(sys.argv[1]))
    kinds, blocks, index = {}, {}, []
    table = bytearray(CODE_POINTS)
    for code in range(CODE_POINTS):
        kind = (data.classes[code], data.flags[code], data.breaks[code])
        table[code] = kinds.setdefault(kind, len(kinds))
    for at in range(0, CODE_POINTS, BLOCK):
        index.append(blocks.setdefault(bytes(table[at : at + BLOCK]), len(blocks)))
    assert len(kinds) <= 256 and len(blocks) <= 0x10000

    out = ["// Written by scripts/make_normalization_tables.py."]
    out.append(f"inline constexpr unsigned kKindBlockSize = {BLOCK};")
    emit("kKindIndex", "std::uint16_t", index, out)
    emit("kKindBlocks", "std::uint8_t", b"".join(blocks), out)
    emit("kKinds", "CharKind", ["{%d,%d,GraphemeBreak{%d}}" % kind for kind in kinds], out)
    emit_decompositions("Canonical", data.decompositions(False), out)
    emit_decompositions("Compatible", data.decompositions(True), out)
    compositions = sorted(data.compositions())
    pairs = [f"{first << 32 | second}u" for first, second, _ in compositions]
    emit("kComposedPairs", "std::uint64_t", pairs, out)
    emit("kComposedCodes", "char32_t", [code for _, _, code in compositions], out)
    lower = sorted(data.lower.items())
    emit("kUpperCodes", "char32_t", [code for code, _ in lower], out)
    emit("kLowerCodes", "char32_t", [code for _, code in lower], out)
    output = Path(sys.argv[2])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(out) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
