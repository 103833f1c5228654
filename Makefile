# Placeholder until the house's commands are written.
.PHONY: schema
schema:
	cmake -S core -B build/native -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >/dev/null
	ninja -C build/native hearth-schema
	build/native/host/hearth-schema > packages/hearth/src/abi.generated.ts
