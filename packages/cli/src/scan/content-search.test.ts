import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { runModule } from '@finchat/secrets-test-servers'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ContentSearch, type PlacedMatch } from './content-search.ts'
import { formsOf } from '../forms/forms.ts'
import { ValueMatcher } from './value-matcher.ts'
import type { Form } from '../forms/written-form.ts'

/** Random parts, but for the size of the first chunk: values then lie across every border. */
function search(matcher: ValueMatcher, content: Buffer, size: number): PlacedMatch[] {
  const running = new ContentSearch(matcher)
  const chunks = Array.from({ length: Math.ceil(content.length / size) }, (_, index) => content.subarray(index * size, (index + 1) * size))
  return [...chunks.flatMap((chunk) => running.push(chunk)), ...running.end()]
}

function matcherOf(values: Readonly<Record<string, Uint8Array | string>>): ValueMatcher {
  const matcher = new ValueMatcher()
  for (const [name, value] of Object.entries(values)) matcher.add({ name }, Buffer.from(value as string))
  return matcher
}

/** Encoders of others, for a value that stands in a longer text. */
const writers: Readonly<Record<Form, (before: Buffer, value: Buffer, after: Buffer) => Buffer>> = {
  plain: (...parts) => Buffer.concat(parts),
  base64: (...parts) => Buffer.from(Buffer.concat(parts).toString('base64')),
  hex: (...parts) => Buffer.from(Buffer.concat(parts).toString('hex')),
  url: (...parts) =>
    Buffer.from(
      encodeURIComponent(
        Buffer.concat(parts)
          .toString('latin1')
          .replaceAll(/[^ -~]/g, '-'),
      ),
    ),
  json: (...parts) => Buffer.from(JSON.stringify(Buffer.concat(parts).toString('utf8'))),
  html: (...parts) => Buffer.from(Buffer.concat(parts).toString('latin1').replaceAll('&', '&amp;').replaceAll('<', '&lt;')),
  escaped: (...parts) => Buffer.from(inspect(Buffer.concat(parts).toString('utf8'))),
  bytes: (...parts) => Buffer.from(JSON.stringify(Buffer.concat(parts))),
  recoded: (...parts) => Buffer.from(Buffer.concat(parts).toString('utf8'), 'utf16le'),
}

const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength, maxLength }).map((given) => Buffer.from(given))
const text = fc.string({ minLength: 8, maxLength: 40, unit: fc.constantFrom(...'aZ9 +/%&"\\\'!~*-_.=:@') })

