module gate.example/verify

go 1.19
