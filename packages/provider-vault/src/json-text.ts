// Fields are handed out as the server wrote them: parsed and printed again, 1.10 would be 1.1, and keys would change their order.
// No regular expression may see a secret: what one last matched against stays in `RegExp.input`, whole, until the next one matches.

/** The text of the value under these keys, one inside the other, in a text that `JSON.parse` accepted. Of equal keys the last counts. */
export function valueText(text: string, keys: readonly string[]): string | undefined {
  let [start, end] = [afterSpace(text, 0), text.length]
  for (const key of keys) {
    const found = valueSpan(text, start, JSON.stringify(key))
    if (found === undefined) return undefined
    ;[start, end] = found
  }
  return text.slice(start, end)
}

/** Where the value of this key stands in the object that begins at `start`. */
function valueSpan(text: string, start: number, key: string): readonly [start: number, end: number] | undefined {
  if (text[start] !== '{') return undefined
  let found: readonly [number, number] | undefined
  let at = afterSpace(text, start + 1)
  while (text[at] === '"') {
    const keyEnd = afterString(text, at)
    const valueStart = afterMark(text, keyEnd)
    const valueEnd = afterValue(text, valueStart)
    if (text.slice(at, keyEnd) === key) found = [valueStart, valueEnd]
    at = afterMark(text, valueEnd)
  }
  return found
}

/** Behind the value that begins here: at the first space, comma or closing bracket that is outside of its own brackets. */
function afterValue(text: string, start: number): number {
  let at = start
  let depth = 0
  do {
    const character = text[at]
    if (character === '{' || character === '[') depth += 1
    if (character === '}' || character === ']') depth -= 1
    at = character === '"' ? afterString(text, at) : at + 1
  } while (depth > 0 || !isBetweenValues(text, at))
  return at
}

function isBetweenValues(text: string, at: number): boolean {
  return at >= text.length || text.charCodeAt(at) <= 0x20 || text[at] === ',' || text[at] === '}' || text[at] === ']'
}

function afterString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** At what follows the colon, the comma or the closing bracket that comes next. */
function afterMark(text: string, start: number): number {
  return afterSpace(text, afterSpace(text, start) + 1)
}

/** No character below a space stands in JSON but the three that are space too (RFC 8259). */
function afterSpace(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= 0x20) at += 1
  return at
}
