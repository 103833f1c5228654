"""Writes a GGUF with every tensor as 32-bit floats: widen.py FROM TO. Needs PyPI's gguf and numpy.

llama.cpp rounds activations to 8 bits where weights are quantized, and computes in floats where they
are not. So its figures for the widened file are what the quantized weights stand for.
"""
import sys

import numpy as np
from gguf import GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize

source, target = sys.argv[1:]
reader = GGUFReader(source)
writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
for key, field in reader.fields.items():
    if key.startswith("GGUF.") or key == "general.architecture":
        continue
    kind = field.types[0]
    if kind == GGUFValueType.ARRAY:
        writer.add_array(key, field.contents())
    else:
        writer.add_key_value(key, field.contents(), kind)
for tensor in reader.tensors:
    values = dequantize(tensor.data, tensor.tensor_type)
    writer.add_tensor(tensor.name, values.astype(np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
