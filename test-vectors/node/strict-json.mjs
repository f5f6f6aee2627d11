// Strict JSON and strict base64url, for gate-verify.mjs and gate-order.mjs. Copy it with them.

export function need (ok, what) {
  if (!ok) throw new SyntaxError(what)
}

// A text's strings and numbers, each whole; the colon after a string tells names from values.
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*/gs

/** As JSON.parse, but a number is the text it is written in. */
export function readExact (text) {
  JSON.parse(text)
  return JSON.parse(text.replace(TOKEN, (token, string) => string ? token : `"${token}"`))
}

/**
 * No member twice, no integer beyond 2^53-1: JSON.parse would drop the one and round the other.
 * The numbers of the `amounts`, members of the outermost object, may have any size.
 */
export function read (text, amounts = []) {
  let members = 0
  const check = (value, exact, depth) => {
    if (typeof value === 'number') need(/[.eE]/.test(exact) ? Number.isFinite(value) : Number.isSafeInteger(value), 'unsafe number')
    if (value === null || typeof value !== 'object') return
    for (const name of Object.keys(value)) {
      if (!Array.isArray(value)) members++
      if (depth || !amounts.includes(name)) check(value[name], exact[name], depth + 1)
    }
  }
  const value = JSON.parse(text)
  check(value, readExact(text), 0)
  need(members === [...text.matchAll(TOKEN)].filter(([,, colon]) => colon).length, 'a member stands twice')
  return value
}

export function b64decode (text) {
  const bytes = Buffer.from(text, 'base64url')
  need(typeof text === 'string' && bytes.toString('base64url') === text, 'not base64url')
  return bytes
}
