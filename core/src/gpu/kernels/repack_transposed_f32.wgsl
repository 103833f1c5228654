// A matrix of floats that the file has as (K, ROWS), as GPT-2 does, and the kernels as (ROWS, K).
//
// A unit is two of the file's rows, which become two columns. Of the matrix's ROWS rows, N from FROM
// on go to the rows of this piece from TO on.

override K: u32 = 4;
override ROWS: u32 = 1;
override FROM: u32 = 0;
override N: u32 = 1;
override TO: u32 = 0;

override SOURCE_BYTES: u32 = 8u * ROWS;

fn repack_unit(unit: u32, source: u32) {
  for (var n = 0u; n < N; n++) {
    let to = (TO + n) * K + 2u * unit;
    codes[to] = word_at(source + 4u * (FROM + n));
    codes[to + 1u] = word_at(source + 4u * (ROWS + FROM + n));
  }
}
