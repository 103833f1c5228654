"""Times the `tokenizers` library: tokenizers-pypi.py TOKENIZER.json CORPUS SECONDS.

Prints what core/bench/tokenizer_bench.cc prints, for the same passes. One thread:
TOKENIZERS_PARALLELISM=false is set by bench/tokenizers.mjs.
"""

import struct
import sys
import time
from pathlib import Path

from tokenizers import Tokenizer


def main():
    path, corpus, seconds = sys.argv[1:]
    data, texts, at = Path(corpus).read_bytes(), [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        texts.append(data[at + 4 : at + 4 + size].decode())
        at += 4 + size
    tokenizer = Tokenizer.from_file(path)
    size = sum(len(text.encode()) for text in texts)
    best, until = float("inf"), time.perf_counter() + float(seconds)
    while True:
        start = time.perf_counter()
        # The one that keeps no offsets, as the others keep none here.
        tokens = sum(len(one.ids) for one in tokenizer.encode_batch_fast(texts))
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() > until:
            break
    print(f"{size / 1e6 / best:.2f} MB/s {tokens} tokens")


if __name__ == "__main__":
    main()
