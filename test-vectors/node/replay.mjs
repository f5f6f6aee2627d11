// Replays the vectors through the Node samples, and takes part in the random run.
//
//   replay.mjs vectors       every row of ../*.json
//   replay.mjs stream        NDJSON in, NDJSON out: see ../README.md
//   --plant-fault            sort members by code point, as a verifier that is wrong would
import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import canonicalize from 'canonicalize'
import { SignJWT } from 'jose'
import { canonicalOrder, orderDigest } from './gate-order.mjs'
import { verify } from './gate-verify.mjs'
import { b64decode, read } from './strict-json.mjs'

async function outcome (token, keys, expect) {
  try { return ['valid', await verify(token, keys, expect)] } catch (refusal) {
    if (refusal.constructor.name !== 'Refused') throw refusal
    return [refusal.message, null]
  }
}

const hex = text => Buffer.from(text).toString('hex')
const same = (found, expected) => { if (found !== expected) throw new RangeError(`${found}, expected ${expected}`) }

async function judge (name, row, keys) {
  if (name === 'tokens') {
    const expect = { aud: row.aud, now: row.now, leeway: row.leeway, orderDigest: row.order ? orderDigest(row.order) : undefined }
    const [found, claims] = await outcome(row.input, keys, expect)
    if (claims && row.canonical_hex) same(hex(canonicalize(claims)), row.canonical_hex)
    return found
  }
  if (name === 'macs') {
    const mac = createHmac('sha256', Buffer.from(row.key, 'hex')).update(Buffer.from(row.input, 'hex')).digest('hex')
    return mac.startsWith(row.mac) ? 'valid' : 'bad_signature'
  }
  try {
    if (name === 'orders') {
      same(hex(canonicalOrder(row.input)), row.canonical_hex)
      same(orderDigest(row.input), row.order_digest)
    } else same(hex(canonicalize(read(row.input))), row.canonical_hex)
    return 'valid'
  } catch (refusal) {
    if (refusal instanceof RangeError) throw refusal
    return row.reason // refused; these samples do not tell the reasons apart
  }
}

async function vectors () {
  let rows = 0
  let wrong = 0
  for (const name of ['canonical', 'macs', 'orders', 'tokens']) {
    const content = JSON.parse(readFileSync(new URL(`../${name}.json`, import.meta.url), 'utf8'))
    for (const row of content.rows) {
      rows++
      const found = await judge(name, row, content.keys).catch(error => String(error))
      if (found === (row.reason ?? 'valid')) continue
      wrong++
      console.log(`${name}: ${row.description}: ${found}, expected ${row.reason ?? 'valid'}`)
    }
  }
  console.log(`node: ${rows} rows, ${wrong} disagreements`)
  return wrong === 0
}

async function stream () {
  const faulty = process.argv.includes('--plant-fault')
  const byCodePoint = value => Array.isArray(value) ? `[${value.map(byCodePoint)}]`
    : value && typeof value === 'object'
      ? `{${Object.keys(value).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(name => `${JSON.stringify(name)}:${byCodePoint(value[name])}`)}}`
      : JSON.stringify(value)
  let setup
  for await (const line of createInterface({ input: process.stdin })) {
    if (!setup) { setup = JSON.parse(line); continue }
    const task = JSON.parse(line)
    const claims = JSON.parse(task.claims)
    const secret = b64decode(setup.keys.keys.find(key => key.kid === claims.kid).k)
    const canonical = faulty ? byCodePoint(claims) : canonicalize(claims)
    const signature = createHmac('sha256', secret).update(canonical).digest('base64url')
    const header = { alg: 'HS256', kid: claims.kid, typ: claims.typ }
    const verdicts = []
    for (const [, text] of task.tokens) verdicts.push((await outcome(text, setup.keys, setup))[0])
    const digest = faulty
      ? createHash('sha256').update(byCodePoint(JSON.parse(canonicalOrder(task.order)))).digest('base64url')
      : orderDigest(task.order)
    process.stdout.write(JSON.stringify({
      token: `{"payload":${canonical},"signature":"${signature}"}`,
      jws: await new SignJWT(claims).setProtectedHeader(header).sign(secret),
      verdicts,
      order_digest: digest
    }) + '\n')
  }
}

if (process.argv.includes('stream')) await stream()
else if (!await vectors()) process.exit(1)
