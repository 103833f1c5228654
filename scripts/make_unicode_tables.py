"""Writes the core's Unicode table from the Unicode Character Database.

    python3 scripts/make_unicode_tables.py UCD_DIRECTORY OUTPUT.inc

UCD_DIRECTORY holds UnicodeData.txt, PropList.txt and DerivedCoreProperties.txt as published at
https://www.unicode.org/Public/ (Debian: package unicode-data). The output is a two-stage table of
one byte a code point, described in core/src/text/unicode.h. CMake runs this; the output lives in
the build tree and is never committed.
"""

import re
import sys
from pathlib import Path

# The order of `GeneralCategory` in core/src/text/unicode.h, which asserts the count.
CATEGORIES = (
    "Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co"
).split()
WORD = 0x20  # \w of UTS #18, Annex C
SPACE = 0x40  # White_Space
CODE_POINTS = 0x110000
# 128 code points a block: of the powers of two, the smallest sum of both stages (42 KB).
BLOCK = 128


def properties(path, wanted):
    """Yields (property, first, last) for the wanted properties of a UCD property file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)", line)
        if match and match[3] in wanted:
            first = int(match[1], 16)
            yield match[3], first, int(match[2], 16) if match[2] else first


def category_table(path):
    """The general category's index of each code point."""
    table = bytearray(CODE_POINTS)
    first = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split(";")
        code = int(fields[0], 16)
        # A range is two lines, "<…, First>" and "<…, Last>".
        if fields[1].endswith(", First>"):
            first = code
            continue
        start = first if fields[1].endswith(", Last>") else code
        table[start : code + 1] = bytes([CATEGORIES.index(fields[2])]) * (code + 1 - start)
    return table


def emit(name, ctype, values, out):
    out.append(f"inline constexpr {ctype} {name}[{len(values)}] = {{")
    for at in range(0, len(values), 24):
        out.append(",".join(str(value) for value in values[at : at + 24]) + ",")
    out.append("};")


def main():
    directory, output = Path(sys.argv[1]), Path(sys.argv[2])
    categories = category_table(directory / "UnicodeData.txt")
    table = bytearray(categories)
    in_word = {CATEGORIES.index(name) for name in ("Mn", "Mc", "Me", "Nd", "Pc")}
    for code, category in enumerate(categories):
        if category in in_word:
            table[code] |= WORD
    for _, first, last in properties(directory / "DerivedCoreProperties.txt", {"Alphabetic"}):
        for code in range(first, last + 1):
            table[code] |= WORD
    wanted = {"White_Space": SPACE, "Join_Control": WORD}
    for name, first, last in properties(directory / "PropList.txt", wanted):
        for code in range(first, last + 1):
            table[code] |= wanted[name]

    blocks, index = {}, []
    for at in range(0, CODE_POINTS, BLOCK):
        index.append(blocks.setdefault(bytes(table[at : at + BLOCK]), len(blocks)))
    assert len(blocks) <= 0x10000
    version = (directory / "PropList.txt").read_text(encoding="utf-8").split("\n", 1)[0]
    version = re.search(r"-(\d+\.\d+\.\d+)\.txt", version)[1]

    out = [
        f"// Unicode {version}, written by scripts/make_unicode_tables.py.",
        f'inline constexpr char kUnicodeVersion[] = "{version}";',
        f"inline constexpr unsigned kCategoryCount = {len(CATEGORIES)};",
        f"inline constexpr unsigned kBlockSize = {BLOCK};",
    ]
    emit("kBlockIndex", "std::uint8_t" if len(blocks) <= 256 else "std::uint16_t", index, out)
    emit("kBlocks", "std::uint8_t", b"".join(blocks), out)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(out) + "\n", encoding="utf-8")
    if "--sizes" in sys.argv:
        print(len(blocks), "blocks", len(index) * (1 + (len(blocks) > 256)) + len(blocks) * BLOCK)


if __name__ == "__main__":
    main()
