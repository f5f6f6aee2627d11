# What follows from data.json alone: limits as exact integers, in the units of input.amounts.
#
# Gate evaluates this package once, when the bundle comes into force, and puts the result in its
# place as data; plain OPA evaluates it with each query. So nothing here may read the input.
#
# A client or an instrument that has more to it than the shortcut in pretrade.rego knows (a price
# collar of the client's own, no reference price, an entry that cannot be read) gets an entry
# that no order is within: the rules of pretrade.rego judge its orders one by one.

package gate_prepared

# Above every amount that an order can have: stands for a limit that is not set.
unlimited := 1000000000000000000000000000000

general := limits(data.limits["default"])

clients := object.union(listed, suspended)

listed[client] := within(entry, own) if {
	some client, own in data.limits.clients
	not data.suspended_clients[client]
	entry := object.union(object.get(data.limits, "default", {}), own)
}

# No order is within no limits.
suspended := {client: no_limits |
	some client, is_suspended in data.suspended_clients
	is_suspended
}

no_limits := {}

within(entry, own) := found if {
	not "price_collar_pct" in object.keys(own)
	found := limits(entry)
} else := no_limits

limits(entry) := {
	"qty_nanos": limit(entry, "max_order_qty", 9),
	"notional_micros": limit(entry, "max_order_notional", 6),
	"exposure_micros": limit(entry, "max_exposure", 6),
	"orders_per_second": limit(entry, "max_orders_per_second", 0),
} if {
	is_object(entry)
}

# The instruments without limits of their own: the price is all there is to check.
collars[symbol] := instrument if {
	some symbol, instrument in instruments
	instrument.qty_nanos == unlimited
	instrument.notional_micros == unlimited
}

# A restricted symbol is not listed, and so never ordinary.
instruments[symbol] := {
	"qty_nanos": limit(entry, "max_order_qty", 9),
	"notional_micros": limit(entry, "max_order_notional", 6),
	"low_nanos": reference - distance,
	"high_nanos": reference + distance,
} if {
	some symbol, entry in data.instruments
	not data.restricted_symbols[symbol]
	reference := scaled(entry.reference_price, 9)

	# Per cent in millionths: the collar of everyone, or the instrument's own when it is tighter.
	general_collar := limit(object.get(data.limits, "default", {}), "price_collar_pct", 6)
	collar := min([general_collar, limit(entry, "price_collar_pct", 6)])

	# Rounded down: a price is an integer, so it is within the product when it is within this.
	product := reference * collar
	distance := (product - (product % 100000000)) / 100000000
}

# (Not the other way round: what cannot be read would be no limit.)
limit(entry, name, places) := unlimited if {
	not name in object.keys(entry)
} else := scaled(entry[name], places)

# As in pretrade.rego: an amount as an integer of so many places after the point.
scaled(amount, places) := (to_number(whole) * units[places]) + (part - units[places]) if {
	is_string(amount)
	regex.match(`^(0|[1-9][0-9]*)[.][0-9]{1,9}$`, amount)
	[whole, fraction] := split(amount, ".")
	padded := concat("", [fraction, "000000000"])

	# A number has no zeros before it: of 0.05 the part is 1050000000, and 10^9 more than it should be.
	part := to_number(concat("", ["1", substring(padded, 0, places)]))
} else := round(to_number(amount) * units[places])

units := {0: 1, 6: 1000000, 9: 1000000000}
