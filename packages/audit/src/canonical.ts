import canonicalize from 'canonicalize'

/**
 * The value in canonical form (RFC 8785), as one line. A flat object whose members stand in order already is canonical as JSON.stringify writes
 * it, which is what RFC 8785 builds on, and a tenth of the work; the records of a trail are made like that. Anything else is the library's.
 */
export function canonicalLine(value: object): string {
  return `${isFlatAndSorted(value) ? JSON.stringify(value) : canonicalize(value)}\n`
}

function isFlatAndSorted(value: object): boolean {
  let last = ''
  for (const key in value) {
    if (key <= last) return false
    last = key
    if (!isPlain(Reflect.get(value, key))) return false
  }
  return last !== '' && !('toJSON' in value)
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  return value === undefined || typeof value === 'boolean' || Number.isFinite(value)
}
