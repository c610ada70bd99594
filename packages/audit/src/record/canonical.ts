/** The value in canonical form (RFC 8785), as one line. */
export function canonicalLine(value: object): string {
  return `${canonicalText(value)}\n`
}

/** As `canonicalLine`; `undefined` if foreign data has no canonical form, as a lone surrogate. */
export function canonicalLineIfAny(value: object): string | undefined {
  try {
    return `${String(serialized(value))}\n`
  } catch {
    return undefined
  }
}

/**
 * The value in canonical form (RFC 8785), without a line feed. RFC 8785 takes numbers and text from
 * JSON.stringify. So a flat object with sorted members, as records are, needs nothing else.
 * Throws `TypeError` for text or a number that has no canonical form.
 */
export function canonicalText(value: object): string {
  return isFlatAndSorted(value) ? JSON.stringify(value) : String(serialized(value))
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

/** We write three levels. Without a bound, the stack would decide which foreign lines are read. */
const mostLevels = 64

/** `undefined` for what JSON leaves out of an object. */
function serialized(value: unknown, level = 0): string | undefined {
  if (level > mostLevels) throw new TypeError('the value nests too deep')
  if (Array.isArray(value)) return `[${value.map((item) => serialized(item, level + 1) ?? 'null').join(',')}]`
  if (typeof value === 'object' && value !== null) return `{${membersOf(value, level + 1).join(',')}}`
  const hasNone = typeof value === 'string' ? !value.isWellFormed() : typeof value === 'number' && !Number.isFinite(value)
  if (hasNone) throw new TypeError('the value has no canonical form')
  return JSON.stringify(value)
}

function membersOf(value: object, level: number): readonly string[] {
  return Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1)) // by UTF-16 code units
    .flatMap(([key, member]) => {
      const text = serialized(member, level)
      return text === undefined ? [] : [`${String(serialized(key))}:${text}`]
    })
}
