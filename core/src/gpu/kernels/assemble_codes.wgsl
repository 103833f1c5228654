// The codes of a matrix from its `qweight`: a unit is 32 columns. Follows `assemble`. Bindings: 2
// codes, 3 order (a dummy unless ORDERED).
//
// With ORDERED, place i of a row has column order[i] of the tensor, so that a slice's columns go
// anywhere: each slice passes over all blocks and adds what it has of them.

override ORDERED: u32 = 0;

@group(0) @binding(2) var<storage, read_write> codes: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;

// Column `column` of the slice.
fn code_at(column: u32, row: u32) -> u32 {
  let first = slice.source_offset / 4u;
  if (AWQ == 1u) {
    return across(first + column * (OF / 8u), row);
  }
  return bits_at(first + row, OF, column * BITS);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row = group.y * WG + lane;
  if (row >= ROWS) {
    return;
  }
  let blocks = select(slice.units, K / BLOCK, ORDERED == 1u);
  let first_block = select(slice.first_unit, 0u, ORDERED == 1u);
  for (var i = group.x; i < blocks; i += groups.x) {
    let block = first_block + i;
    var words = array<u32, 8>();
    for (var place = 0u; place < BLOCK; place++) {
      var column = block * BLOCK + place;
      if (ORDERED == 1u) {
        column = order[column];
      }
      // Wraps below the slice's first, and is then past its end too.
      column -= slice.first_unit * BLOCK;
      if (column >= slice.units * BLOCK) {
        continue;
      }
      let code = code_at(column, FROM + row);
      if (WIDE == 1u) {
        // Bytes are signed in the plane.
        words[place / 4u] |= (code ^ 0x80u) << (place % 4u * 8u);
      } else {
        words[place % 16u / 4u] |= code << (place % 4u * 8u + place / 16u * 4u);
      }
    }
    let count = select(4u, 8u, WIDE == 1u);
    let at = ((TO + row) * (K / BLOCK) + block) * count;
    for (var word = 0u; word < count; word++) {
      codes[at + word] |= words[word];
    }
  }
}
