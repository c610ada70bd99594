/** The encodings in which a text is searched, in lower case. `readingsOf` undoes escapes. */
export function encodingsOf(canary: string): readonly string[] {
  const inJson = JSON.stringify(canary).slice(1, -1)
  const utf16 = Buffer.from(canary, 'utf16le')
  const runs = [Buffer.from(canary), Buffer.from(inJson), utf16, Buffer.from(utf16).swap16()]
  const once = runs.flatMap(encoded)
  const twice = once.flatMap((text) => encoded(Buffer.from(text)))
  const plain = [canary, inJson, ...runs.map((bytes) => bytes.toString('latin1'))]
  const numbers = [...runs.map((bytes) => bytes.join(',')), Array.from(canary, (_, index) => canary.charCodeAt(index)).join(',')]
  return [...new Set([...plain, ...once, ...twice, ...numbers].map((text) => text.toLowerCase()))]
}

/** In hex, and in base64 and base64url at each of the three alignments. */
function encoded(bytes: Buffer): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '')
    return whole.slice(shift === 0 ? 0 : 4, -2) // the first and last characters depend on the neighbours
  })
  return [bytes.toString('hex'), ...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))]
}

/** The text in lower case, with and without escapes of URLs, JSON and HTML, and with and without spaces and indexes. */
export function readingsOf(text: string): readonly string[] {
  const readings = [text]
  for (let reading = unescaped(text); !readings.includes(reading) && readings.length < deepestEscape; reading = unescaped(reading)) {
    readings.push(reading)
  }
  return readings.flatMap((reading) => [reading.toLowerCase(), compact(reading).toLowerCase()])
}

const deepestEscape = 4
const escapes = /%([0-9a-f]{2})|\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|&#x([0-9a-f]{1,6});|&#(\d{1,7});|&(amp|lt|gt|quot|apos);|\\(["'\\/])/gi
const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** `%c3%a9` becomes two bytes of UTF-8 in latin1, which is one of the encodings. */
function unescaped(text: string): string {
  return text.replaceAll(escapes, (whole, ...groups: (string | undefined)[]) => {
    const [percent, x, u, hex, decimal, name, escaped] = groups
    const digits = percent ?? x ?? u ?? hex
    if (digits !== undefined) return characterOf(Number.parseInt(digits, 16))
    if (decimal !== undefined) return characterOf(Number(decimal))
    return named[name?.toLowerCase() ?? ''] ?? escaped ?? whole
  })
}

function characterOf(code: number): string {
  return code > 0x10ffff ? '' : String.fromCodePoint(code)
}

/** Removes what separates hex pairs, lines of base64, and bytes with indexes. */
function compact(text: string): string {
  return text.replaceAll(/\s|["']?\b\d+["']?:(?=\s*\d)/g, '')
}
