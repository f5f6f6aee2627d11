package gate_test

import data.gate

test_small if gate.decision.allow with input as {"amounts": {"qty_nanos": 1000000000}}

test_large if not gate.decision.allow with input as {"amounts": {"qty_nanos": 101000000000}}
