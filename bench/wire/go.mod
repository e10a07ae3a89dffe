module roadstead.io/bench/wire

go 1.26.0
