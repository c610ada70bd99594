import { randomBytes } from 'node:crypto'
import { format, inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formsOf } from '../forms/forms.ts'
import { leastRedactedBytes, RedactedValues, type SecretText } from './redacted-values.ts'
import { Redactor } from './redactor.ts'

const secret = (name: string, text: string): SecretText => ({ name, bytes: Buffer.from(text) })

function redacted(values: readonly SecretText[], chunks: readonly Uint8Array[]): string {
  const redactor = new Redactor(new RedactedValues(values))
  return Buffer.concat([...chunks.map((chunk) => redactor.push(chunk)), redactor.end()]).toString('latin1')
}

/** The output again in pieces of these lengths. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (const length of lengths) {
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return [...chunks, bytes.subarray(at)]
}

/** Marks every byte of every form by searching the whole text, and replaces what is marked. */
function reference(values: readonly SecretText[], text: Buffer): string {
  const runs: { from: number; to: number; names: string[] }[] = []
  const found = values.flatMap(({ name, bytes }) =>
    formsOf(bytes)
      .filter((form) => form.bytes.length >= leastRedactedBytes)
      .flatMap((form) => occurrences(text, form.bytes).map((from) => ({ from, to: from + form.bytes.length, name }))),
  )
  for (const { from, to, name } of found.toSorted((one, other) => one.from - other.from)) {
    const last = runs.at(-1)
    if (last === undefined || from >= last.to) runs.push({ from, to, names: [name] })
    else [last.to, last.names] = [Math.max(last.to, to), [...new Set([...last.names, name])]]
  }
  let [shown, at] = ['', 0]
  for (const { from, to, names } of runs) {
    shown += `${text.toString('latin1', at, from)}[redacted ${names.join(', ')}]`
    at = to
  }
  return shown + text.toString('latin1', at)
}

function occurrences(text: Buffer, part: Buffer): number[] {
  const found: number[] = []
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) found.push(at)
  return found
}

function inAddress(password: string): string {
  return Object.assign(new URL('https://user@host/'), { password }).href
}

const token = secret('TOKEN', 'canary-4711')

