"""What the `tokenizers` library makes of the corpus.

    python3 reference.py CORPUS OUTPUT TOKENIZER.json …

CORPUS holds documents, each behind its length in bytes; every number is a little-endian u32. For
each tokenizer OUTPUT/N holds, for each document in turn: a count and the token ids with special
tokens; where each token begins and ends, in characters; then the length and bytes of those ids decoded
again, without special tokens.
"""

import struct
import sys
from array import array
from pathlib import Path

from tokenizers import Tokenizer


def documents(path):
    data = Path(path).read_bytes()
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        yield data[at + 4 : at + 4 + size].decode()
        at += 4 + size


def main():
    corpus, output, *paths = sys.argv[1:]
    texts = list(documents(corpus))
    for number, path in enumerate(paths):
        tokenizer = Tokenizer.from_file(path)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        # Batches run on all cores.
        encoded = tokenizer.encode_batch(texts)
        decoded = tokenizer.decode_batch([one.ids for one in encoded], skip_special_tokens=True)
        with open(Path(output) / str(number), "wb") as out:
            for one, text in zip(encoded, decoded):
                offsets = (at for span in one.offsets for at in span)
                values = array("I", [len(one.ids), *one.ids, *offsets])
                if sys.byteorder == "big":
                    values.byteswap()
                body = text.encode()
                out.write(values.tobytes() + struct.pack("<I", len(body)) + body)
        print(path, sum(len(one.ids) for one in encoded), "tokens", file=sys.stderr)


if __name__ == "__main__":
    main()
