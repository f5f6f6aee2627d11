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
	not own.price_collar_pct
	found := limits(entry)
} else := no_limits

limits(entry) := {
	"qty_nanos": scaled(entry, "max_order_qty", 1000000000),
	"notional_micros": scaled(entry, "max_order_notional", 1000000),
	"exposure_micros": scaled(entry, "max_exposure", 1000000),
	"orders_per_second": scaled(entry, "max_orders_per_second", 1),
}

# The instruments without limits of their own: the price is all there is to check.
collars[symbol] := instrument if {
	some symbol, instrument in instruments
	instrument.qty_nanos == unlimited
	instrument.notional_micros == unlimited
}

# A restricted symbol is not listed, and so never ordinary.
instruments[symbol] := {
	"qty_nanos": scaled(entry, "max_order_qty", 1000000000),
	"notional_micros": scaled(entry, "max_order_notional", 1000000),
	"low_nanos": reference - distance,
	"high_nanos": reference + distance,
} if {
	some symbol, entry in data.instruments
	not data.restricted_symbols[symbol]
	reference := round(to_number(entry.reference_price) * 1000000000)

	# Per cent in millionths: the collar of everyone, or the instrument's own when it is tighter.
	general_collar := scaled(object.get(data.limits, "default", {}), "price_collar_pct", 1000000)
	collar := min([general_collar, scaled(entry, "price_collar_pct", 1000000)])

	# Rounded down: a price is an integer, so it is within the product when it is within this.
	product := reference * collar
	distance := (product - (product % 100000000)) / 100000000
}

scaled(entry, name, scale) := unlimited if {
	not name in object.keys(entry)
} else := round(to_number(entry[name]) * scale)
