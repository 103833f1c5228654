enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires subgroup_id;

// Prelude of `matmul_subgroup_matrix`: what WGSL wants named before all else.
