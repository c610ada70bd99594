import canonicalize from 'canonicalize'

/** The value in canonical form (RFC 8785), as one line. */
export function canonicalLine(value: object): string {
  return `${canonicalText(value)}\n`
}

/** The same of what somebody else may have written; `undefined` if it has no canonical form, since half of a surrogate pair is no text. */
export function canonicalLineIfAny(value: object): string | undefined {
  try {
    return canonicalLine(value)
  } catch {
    return undefined
  }
}

/**
 * The value in canonical form without a line feed. A flat object whose members stand in order already is canonical as JSON.stringify writes it, which is what
 * RFC 8785 builds on, and a tenth of the work; the records of a trail are made like that. Anything else is the library's.
 */
export function canonicalText(value: object): string {
  return isFlatAndSorted(value) ? JSON.stringify(value) : String(canonicalize(value))
}

function isFlatAndSorted(value: object): boolean {
  const members = value as Readonly<Record<string, unknown>> // of an object, each member is something
  let last = ''
  for (const key in members) {
    if (key <= last || !isPlain(members[key])) return false
    last = key
  }
  return last !== '' && !('toJSON' in value)
}

function isPlain(value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return true
  return typeof value === 'string' ? value.isWellFormed() : Number.isFinite(value)
}