describe('a search for values', () => {
  it('finds a value at any place, in any form, however the content is cut', () => {
    const form = fc.constantFrom(...(Object.keys(writers) as Form[]))
    fc.assert(
      fc.property(
        text,
        form,
        fc.string({ maxLength: 50 }),
        fc.string({ maxLength: 50 }),
        fc.integer({ min: 1, max: 90 }),
        (value, written, before, after, size) => {
          const content = writers[written](Buffer.from(before), Buffer.from(value), Buffer.from(after))
          expect(search(matcherOf({ TOKEN: value }), content, size).map(({ name }) => name)).toContain('TOKEN')
        },
      ),
      { numRuns: 300 },
    )
  })

  it('finds a value in each form that is cut at any byte', () => {
    const value = 'canary "4711"/+ä'
    for (const write of Object.values(writers)) {
      const content = write(Buffer.from('<'), Buffer.from(value), Buffer.from('>'))
      for (let cut = 0; cut <= content.length; cut++) {
        const running = new ContentSearch(matcherOf({ TOKEN: value }))
        const found = [...running.push(content.subarray(0, cut)), ...running.push(content.subarray(cut)), ...running.end()]
        expect(found.length, `${content.toString()} cut at ${cut}`).toBe(write === writers.url ? 0 : 1)
      }
    }
  })

  it('finds bytes that are no text', () => {
    fc.assert(
      fc.property(
        bytes(8, 60),
        bytes(0, 80),
        bytes(0, 80),
        fc.constantFrom<Form>('plain', 'base64', 'hex'),
        fc.integer({ min: 1, max: 90 }),
        (value, before, after, form, size) => {
          const found = search(matcherOf({ KEY: value }), writers[form](before, value, after), size)
          expect(found.length).toBeGreaterThan(0)
        },
      ),
    )
  })

  it('tells each place by offset, line and column, as a plain search does', () => {
    const content = fc.array(fc.constantFrom('\n', 'x', 'canary-47', 'canary-4711', 'é'), { maxLength: 30 })
    fc.assert(
      fc.property(content, fc.integer({ min: 1, max: 40 }), (parts, size) => {
        const whole = Buffer.from(parts.join(''))
        const found = search(matcherOf({ TOKEN: 'canary-4711' }), whole, size)
        const expected: number[] = []
        for (let at = whole.indexOf('canary-4711'); at !== -1; at = whole.indexOf('canary-4711', at + 1)) expected.push(at)
        expect(found.map(({ at }) => at)).toEqual(expected)
        for (const { at, line, column } of found) {
          const before = whole.subarray(0, at)
          expect({ line, column }).toEqual({ line: before.toString('latin1').split('\n').length, column: at - before.lastIndexOf('\n') })
        }
      }),
    )
  })

  it('finds nothing in random data without the value', () => {
    const values = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`S${index}`, randomBytes(6 + (index % 20)).toString('base64')]),
    )
    expect(search(matcherOf(values), randomBytes(4_000_000), 65_536)).toEqual([])
  })

  it('is not misled by values that begin or end alike', () => {
    const matcher = matcherOf({ ONE: 'postgres://one-of-them', TWO: 'postgres://two-of-them', THREE: 'them postgres://two-of-them' })
    const found = search(matcher, Buffer.from('postgres://nobody postgres://two-of-them postgres://one-of-the'), 7)
    expect(found.map(({ name }) => name)).toEqual(['TWO'])
  })

  it('finds a value of which another is a part, and both of two names', () => {
    const found = search(
      matcherOf({ URL: 'redis://:password-1@host', PASSWORD: 'password-1', SAME: 'password-1' }),
      Buffer.from('redis://:password-1@host'),
      5,
    )
    expect(found.map(({ name }) => name).toSorted()).toEqual(['PASSWORD', 'SAME', 'URL'])
  })

  it('finds a long value by its beginning', () => {
    const value = randomBytes(100_000)
    expect(
      search(matcherOf({ LONG: value }), Buffer.concat([randomBytes(99), value]), 65_536).map(({ at, form }) => ({ at, form })),
    ).toEqual([{ at: 99, form: 'plain' }])
  })

  it('does not look for short values', () => {
    expect(new ValueMatcher().add({ name: 'A' }, Buffer.from('1234567'))).toBe(false)
    expect(new ValueMatcher().add({ name: 'A' }, Buffer.from('12345678'))).toBe(true)
  })
})

