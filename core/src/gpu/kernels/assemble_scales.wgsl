// The scales of a matrix as halves: halves as they are, others rounded. Follows `assemble_halves`.

override TYPE: u32 = 1;  // of the tensor: 0 float, 1 half, 2 bfloat16

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row = group.y * WG + lane;
  if (row >= ROWS) {
    return;
  }
  for (var i = group.x; i < slice.units; i += groups.x) {
    let first = slice.source_offset / 4u;
    let element = i * OF + FROM + row;
    var half = 0u;
    if (TYPE == 0u) {
      half = pack2x16float(vec2f(bitcast<f32>(staging[first + element]), 0.0));
    } else {
      let bits = extractBits(staging[first + element / 2u], element % 2u * 16u, 16u);
      half = select(pack2x16float(vec2f(bitcast<f32>(bits << 16u), 0.0)), bits, TYPE == 1u);
    }
    store_halves(row, slice.first_unit + i, half, 0u);
  }
}
