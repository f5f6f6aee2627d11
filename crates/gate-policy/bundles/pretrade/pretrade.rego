# Pre-trade checks: the policy a broker starts from.
#
# It gives the same verdict and the same reasons as Gate's built-in rules over the same
# data.json. The answer is read from data.gate.decision:
#
#   {"allow": true or false, "reasons": ["…"], "limits": {"max_exposure": number}}   (limits optional)
#
# How it stays safe:
#   * An order is allowed only when nothing denies it, and an input that is not what these rules
#     read is denied by name ("input_invalid").
#   * Inside a rule an error counts as "does not apply". So each limit is written as
#     "deny, unless the order is within it": a limit that cannot be read denies.
#   * Clients, symbols and instruments are objects, not arrays: a lookup, not a search.
#   * What a typo in data.json would switch off is refused: Gate reads data_schema below, and takes
#     no limit, instrument or list that these rules do not know. (What rules of your own need stands
#     in a member of data.json of its own.)
#
# How it stays exact: Gate gives the amounts as integers in input.amounts (nanos are 10^-9 units,
# micros are 10^-6 of the currency). A limit in data.json is a whole number or a string, which are
# exact at any size, or a number with a fraction: of one above 4*10^9 (a quantity) or 4*10^12 (money)
# a part in 10^18 may be missing, since numbers have mantissas of 64 bits. Write that as a string.

package gate

# data.json is what the built-in rules read; plain OPA does not look at it.
data_schema := "pretrade"

# The usual order, in one pass over integers that were computed when the bundle came into force
# (prepared.rego). It is a shortcut and nothing more: an order that it lets through breaks none of
# the rules below, and every other order is judged by those. (That an amount is above zero need
# not be asked here: Gate has refused the order long before.)
#
# It stands here twice: while there are no rules of your own (see below), and when there are and
# none of them denies. (`not data.gate.deny != set()` would be both, were it not undefined in OPA
# while there is no `deny`.)
decision := {"allow": true, "reasons": set()} if {
	not data.gate.deny
	prepared := data.gate_prepared
	limit := object.get(prepared.clients, input.context.client_id, prepared.general)
	collar := prepared.collars[input.order.symbol]
	exact := input.amounts
	exact.qty_nanos <= limit.qty_nanos
	exact.notional_micros <= limit.notional_micros
	exact.gross_micros + exact.notional_micros <= limit.exposure_micros
	collar.low_nanos <= exact.price_nanos
	exact.price_nanos <= collar.high_nanos
	input.exposure.orders_last_second < limit.orders_per_second
} else := {"allow": true, "reasons": set()} if {
	data.gate.deny == set()
	prepared := data.gate_prepared
	limit := object.get(prepared.clients, input.context.client_id, prepared.general)
	collar := prepared.collars[input.order.symbol]
	exact := input.amounts
	exact.qty_nanos <= limit.qty_nanos
	exact.notional_micros <= limit.notional_micros
	exact.gross_micros + exact.notional_micros <= limit.exposure_micros
	collar.low_nanos <= exact.price_nanos
	exact.price_nanos <= collar.high_nanos
	input.exposure.orders_last_second < limit.orders_per_second
} else := judged

# The same, for an instrument that has limits of its own; and then rule by rule.
judged := {"allow": true, "reasons": set()} if {
	prepared := data.gate_prepared
	limit := object.get(prepared.clients, input.context.client_id, prepared.general)
	instrument := prepared.instruments[input.order.symbol]
	exact := input.amounts
	exact.qty_nanos <= limit.qty_nanos
	exact.qty_nanos <= instrument.qty_nanos
	exact.notional_micros <= limit.notional_micros
	exact.notional_micros <= instrument.notional_micros
	exact.gross_micros + exact.notional_micros <= limit.exposure_micros
	instrument.low_nanos <= exact.price_nanos
	exact.price_nanos <= instrument.high_nanos
	input.exposure.orders_last_second < limit.orders_per_second
	not denied
} else := {"allow": count(reasons) == 0, "reasons": reasons}

# Every reason against the order: what these rules find, and what yours do.
reasons contains reason if some reason in broken

# Your own rules: `deny contains "my_reason" if { … }` as often as you like, here or in a file of
# your own in this package. Gate and OPA ask them for every order. While there are none,
# `data.gate.deny` is undefined, which denies nothing and costs nothing. (Do not add to `broken`:
# an order that the shortcut lets through is not judged by it.)
reasons contains reason if some reason in data.gate.deny

denied if data.gate.deny != set()

# What applies to this client: the default, each member replaced by the client's own.
limits := object.union(general, own) if {
	general := data.limits["default"]
	own := data.limits.clients[input.context.client_id]
} else := own if {
	own := data.limits.clients[input.context.client_id]
} else := data.limits["default"]

