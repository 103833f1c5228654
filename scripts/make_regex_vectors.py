"""Writes core/src/text/regex_vectors.inc: what the `tokenizers` library makes of expressions.

    pip install --target FOLDER tokenizers==0.23.3
    PYTHONPATH=FOLDER python3 scripts/make_regex_vectors.py core/src/text/regex_vectors.inc

Each vector is an expression, a text, and the pieces into which Split cuts the text: the byte at
which each ends, with + for a match and - for what lies between. The characters of the texts are
older than Unicode 15, which the core's tables have; the library's are newer.
"""

import random
import sys
from pathlib import Path

from tokenizers import Regex, pre_tokenizers

# Those of models: GPT-2, Llama 3 and cl100k_base, Qwen 2, o200k_base, DeepSeek V3, CLIP, BLOOM,
# Kimi K2, and ways to cut numbers into threes from their end.
LETTERS = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
MODELS = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    ENDINGS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES,
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+",
    rf"[^\r\n\p{{L}}\p{{N}}]?{LETTERS[0]}*{LETTERS[1]}+{ENDINGS}?|"
    rf"[^\r\n\p{{L}}\p{{N}}]?{LETTERS[0]}+{LETTERS[1]}*{ENDINGS}?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES,
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
    r" ?[\p{P}\p{S}]+[\r\n]*|" + SPACES,
    r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    " ?[^(\\s|[.,!?…。，、।۔،])]+",
    r"[\p{Han}]+|[\p{Lu}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{M}&&[^\p{Han}]]+|\p{N}{1,3}|\s+(?!\S)|\s+",
    r"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))",
    r"\d{1,3}(?=(?:\d{3})*\b)",
    "[一-龥぀-ゟ゠-ヿ]+",
    " {2,}",
]
# A construct each, with texts that tell its readings apart.
CONSTRUCTS = r"""
^a ¦ a$ ¦ a\Z ¦ a\z ¦ \Aa ¦ ^ ¦ $ ¦ \n$ ¦ a(?i)b|c ¦ (?:(?i)b|c)d ¦ a.b ¦ (?m)a.b ¦ a* ¦ a| ¦ x*
(?<=a|bc)d ¦ (?<!a)d ¦ (?<=\s\S)a ¦ a{,2} ¦ a{2}+ ¦ a{1,2}+a ¦ a{ ¦ a{x} ¦ a{2}?b ¦ a{1,2}? ¦ [a-]
[]a] ¦ [^]a] ¦ [a&&b] ¦ [&&a] ¦ [a-z&&[^aeiou]] ¦ [^a-z&&[^aeiou]] ¦ [a-c-e] ¦ [\d-] ¦ [^[:alpha:]]
[[:^alpha:]]+ ¦ [[:punct:]]+ ¦ [[:graph:]]+ ¦ [[:print:]]+ ¦ [[:cntrl:]] ¦ [[:upper:]]+
[[:lower:]]+ ¦ [[:alnum:]]+ ¦ [[:word:]]+ ¦ \b\w+\b ¦ \B ¦ (a|ab)(c|bcd)(d*) ¦ (?>a+)ab
(?>a|ab)c ¦ \p{^L} ¦ \P{^L} ¦ (?#c)a ¦ \R ¦ \N+ ¦ \O ¦ \h+ ¦ (?i)[a-z]+ ¦ (?i)k ¦ (?i)[^k]
(?i)\p{Lu} ¦ \s+(?!\S) ¦ \s+$ ¦ (?=a) ¦ (?!a) ¦ (?:a?){2} ¦ a?+a ¦ a??b ¦ \w+ ¦ \W+ ¦ [\w]+ ¦ [^\w]+
\d+ ¦ \D+ ¦ \p{Cyrillic}+ ¦ \p{Punct}+ ¦ \p{S}+ ¦ \p{Lu}\p{Ll}* ¦ (?<n>a)b ¦ (?'n'a)b ¦ \u0041 ¦ \x41
\x{e9} ¦ (?:a|b)*?c ¦ (?:ab)+?a ¦ (?:ab|a)++b ¦ (?=a(?=b))\w ¦ (?!ab)\w+
"""
TEXTS = [
    "abab aab",
    "Hello, world! it's I'LL we've\n\n  x  \t y\r\n",
    "ab\ncd\n",
    "bcd ad dd aabcd aaaaab c aac abc Bd Cd",
    "x12345 1234567 12, 1.234a5",
    "Привет мир 中文字 ひらがな カタカナ é e\u0301 K\u212a ſ ǅ ²³¼ ٣٤ Ⅷ",
    "😀👩\u200d👧 a\u200db \u00a0\u3000\u2028x\x85y\x00z\x1b",
    "B]-{x}a{2 &&c foo[bar]; 'ſ 's HTTPServer don'T  ",
]


def pieces(expression, text):
    """The pieces, or None when the library refuses the expression."""
    try:
        regex = Regex(expression)
    except BaseException:  # the library raises a bare Exception, and panics on some
        return None
    kept = {at for _, at in pre_tokenizers.Split(regex, "removed").pre_tokenize_str(text)}
    cut = [at for _, at in pre_tokenizers.Split(regex, "isolated").pre_tokenize_str(text)]
    end = lambda at: len(text[:at].encode())
    return " ".join(f"{end(b)}{'-' if (a, b) in kept else '+'}" for a, b in cut if a < b)


def random_expression(dice, depth):
    atoms = ["a", "b", ".", "[ab]", "[^a]", r"\w", r"\s", r"\b", "$", "^", "é", "(?=b)", "(?<!b)"]
    kind = dice.randrange(10)
    if depth == 0 or kind < 3:
        return dice.choice(atoms)
    inner = [random_expression(dice, depth - 1) for _ in range(dice.randint(1, 3))]
    if kind < 6:
        return "".join(inner)
    if kind < 7:
        return f"(?:{'|'.join(inner)})"
    if kind < 9:
        return f"(?:{inner[0]})" + dice.choice("* + ? *? +? ?? *+ ++ ?+ {1,2} {2} {2,}".split())
    return dice.choice(["(?=", "(?!", "(?>"]) + inner[0] + ")"


def quoted(text):
    """A C++ literal: raw, unless there are control characters to escape."""
    if all(c >= " " and c not in "\x7f\x85\u200b\u200d\u2028" for c in text):
        return f'R"re({text})re"'
    plain = lambda byte: byte >= 0x20 and byte not in b'"\\?\x7f'
    return '"' + b"".join(
        bytes([b]) if plain(b) else f"\\{b:03o}".encode() for b in text.encode()
    ).decode() + '"'


def main():
    cases = [(expression, text) for expression in MODELS for text in TEXTS]
    for construct in CONSTRUCTS.replace("\n", " ¦ ").split(" ¦ "):
        if construct.strip():
            # Those texts in which it finds something, two at most.
            cuts = [text for text in TEXTS if "+" in (pieces(construct, text) or "")]
            cases += [(construct, text) for text in (cuts or TEXTS)[:2]]
    dice = random.Random(1)
    while len(cases) < 480:
        text = "".join(dice.choice("aaabbb é 1\n") for _ in range(dice.randint(4, 16)))
        cases.append((random_expression(dice, 3), text))
    lines = ["// Written by scripts/make_regex_vectors.py, which says what this is."]
    for expression, text in cases:
        expected = pieces(expression, text)
        if expected is not None:
            lines.append(f'{{{quoted(expression)}, {quoted(text)}sv, "{expected}"}},')
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
