"""Writes the tables that regular expressions need beside categories: scripts and case folding.

    python3 scripts/make_regex_tables.py UCD_DIRECTORY OUTPUT.inc

UCD_DIRECTORY is as for make_unicode_tables.py, with Scripts.txt, PropertyValueAliases.txt and
CaseFolding.txt as well. core/src/text/char_set.cc says how each table is read. CMake runs this; the
output lives in the build tree and is never committed.
"""

import sys
from pathlib import Path

from make_unicode_tables import CATEGORIES, category_table, emit, properties


def fields_of(path):
    """Yields the fields of each line of a UCD file, without comments."""
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = [field.strip() for field in line.split("#", 1)[0].split(";")]
        if len(fields) > 1:
            yield fields


def plain(name):
    """A name as it is compared: without case, spaces, hyphens and underscores (UAX #44, LM3)."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def scripts(directory):
    """Names and short names with their numbers; and where each range of a script starts."""
    aliases = {}
    for fields in fields_of(directory / "PropertyValueAliases.txt"):
        if fields[0] == "sc":
            aliases[fields[2]] = {plain(name) for name in fields[1:]}
    ranges = []
    for line in fields_of(directory / "Scripts.txt"):
        first, _, last = line[0].partition("..")
        ranges.append((int(first, 16), int(last or first, 16), line[1]))
    ranges.sort()
    numbers = {name: at + 1 for at, name in enumerate(sorted({name for _, _, name in ranges}))}
    starts, end = [], 0  # 0 is no script
    for first, last, name in ranges:
        if first > end:
            starts.append((end, 0))
        if first == end and starts and starts[-1][1] == numbers[name]:
            end = last + 1
            continue
        starts.append((first, numbers[name]))
        end = last + 1
    starts.append((end, 0))
    names = sorted((alias, numbers[name]) for name in numbers for alias in aliases[name])
    return names, starts


def merged(codes):
    """Sorted code points as [first, last, first, last, …]."""
    out = []
    for code in sorted(codes):
        if out and out[-1] == code - 1:
            out[-1] = code
        else:
            out += [code, code]
    return out


def main():
    directory, output = Path(sys.argv[1]), Path(sys.argv[2])
    categories = [CATEGORIES[at] for at in category_table(directory / "UnicodeData.txt")]
    out = ["// Written by scripts/make_regex_tables.py."]

    names, starts = scripts(directory)
    out.append("inline constexpr NamedScript kScriptNames[] = {")
    out += [f'{{"{name}", {number}}},' for name, number in names]
    out.append("};")
    # 21 bits of code point, then 8 of script.
    assert max(number for _, number in starts) < 256
    emit("kScriptStarts", "std::uint32_t", [code << 8 | number for code, number in starts], out)

    # What these properties have beside whole categories.
    beside = {
        "Alphabetic": ("kOtherAlphabetic", ("Lu", "Ll", "Lt", "Lm", "Lo", "Nl")),
        "Lowercase": ("kOtherLowercase", ("Ll",)),
        "Uppercase": ("kOtherUppercase", ("Lu",)),
    }
    codes = {name: set() for name in beside}
    for name, first, last in properties(directory / "DerivedCoreProperties.txt", set(beside)):
        codes[name].update(range(first, last + 1))
    for name, (table, whole) in beside.items():
        assert all(c in codes[name] for c, category in enumerate(categories) if category in whole)
        rest = merged(code for code in codes[name] if categories[code] not in whole)
        emit(table, "char32_t", rest, out)

    simple, first_two, expanded = [], set(), []
    for code, status, mapping, *_ in fields_of(directory / "CaseFolding.txt"):
        to = [int(part, 16) for part in mapping.split()]
        if status in "CS":
            simple += [int(code, 16), to[0]]
        elif status == "F":
            expanded.append(int(code, 16))
            first_two.add((to[0], to[1]))
    emit("kSimpleFolds", "char32_t", simple, out)
    emit("kExpandingFolds", "char32_t", expanded, out)
    emit("kExpandedPairs", "char32_t", [code for pair in sorted(first_two) for code in pair], out)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(out) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