describe('a redactor', () => {
  it.each([
    ['a member of an object, by console.log', (value: string) => inspect({ value }), "{ value: '[redacted TOKEN]' }"],
    ['%j', (value: string) => format('%j', { value }), '{"value":"[redacted TOKEN]"}'],
    ['a Buffer, by console.log', (value: string) => inspect(Buffer.from(value)), '<Buffer [redacted TOKEN]>'],
    ['a Buffer in JSON', (value: string) => JSON.stringify(Buffer.from(value)), '{"type":"Buffer","data":[[redacted TOKEN]]}'],
    ['escape()', escape, '[redacted TOKEN]'],
    ['UTF-8 that is read as Latin-1', (value: string) => Buffer.from(value).toString('latin1'), '[redacted TOKEN]'],
    ['JSON within JSON', (value: string) => JSON.stringify(JSON.stringify([value])), String.raw`"[\"[redacted TOKEN]\"]"`],
    ['a part of an address', encodeURI, '[redacted TOKEN]'],
    ['the password of an address', inAddress, 'https://user:[redacted TOKEN]@host/'],
  ])('replaces a value that is written as %s', (_, written, shown) => {
    const value = `can\\ary\u001b "47"/11 ü&<>`
    expect(redacted([secret('TOKEN', value)], [Buffer.from(written(value))])).toBe(shown)
  })

  it('replaces a value, wherever the stream is cut', () => {
    const text = Buffer.from('before canary-4711 after')
    for (let at = 0; at <= text.length; at++) {
      expect(redacted([token], [text.subarray(0, at), text.subarray(at)])).toBe('before [redacted TOKEN] after')
    }
    expect(
      redacted(
        [token],
        Array.from(text, (byte) => Buffer.from([byte])),
      ),
    ).toBe('before [redacted TOKEN] after')
  })

  it.each([
    ['base64', Buffer.from('user:canary-4711').toString('base64')],
    ['base64url', Buffer.from('x canary-4711').toString('base64url')],
    ['hex', Buffer.from('canary-4711').toString('hex')],
    ['HEX', Buffer.from('canary-4711').toString('hex').toUpperCase()],
  ])('replaces it in %s', (_, text) => {
    expect(redacted([token], [Buffer.from(text)])).toContain('[redacted TOKEN]')
    expect(redacted([token], [Buffer.from(text)])).not.toContain(text.slice(4, -4))
  })

  it.each([
    ['in JSON', JSON.stringify({ password: 'pa"ss\\wörd\n1' })],
    ['in a URL', `https://${encodeURIComponent('pa"ss\\wörd\n1')}@host`],
    ['in a form', new URLSearchParams({ password: 'pa"ss\\wörd\n1' }).toString()],
  ])('replaces a value with special characters %s', (_, text) => {
    expect(redacted([secret('P', 'pa"ss\\wörd\n1')], [Buffer.from(text)])).toContain('[redacted P]')
  })

  it('replaces each line of a value with several, and no short one', () => {
    const key = secret('KEY', '-----BEGIN KEY-----\r\nMIIEvQIBADANBg\r\nab\r\n-----END KEY-----')
    expect(redacted([key], [Buffer.from('> MIIEvQIBADANBg\n> ab\n')])).toBe('> [redacted KEY]\n> ab\n')
  })

  it('replaces values that overlap as one, with both names', () => {
    const values = [secret('ONE', 'abcdefgh'), secret('TWO', 'fghijklm')]
    expect(redacted(values, [Buffer.from('<abcdefghijklm>')])).toBe('<[redacted ONE, TWO]>')
    expect(redacted(values, [Buffer.from('<abcdefghfghijklm>')])).toBe('<[redacted ONE][redacted TWO]>')
  })

  it('prefers the longer of two that begin alike, also if the rest comes later', () => {
    const values = [secret('SHORT', 'abcdefgh'), secret('LONG', 'abcdefghijkl')]
    expect(redacted(values, [Buffer.from('abcdefgh'), Buffer.from('ijkl.')])).toBe('[redacted SHORT, LONG].')
    expect(redacted(values, [Buffer.from('abcdefgh'), Buffer.from('ijk.')])).toBe('[redacted SHORT]ijk.')
  })

  it('leaves short values, which would ruin the output, in any form', () => {
    const output = 'is true, 74 72 75 65 74727565 116,114,117,101'
    expect(redacted([secret('FLAG', 'true')], [Buffer.from(output)])).toBe(output)
  })

  it.each([64, 76])('replaces a value that is written in lines of base64 with %i columns', (columns) => {
    const bytes = randomBytes(20_000)
    const lines = bytes.toString('base64').match(new RegExp(`.{1,${columns}}`, 'g')) ?? []
    expect(redacted([{ name: 'KEY', bytes }], [Buffer.from(lines.join('\n'))]).slice(0, 99)).toMatch(/^\[redacted KEY\].?={0,2}$/)
  })

  it('replaces a long value of letters of several bytes, as JSON in ASCII too', () => {
    const value = Array.from({ length: 4_000 }, (_, index) => `é${index}`).join('')
    const ascii = value.replaceAll('é', String.raw`\u00e9`)
    const shown = [value, ascii].map((text) => redacted([secret('LONG', value)], [Buffer.from(`<${text}>`)]))
    expect(shown.map((each) => each.slice(0, 99))).toEqual(['<[redacted LONG]>', '<[redacted LONG]>'])
  })

  it('holds nothing back that cannot be the beginning of a value', () => {
    const redactor = new Redactor(new RedactedValues([token]))
    expect(redactor.push(Buffer.from('password: ')).toString()).toBe('password: ')
    expect(redactor.push(Buffer.from('c')).toString()).toBe('')
    expect(redactor.release().toString()).toBe('c')
    expect(redactor.push(Buffer.from('annot')).toString()).toBe('annot')
    expect(redactor.push(Buffer.from('canary')).toString()).toBe('')
    expect(redactor.release().toString()).toBe('')
    expect(redactor.end().toString()).toBe('canary')
  })

  it('replaces the rest of a value whose first bytes were shown', () => {
    const redactor = new Redactor(new RedactedValues([token]))
    const shown = [
      redactor.push(Buffer.from('c')),
      redactor.release(),
      redactor.release(),
      redactor.push(Buffer.from('anary-4711!')),
      redactor.end(),
    ]
    expect(Buffer.concat(shown).toString()).toBe('c[redacted TOKEN]!')
  })

  it('replaces a value of many kilobytes once, however it is cut', () => {
    const long = Array.from({ length: 3_000 }, (_, index) => `${index}`).join('-')
    const text = Buffer.from(`<${long}> and <${long.slice(5_000, 9_000)}>`)
    for (const size of [7, 1_000, 5_000, text.length]) {
      const lengths = Array.from({ length: Math.ceil(text.length / size) }, () => size)
      expect(redacted([secret('LONG', long)], cut(text, lengths))).toMatch(/^<\[redacted LONG\]> and <\S{0,80}\[redacted LONG\]\S{0,128}>$/)
    }
  })

  it('shows the same, whatever the values, the text and the cuts are, as a search of the whole does', () => {
    const letters = fc.constantFrom('a', 'b', '-', '"', 'é')
    const value = fc.array(letters, { minLength: 6, maxLength: 12 }).map((parts) => parts.join(''))
    const values = fc.array(value, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        values,
        fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 9 }), fc.string({ maxLength: 5 })), { maxLength: 8 }),
        fc.array(fc.nat({ max: 9 })),
        (texts, parts, lengths) => {
          const secrets = texts.map((text, index) => secret(`S${index}`, text))
          const text = Buffer.concat(
            parts.flatMap(([index, form, between]) => {
              const forms = formsOf(secrets[index % secrets.length]?.bytes ?? Buffer.alloc(0))
              return [Buffer.from(between), forms[form % forms.length]?.bytes ?? Buffer.alloc(0)]
            }),
          )
          const shown = redacted(secrets, cut(text, lengths))
          expect(shown).toBe(reference(secrets, text))
          for (const { bytes } of secrets)
            expect(shown.replaceAll(/\[redacted [^\]]*\]/g, '\0')).not.toContain(Buffer.from(bytes).toString('latin1'))
        },
      ),
      { numRuns: 300 },
    )
  })
})