describe('the forms of a value', () => {
  it('are told by their name', () => {
    const value = 'pass"word with/every+thing?'
    const written = {
      plain: value,
      json: JSON.stringify(value),
      url: encodeURIComponent(value),
      base64: btoa(`x${value}`),
      hex: Buffer.from(value).toString('hex'),
    }
    for (const [form, content] of Object.entries(written))
      expect(search(matcherOf({ A: value }), Buffer.from(content), 64).map((match) => match.form)).toEqual([form])
  })

  const special = "one two~(three)/+$&:=@,;*'!"

  it.each([
    ['URLSearchParams', new URLSearchParams({ a: special }).toString()],
    ['encodeURIComponent', encodeURIComponent(special)],
    ['encodeURI', encodeURI(special)],
    ['the password of a URL', Object.assign(new URL('https://a@b'), { password: special }).href],
    ['RFC 3986', 'one%20two~%28three%29%2F%2B%24%26%3A%3D%40%2C%3B%2A%27%21'],
    ['RFC 3986 in lower case', 'one%20two~%28three%29%2f%2b%24%26%3a%3d%40%2c%3b%2a%27%21'],
    ['quote of Python', 'one%20two~%28three%29/%2B%24%26%3A%3D%40%2C%3B%2A%27%21'],
    ['quote_plus of Python', 'one+two~%28three%29%2F%2B%24%26%3A%3D%40%2C%3B%2A%27%21'],
    ['PathEscape of Go', 'one%20two~%28three%29%2F+$&:=@%2C%3B%2A%27%21'],
    ['UserPassword of Go', 'one%20two~%28three%29%2F+$&%3A=%40,;%2A%27%21'],
  ])('have the ways of URLs: %s', (_, content) => {
    expect(search(matcherOf({ A: special }), Buffer.from(content), 64)).toHaveLength(1)
  })

  it.each(['%0asecond%2Fline', '%0Asecond%2Fline'])('have two digits for each byte in URLs: %s', (written) => {
    const isUpper = written.includes('%0A')
    const content = isUpper ? written : written.toLowerCase()
    expect(search(matcherOf({ A: '\nsecond/line' }), Buffer.from(content), 64)).toHaveLength(1)
  })

  it('in base64 are exactly the characters that no neighbour changes', () => {
    fc.assert(
      fc.property(bytes(8, 40), fc.integer({ min: 0, max: 2 }), (value, before) => {
        const [one, other] = [0, 255].map((byte) =>
          Buffer.concat([Buffer.alloc(before, byte), value, Buffer.alloc(3, byte)]).toString('base64'),
        ) as [string, string]
        const first = Array.from(one).findIndex((character, at) => at * 6 >= before * 8 && character === other[at])
        const common = one.slice(first, Math.floor(((before + value.length) * 8) / 6))
        const written = formsOf(value).filter(({ form }) => form === 'base64')
        expect(written.map((each) => each.bytes.toString())).toContain(common)
      }),
    )
  })

  it('in base64 have both alphabets', () => {
    const value = Buffer.from('fbffbe616263fbffbe', 'hex')
    for (const encoding of ['base64', 'base64url'] as const)
      expect(search(matcherOf({ A: value }), Buffer.from(value.toString(encoding)), 64)).toHaveLength(1)
    const mixed = Buffer.from(value.toString('base64').replace('+', '-'))
    expect(search(matcherOf({ A: value }), mixed, 64)).toEqual([])
  })

  it('are of the first 4,096 bytes, and of bytes that are no text not those of a text', () => {
    const written = formsOf(Buffer.alloc(5_000, 'a "'))
    const lengths = written.filter(({ form }) => ['plain', 'hex', 'recoded'].includes(form)).map((each) => each.bytes.length)
    expect(new Set(lengths)).toEqual(new Set([4_096, 2 * 4_096, 3 * 4_096 - 1, 3 * 50 - 1]))
    expect(formsOf(Buffer.from('ff00ff00ff00ff00ff00', 'hex')).map(({ form }) => form)).not.toContain('json')
  })

  it('are all long enough to be no accident', () => {
    fc.assert(fc.property(bytes(8, 12), (value) => formsOf(value).every((form) => form.bytes.length >= 8)))
  })
})

describe('the memory of a search', () => {
  it('shows no value when it is printed', () => {
    const matcher = matcherOf({ TOKEN: 'canary-4711' })
    search(matcher, Buffer.from('x canary-4711 y'), 3)
    expect(inspect(matcher, { showHidden: true, depth: Infinity })).not.toContain('canary')
    expect(JSON.stringify(matcher)).not.toContain('canary')
  })

  it('keeps no hashes of the beginnings of a value, which would tell its bytes', () => {
    const made: Uint32Array[] = []
    class RecordedArray extends Uint32Array {
      constructor(length: number) {
        super(length)
        made.push(this)
      }
    }
    vi.stubGlobal('Uint32Array', RecordedArray)
    onTestFinished(() => void vi.unstubAllGlobals())
    const matcher = matcherOf({ TOKEN: 'canary-4711' })
    expect(made.map((hashes) => hashes.some((hash) => hash !== 0))).toEqual(made.map(() => false))
    expect(made.length).toBeGreaterThan(1)
    expect(search(matcher, Buffer.from('x canary-4711 y'), 3)).toHaveLength(1)
  })

  it('holds no value in a heap snapshot', async () => {
    const code = `
      import { randomBytes } from 'node:crypto'
      import { getHeapSnapshot } from 'node:v8'
      import { ValueMatcher } from './value-matcher.ts'
      const letters = Buffer.from(randomBytes(24).map((byte) => 97 + (byte % 26)))
      globalThis.matcher = new ValueMatcher()
      globalThis.control = 'control-' + 'of-the-snapshot'
      matcher.add({ name: 'TOKEN' }, letters)
      await new Promise((resolve) => setImmediate(resolve))
      const chunks = []
      for await (const chunk of getHeapSnapshot()) chunks.push(Buffer.from(chunk))
      const snapshot = Buffer.concat(chunks)
      const parts = [letters, letters.subarray(4, 16)].map((part) => snapshot.includes(part))
      console.log(JSON.stringify({ control: snapshot.includes('TOKEN'), parts }))
    `
    expect(JSON.parse(await runModule(code, { cwd: import.meta.dirname }))).toEqual({ control: true, parts: [false, false] })
  })
})
