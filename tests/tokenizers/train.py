"""Trains the kinds of tokenizers that npm has no files of, each as its model's own is built.

    python3 train.py CORPUS OUTPUT NAME …

CORPUS is as for reference.py; OUTPUT/NAME.json is written for each of the functions named. A vocabulary of a few thousand
tokens exercises every component; that of the real ones would only take longer.
"""

import sys
from pathlib import Path

from reference import documents
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers

# Every sixth document: enough words for the vocabularies, and words that are in none.
STRIDE = 6


def bert():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=8000, special_tokens=specials)
    return tokenizer, trainer, lambda: processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))


def t5():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=6000, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>"
    )
    ends = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer, trainer, lambda: ends


def gpt2():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=8000,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    return tokenizer, trainer, lambda: processors.ByteLevel(trim_offsets=False)


def roberta():
    tokenizer, trainer, _ = gpt2()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer.special_tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    return tokenizer, trainer, lambda: processors.RobertaProcessing(("</s>", 2), ("<s>", 0))


def clip():
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=8000,
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
    )
    ends = ("<|endoftext|>", 1), ("<|startoftext|>", 0)
    return tokenizer, trainer, lambda: processors.RobertaProcessing(*ends, False, False)


def main():
    corpus, output, *names = sys.argv[1:]
    texts = list(documents(corpus))[::STRIDE]
    for make in (globals()[name] for name in names):
        tokenizer, trainer, processor = make()
        trainer.show_progress = False
        tokenizer.train_from_iterator(texts, trainer)
        tokenizer.post_processor = processor()
        tokenizer.save(str(Path(output) / f"{make.__name__}.json"))


if __name__ == "__main__":
    main()
