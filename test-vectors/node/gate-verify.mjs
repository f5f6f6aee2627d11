// Verify a gate decision token, in either form. Copy this and strict-json.mjs.
import { createHmac, timingSafeEqual } from 'node:crypto'
import canonicalize from 'canonicalize'
import { compactVerify } from 'jose'
import { b64decode, need, read, readExact } from './strict-json.mjs'

const TEXTS = ('alg aud client_id client_order_id iss jti kid notional order_digest policy_hash ' +
  'policy_revision status typ').split(' ')
const INTEGERS = ['exp', 'iat', 'seq']

export class Refused extends Error {}
const refuseUnless = (ok, reason) => { if (!ok) throw new Refused(reason) }
const object = (value, names) => need(value && typeof value === 'object' && !Array.isArray(value) &&
  Object.keys(value).sort().join(' ') === names, 'a member is missing or unknown')

function canonicalPayload (payload, exact) {
  object(payload, [...TEXTS, ...INTEGERS, 'reasons'].sort().join(' '))
  need(TEXTS.every(name => typeof payload[name] === 'string'), 'not a text')
  need(INTEGERS.every(name => typeof payload[name] === 'number' && /^\d+$/.test(exact[name])), 'not an integer')
  need(Array.isArray(payload.reasons) && payload.reasons.every(reason => typeof reason === 'string'), 'reasons')
  need(['AUTHORIZED', 'BLOCKED'].includes(payload.status), 'unknown status')
  need(b64decode(payload.order_digest).length === 32, 'not a digest')
  return canonicalize(payload)
}

function readToken (token) {
  if (token.trimStart().startsWith('{')) {
    const { payload, signature, ...rest } = read(token)
    object(rest, '')
    return { claims: payload, signature: b64decode(signature), signed: canonicalPayload(payload, readExact(token).payload) }
  }
  const [header, payload, signature, ...rest] = token.split('.')
  const decode = part => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(b64decode(part))
  const [head, claims, exact] = [read(decode(header)), read(decode(payload)), readExact(decode(payload))]
  object(head, 'alg kid typ')
  need(!rest.length && head.kid === claims.kid, 'parts')
  for (const members of [claims, { ...claims, ...head }]) canonicalPayload(members, exact)
  return { head, claims, signature: b64decode(signature) }
}

/** The claims; Refused carries the reason. A BLOCKED decision verifies too: look at `status`. */
export async function verify (token, jwks, { aud, now, leeway = 0, orderDigest }) {
  let parts
  try { parts = readToken(token); need(parts.signature.length === 32) } catch { throw new Refused('malformed') }
  const { head, claims, signature, signed } = parts
  const key = jwks.keys.find(key => key.kid === claims.kid)
  refuseUnless(key && (key.nbf ?? 0) <= now + leeway && now < (key.exp ?? Infinity) + leeway, 'unknown_key')
  const secret = b64decode(key.k)
  const right = head // jose's `jwtVerify` alone would do; this keeps the order of the reasons
    ? await compactVerify(token, secret, { algorithms: ['HS256'] }).then(() => true, () => false)
    : timingSafeEqual(createHmac('sha256', secret).update(signed).digest(), signature)
  refuseUnless(right, 'bad_signature')
  refuseUnless([claims, head ?? claims].every(part => part.typ === 'gate-decision+v1') && claims.alg === 'HS256', 'wrong_type')
  refuseUnless(claims.aud === aud, 'wrong_audience')
  refuseUnless(claims.iat <= now + leeway, 'not_yet_valid')
  refuseUnless(now < claims.exp + leeway, 'expired')
  refuseUnless(orderDigest === undefined || orderDigest === claims.order_digest, 'wrong_order')
  return claims
}
