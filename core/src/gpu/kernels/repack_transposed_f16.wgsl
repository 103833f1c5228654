// As repack_transposed_f32.wgsl, for halves and bfloat16: the two columns share a word.
//
// A unit is two of the file's rows, which become two columns. Of the matrix's ROWS rows, N from FROM
// on go to the rows of this piece from TO on.

override K: u32 = 4;
override ROWS: u32 = 1;
override FROM: u32 = 0;
override N: u32 = 1;
override TO: u32 = 0;

override SOURCE_BYTES: u32 = 4u * ROWS;

fn repack_unit(unit: u32, source: u32) {
  for (var n = 0u; n < N; n++) {
    let first = half_at(source + 2u * (FROM + n));
    let second = half_at(source + 2u * (ROWS + FROM + n));
    codes[(TO + n) * K / 2u + unit] = first | (second << 16u);
  }
}
