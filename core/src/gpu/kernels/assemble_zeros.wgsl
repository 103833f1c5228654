// The zero points of a matrix from its `qzeros`, as halves, which hold such numbers exactly. Follows
// `assemble_halves`.

override LESS_ONE: u32 = 0;  // the tensor has each less one

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row = group.y * WG + lane;
  if (row >= ROWS) {
    return;
  }
  for (var i = group.x; i < slice.units; i += groups.x) {
    let first = slice.source_offset / 4u + i * (OF * BITS / 32u);
    // A zero of 0 less one is all ones, as there are no more bits.
    let zero = extractBits(across(first, FROM + row) + LESS_ONE, 0u, BITS);
    // Bytes are signed in the plane.
    let value = f32(zero) - select(0.0, 128.0, WIDE == 1u);
    store_halves(row, slice.first_unit + i, pack2x16float(vec2f(value, 0.0)), 16u);
  }
}