# Exact amounts: Gate's, or (under plain OPA) computed from the order and the exposure.
amounts := input.amounts if {
	input.amounts
} else := {
	"qty_nanos": qty,
	"price_nanos": price,
	"notional_micros": notional,
	"gross_micros": round(input.exposure.gross * 1000000),
} if {
	qty := round(to_number(input.order.qty) * 1000000000)
	price := round(to_number(input.order.price) * 1000000000)
	size := round(to_number(contract_size) * 1000000000)

	# The product is in units of 10^-27; rounded up to 10^-6, so that a hold is never too small.
	up := ((qty * price) * size) + 999999999999999999999
	notional := (up - (up % 1000000000000000000000)) / 1000000000000000000000
}

contract_size := size if {
	size := data.instruments[input.order.symbol].contract_size
} else := 1

# Everything the rules below read, by type. Rego sorts null, booleans, numbers, strings, in this
# order, so "0 < x" and "x < \"\"" together hold for positive numbers alone.
valid if {
	is_string(input.context.client_id)
	is_string(input.order.symbol)
	0 < amounts.qty_nanos
	amounts.qty_nanos < ""
	0 < amounts.price_nanos
	amounts.price_nanos < ""
	0 < amounts.notional_micros
	amounts.notional_micros < ""
	0 <= amounts.gross_micros
	amounts.gross_micros < ""
	0 <= input.exposure.orders_last_second
	input.exposure.orders_last_second < ""
}

broken contains "input_invalid" if not valid

broken contains "client_suspended" if data.suspended_clients[input.context.client_id]

broken contains "restricted_symbol" if data.restricted_symbols[input.order.symbol]

broken contains "instrument_unknown" if {
	data.instruments
	not data.instruments[input.order.symbol]
}

broken contains "limits_missing" if not limited

limited if is_object(limits)

# What is not defined does not hold: a limit that cannot be read. (Asked as functions, and by names
# that are bound already: OPA takes `not x <= f(y)` as undefined, and no denial, when f(y) is.)
at_most(amount, limit, places) if amount <= scaled(limit, places)

below(amount, limit) if amount < to_number(limit)

# An amount as an integer of so many places after the point.
scaled(amount, places) := (to_number(whole) * units[places]) + (part - units[places]) if {
	is_string(amount)
	regex.match(`^(0|[1-9][0-9]*)[.][0-9]{1,9}$`, amount)
	[whole, fraction] := split(amount, ".")
	padded := concat("", [fraction, "000000000"])

	# A number has no zeros before it: of 0.05 the part is 1050000000, and 10^9 more than it should be.
	part := to_number(concat("", ["1", substring(padded, 0, places)]))
} else := round(to_number(amount) * units[places])

units := {0: 1, 6: 1000000, 9: 1000000000}

broken contains "max_exposure" if {
	limit := limits.max_exposure
	not at_most(amounts.gross_micros + amounts.notional_micros, limit, 6)
}

broken contains "max_order_notional" if {
	limit := limits.max_order_notional
	not at_most(amounts.notional_micros, limit, 6)
}

broken contains "max_order_notional" if {
	limit := data.instruments[input.order.symbol].max_order_notional
	not at_most(amounts.notional_micros, limit, 6)
}

broken contains "max_order_qty" if {
	limit := limits.max_order_qty
	not at_most(amounts.qty_nanos, limit, 9)
}

broken contains "max_order_qty" if {
	limit := data.instruments[input.order.symbol].max_order_qty
	not at_most(amounts.qty_nanos, limit, 9)
}

broken contains "order_rate" if {
	limit := limits.max_orders_per_second
	not below(input.exposure.orders_last_second, limit)
}

# |price - reference| is at most so many per cent of the reference; both sides times 10^8.
near(price, reference, percent) if {
	exact := scaled(reference, 9)
	abs(price - exact) * 100000000 <= scaled(percent, 6) * exact
}

broken contains "price_collar" if {
	percent := limits.price_collar_pct
	reference := data.instruments[input.order.symbol].reference_price
	not near(amounts.price_nanos, reference, percent)
}

broken contains "price_collar" if {
	instrument := data.instruments[input.order.symbol]
	percent := instrument.price_collar_pct
	reference := instrument.reference_price
	not near(amounts.price_nanos, reference, percent)
}

broken contains "reference_price_missing" if {
	"price_collar_pct" in object.keys(limits)
	not priced
}

broken contains "reference_price_missing" if {
	"price_collar_pct" in object.keys(data.instruments[input.order.symbol])
	not priced
}

priced if "reference_price" in object.keys(data.instruments[input.order.symbol])
