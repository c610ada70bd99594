import type { WrittenForm } from './written-form.ts'

/** How programs write a text where some of its characters mean something, and in other charsets. */
export function textForms(text: string): WrittenForm[] {
  const written = [
    ...jsonForms(text).map((each) => ['json', each] as const),
    ...literals(text).map((each) => ['escaped', each] as const),
    ...htmlForms(text).map((each) => ['html', each] as const),
    ['url', escaped(text)] as const,
  ]
  // Of most texts all of these are the text itself.
  const unlike = written.filter(([, each]) => each !== text).map(([form, each]) => ({ form, bytes: Buffer.from(each) }))
  return [...unlike, ...recoded(text).map((bytes) => ({ form: 'recoded' as const, bytes }))]
}

/** JavaScript, Python, PHP (twice), Go, .NET; and JSON within JSON. */
function jsonForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const ascii = json.replaceAll(/[^ -~]/g, (each) => `\\u${hexOf(each, 4)}`)
  const dotnet = text.replaceAll(/[^ -~]|["&'+<>`\\]/g, (each) => shortEscapes[each] ?? `\\u${hexOf(each, 4).toUpperCase()}`)
  return [
    json,
    ascii,
    ascii.replaceAll('/', String.raw`\/`),
    json.replaceAll('/', String.raw`\/`),
    json.replaceAll(/[<>&\u2028\u2029]/g, (each) => `\\u${hexOf(each, 4)}`),
    dotnet,
    JSON.stringify(json).slice(1, -1),
  ]
}

/** In quotes: `util.inspect`, `repr` of Python and of its bytes, shells, and what doubles a quote, such as SQL, YAML and CSV. */
function literals(text: string): string[] {
  const bytes = Buffer.from(text).toString('latin1')
  const escapes = [
    text.replaceAll(/[\p{Cc}\\]/gu, (each) => shortEscapes[each] ?? `\\x${hexOf(each, 2).toUpperCase()}`),
    text.replaceAll(/[\p{Cc}\\\u00a0\u00ad]/gu, pythonEscape),
    bytes.replaceAll(/[\p{Cc}\\\u00a0-\u00ff]/gu, pythonEscape),
    text.replaceAll(/[\p{Cc}\\]/gu, bashEscape),
  ]
  return [
    ...escapes.flatMap((each) => [each, each.replaceAll("'", String.raw`\'`)]),
    text.replaceAll("'", String.raw`'\''`),
    text.replaceAll("'", `'"'"'`),
    text.replaceAll(/[$`"\\]/g, String.raw`\$&`),
    text.replaceAll("'", "''"),
    text.replaceAll('"', '""'),
  ]
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\b': String.raw`\b`,
  '\t': String.raw`\t`,
  '\n': String.raw`\n`,
  '\f': String.raw`\f`,
  '\r': String.raw`\r`,
  '\\': '\\\\',
}

function pythonEscape(each: string): string {
  return '\t\n\r\\'.includes(each) ? (shortEscapes[each] ?? each) : `\\x${hexOf(each, 2)}`
}

const bashEscapes: Readonly<Record<string, string>> = {
  ...shortEscapes,
  '\u0007': String.raw`\a`,
  '\v': String.raw`\v`,
  '\u001b': String.raw`\E`,
}

function bashEscape(each: string): string {
  return bashEscapes[each] ?? `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}`
}

/** Text, an attribute, and what libraries make of both quotes. */
function htmlForms(text: string): string[] {
  const entities = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const quotes = [
    ['&quot;', "'"],
    ['&quot;', '&#39;'],
    ['&quot;', '&#x27;'],
    ['&quot;', '&apos;'],
    ['&#34;', '&#39;'],
  ] as const
  return [entities, ...quotes.map(([double, single]) => entities.replaceAll('"', double).replaceAll("'", single))]
}

/** As `escape()` does, in units of UTF-16. */
function escaped(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9@*_+\-./]/g, (each) => {
    const isWide = each > '\u00ff'
    return `${isWide ? '%u' : '%'}${hexOf(each, isWide ? 4 : 2).toUpperCase()}`
  })
}

/** UTF-8 that was read as Latin-1, as Windows-1252 or as ASCII; text that was written as Latin-1 or as UTF-16. */
function recoded(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  return [
    Buffer.from(bytes.toString('latin1')),
    Buffer.from(new TextDecoder('windows-1252').decode(bytes)),
    Buffer.from(bytes.toString('ascii')),
    Buffer.from(text, 'latin1'),
    Buffer.from(text, 'utf16le'),
  ]
}

/** The unit as a hexadecimal number, in lower case. */
export function hexOf(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0')
}
