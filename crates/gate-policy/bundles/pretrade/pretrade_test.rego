# Tests of pretrade.rego over data of their own: what a broker changes in data.json must not fail
# them. Gate runs them before the bundle is put in force; `opa test .` runs them too.

package gate_test

import data.gate

limits := {"default": {
	"max_order_qty": "100",
	"max_order_notional": 50000,
	"max_exposure": "100000.5",
	"price_collar_pct": "2.5",
	"max_orders_per_second": 10,
}}

instruments := {
	"AAPL": {"reference_price": "185.00"},
	"ES": {"reference_price": "20", "contract_size": "50"},
	"NEW": {},
}

# An order as Gate gives it, with the amounts in exact integers.
order(symbol, qty, price) := {
	"order": {"client_order_id": "o-1", "symbol": symbol, "side": "BUY", "qty": qty, "price": price},
	"context": {"client_id": "c1"},
	"exposure": {"reserved": 0, "filled": 0, "gross": 0, "open_orders": 0, "orders_last_second": 0},
	"amounts": {
		"qty_nanos": round(qty * 1000000000),
		"price_nanos": round(price * 1000000000),
		"notional_micros": round((qty * price) * 1000000),
		"reserved_micros": 0,
		"filled_micros": 0,
		"gross_micros": 0,
	},
	"now_ns": 1700000000000000000,
}

reasons_against(document) := found if {
	found := gate.reasons with input as document
		with data.limits as limits
		with data.instruments as instruments
		with data.restricted_symbols as {"GME": true}
		with data.suspended_clients as {"bad1": true}
}

test_allows_an_order_within_every_limit if reasons_against(order("AAPL", 100, 185.5)) == set()

test_decision_names_the_verdict_and_the_reasons if {
	document := order("AAPL", 1, 185)
	decision := gate.decision with input as document
		with data.limits as limits
		with data.instruments as instruments
		with data.restricted_symbols as {}
		with data.suspended_clients as {}
	decision == {"allow": true, "reasons": set()}
}

test_quantity_at_the_limit_and_one_above if {
	reasons_against(order("AAPL", 100, 185)) == set()
	reasons_against(order("AAPL", 101, 185)) == {"max_order_qty"}
}

test_notional_above_the_limit if reasons_against(order("AAPL", 300, 185)) == {"max_order_qty", "max_order_notional"}

test_exposure_at_the_limit_and_a_micro_above if {
	base := order("AAPL", 1, 185)
	at := object.union(base, {"amounts": {"gross_micros": 100000500000 - 185000000}})
	above := object.union(base, {"amounts": {"gross_micros": (100000500000 - 185000000) + 1}})
	reasons_against(at) == set()
	reasons_against(above) == {"max_exposure"}
}

test_collar_at_its_edge_and_beyond if {
	reasons_against(order("AAPL", 1, 189.625)) == set()
	reasons_against(order("AAPL", 1, 189.63)) == {"price_collar"}
	reasons_against(order("AAPL", 1, 180.37)) == {"price_collar"}
}

test_no_reference_price if reasons_against(order("NEW", 1, 1)) == {"reference_price_missing"}

test_unknown_instrument if reasons_against(order("WHAT", 1, 1)) == {"instrument_unknown", "reference_price_missing"}

test_order_rate if {
	busy := object.union(order("AAPL", 1, 185), {"exposure": {"orders_last_second": 10}})
	reasons_against(busy) == {"order_rate"}
}

test_restricted_symbol if "restricted_symbol" in reasons_against(order("GME", 1, 22))

test_suspended_client if {
	suspended := object.union(order("AAPL", 1, 185), {"context": {"client_id": "bad1"}})
	reasons_against(suspended) == {"client_suspended"}
}

test_no_limits_at_all if {
	gate.reasons == {"limits_missing"} with input as order("AAPL", 1, 185)
		with data.limits as {}
		with data.instruments as instruments
		with data.restricted_symbols as {}
		with data.suspended_clients as {}
}

# A limit or an input that cannot be read denies.
test_limit_that_is_no_number if {
	gate.reasons == {"max_order_qty"} with input as order("AAPL", 1, 185)
		with data.limits as {"default": {"max_order_qty": "many"}}
		with data.instruments as instruments
		with data.restricted_symbols as {}
		with data.suspended_clients as {}
}

test_input_that_is_incomplete if {
	"input_invalid" in reasons_against({})
	"input_invalid" in reasons_against(object.remove(order("AAPL", 1, 185), ["context"]))
	"input_invalid" in reasons_against(object.union(order("AAPL", 1, 185), {"amounts": {"qty_nanos": "1"}}))
}

# Under plain OPA there is no input.amounts; the policy works them out.
test_amounts_from_the_order_itself if {
	plain := object.remove(order("ES", 2, 20), ["amounts"])
	amounts := gate.amounts with input as plain with data.instruments as instruments
	amounts.notional_micros == 2000000000
	reasons_against(object.remove(order("AAPL", 101, 185), ["amounts"])) == {"max_order_qty"}
}
