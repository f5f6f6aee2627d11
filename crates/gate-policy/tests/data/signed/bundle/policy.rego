package gate

# Allows up to the quantity that data.json sets.
decision := {"allow": count(deny) == 0, "reasons": deny}

deny contains "max_order_qty" if {
	not input.amounts.qty_nanos <= to_number(data.limits["default"].max_order_qty) * 1000000000
}
