// The digest of an order, to hold against a token's `order_digest`.
import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { need, read, readExact } from './strict-json.mjs'

/** The canonical text of an amount: `185.50`, `1855e-1` and "185.5" are all `185.5`. */
export function amount (text) {
  const parts = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(text)
  need(parts && typeof text === 'string', 'not an amount')
  const [, whole, fraction = '', exponent = '0'] = parts
  const digits = (whole + fraction).replace(/^0+/, '')
  if (!digits) return '0'
  const point = whole.length + Number(exponent) - (whole + fraction).length + digits.length
  const significant = digits.replace(/0+$/, '')
  need(point <= 64 && significant.length - point <= 64, 'more than 64 digits')
  if (point <= 0) return `0.${'0'.repeat(-point)}${significant}`
  const rest = significant.slice(point)
  return significant.slice(0, point).padEnd(point, '0') + (rest && `.${rest}`)
}

export function canonicalOrder (text) {
  const order = read(text, ['qty', 'price'])
  const exact = readExact(text)
  for (const name of ['qty', 'price']) order[name] = amount(exact[name])
  return canonicalize(order)
}

export const orderDigest = text => createHash('sha256').update(canonicalOrder(text)).digest('base64url')
