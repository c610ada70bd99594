import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type EncryptionKey, generateKey, parseKey, parseKeys } from './encryption-key.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32, size: 'max' }).filter((each) => new Set(each).size >= 8)
const random = Buffer.from('9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', 'hex')

function refusal(key: EncryptionKey): SecretsError {
  try {
    parseKey(key)
  } catch (error) {
    if (SecretsError.isInstance(error)) return error
  }
  throw new Error('the key was accepted')
}

describe('a raw key', () => {
  test('is 32 bytes, 64 hex digits, 44 characters of base64, or `key:` and base64url, all the same', () => {
    fc.assert(
      fc.property(bytes, (key) => {
        const buffer = Buffer.from(key)
        const forms = [key, buffer, buffer.toString('hex'), buffer.toString('hex').toUpperCase(), buffer.toString('base64')]
        for (const form of [...forms, `key:${buffer.toString('base64url')}`, `key:${buffer.toString('base64url')}=`]) {
          expect(parseKey(form)).toEqual({ kind: 'raw', bytes: key })
        }
      }),
    )
  })

  test('is a copy in memory of its own: overwriting one of the two changes nothing in the other', () => {
    for (const form of [random, random.toString('hex'), `key:${random.toString('base64url')}`]) {
      const parsed = parseKey(form)
      if (parsed.kind !== 'raw') throw new Error('the key is no passphrase')
      expect(parsed.bytes.buffer.byteLength).toBe(32)
      parsed.bytes.fill(0)
      expect(parseKey(form)).toEqual({ kind: 'raw', bytes: Uint8Array.from(random) })
    }
  })

  test('of another length is refused', () => {
    for (const length of [33, 64]) expect(refusal(new Uint8Array(length)).message).toContain(`exactly 32 bytes, not ${length}`)
    expect(refusal(Buffer.from(generateKey())).remedy).toContain('a key that was read as text as a string')
    for (const length of [0, 16, 31]) expect(refusal(new Uint8Array(length)).message).toContain('at least 32 bytes')
  })

  test('that is generated is valid, and new each time', () => {
    expect(generateKey()).toMatch(/^key:[\w-]{43}$/)
    for (let n = 0; n < 1_000; n += 1) expect(parseKey(generateKey()).kind).toBe('raw')
    expect(generateKey()).not.toBe(generateKey())
  })
})

describe('32 bytes that are not random are refused in every encoding', () => {
  const weak = {
    'printable ASCII': 'correct horse battery staple 32!',
    'digits alone': '31415926535897932384626433832795',
    'text with a line break': 'correct horse battery staple 32\n',
    'text with a tab': 'correct horse battery staple\t32!',
    'text with a carriage return': 'correct horse battery staple\r32!',
    'text beyond ASCII': 'größere Straße, dünne Äste.',
    'a text in a buffer that is longer': 'correct horse battery staple\0\0\0\0',
    'text in UTF-16': Buffer.from('a passphrase of.', 'utf16le'),
    zeros: new Uint8Array(32),
    'one value': new Uint8Array(32).fill(0xaa),
    'two values': Uint8Array.from({ length: 32 }, (_, index) => 0x80 + (index % 2)),
    'a pattern of four bytes': Buffer.from('deadbeef'.repeat(8), 'hex'),
  }

  test.each(Object.entries(weak))('%s', (_, given) => {
    const buffer = Buffer.from(given as Uint8Array)
    const forms = [
      buffer,
      Uint8Array.from(buffer),
      buffer.toString('hex'),
      buffer.toString('base64'),
      `key:${buffer.toString('base64url')}`,
    ]
    expect(buffer).toHaveLength(32)
    for (const form of forms) expect(refusal(form)).toMatchObject({ code: 'CONFIGURATION', remedy: 'generateKey() makes a random key' })
  })

  test('any printable text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 32, maxLength: 32 }), (text) => {
        expect(refusal(Buffer.from(text)).message).toMatch(/are text, not random bytes|few of its bytes differ/)
      }),
    )
  })

  test.each([
    'Grüße aus Köln, wo es schön ist!',
    'Zürich Basel Genève Lausanne 1xÄ',
    '\u0093Mon mot de passe, très sûr\u0094 1234'.slice(0, 32),
  ])('text in Latin-1: %j', (text) => {
    expect(refusal(Buffer.from(text, 'latin1')).message).toContain('are text, not random bytes')
  })

  test('text of 26 letters and digits in Latin-1, but not of 25, as random bytes may have', () => {
    const textOf = (words: number): Buffer => Buffer.from('passwort0123456789 Abcdefghi'.slice(0, words).padEnd(32, 'üÄß§éñ'), 'latin1')
    expect(refusal(textOf(26)).message).toContain('are text, not random bytes')
    expect(parseKey(textOf(25)).kind).toBe('raw')
    const control = textOf(26)
    for (const code of [0x07, 0x7f]) {
      control[31] = code
      expect(parseKey(control).kind).toBe('raw')
    }
  })

  test('few different bytes, but not eight', () => {
    const bytesOf = (different: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, index) => 0x80 + (index % different))
    expect(refusal(bytesOf(7)).message).toContain('few of its bytes differ')
    expect(parseKey(bytesOf(8)).kind).toBe('raw')
  })

  test('and their copy is overwritten', () => {
    const filled = vi.spyOn(Object.getPrototypeOf(Uint8Array.prototype), 'fill')
    expect(() => parseKey(random.subarray(1))).toThrow('at least 32 bytes')
    const overwritten = filled.mock.contexts.filter((each) => each instanceof Uint8Array && each.length === 31)
    filled.mockRestore()
    expect(overwritten).toEqual([new Uint8Array(31)])
  })
})

describe('a passphrase', () => {
  test('is any other text of at least 32 bytes', () => {
    for (const text of [
      'correct horse battery staple and more',
      'correct-horse-battery-staple-and-some-more1',
      'Correct Horse Battery Staple, 44 characters!',
      'Correct-Horse-Battery-Staple-Purple-Monkey',
      'Correct_horse_battery_staple_purple_monkey_',
      'CorrectHorseBatteryStaplePurpleMonkeyDance',
      'über größere Straßen äußerst zügig',
      'abcdefghhgfedcbabadcfehgacegbdfh',
      '!correcthorsebatterystaplepurplemonkeydance=',
      'correct-horse-battery-staple-purple-monkeys=',
      'correcthorsebatterystaplepurplemonkeydances!='.slice(-44),
      '0123456789abcdef0123456789abcdef', // 128 bits in hex are enough to be stretched
      '"quoted at one end only, which may be meant',
      'quoted at one end only, which may be meant"',
    ]) {
      expect(parseKey(text)).toEqual({ kind: 'passphrase', text })
    }
  })

  test('that repeats a short text, or has few different characters, is refused', () => {
    for (const text of [
      'a'.repeat(32),
      `${'a'.repeat(32)}b`,
      'ab'.repeat(40),
      'password'.repeat(4),
      'passwort1'.repeat(4),
      'password1'.repeat(4).slice(0, 33),
      '12345678901234567890123456789012',
      'š'.repeat(64),
      `${'0'.repeat(99)}g`,
    ]) {
      expect(refusal(text).problem, text).toMatch(/^the passphrase (is a short text, repeated|has too few different characters)$/)
    }
  })

  test('that is not well-formed is refused: two of them could encode to the same bytes', () => {
    expect(refusal('correct horse battery staple and \ud800').message).toContain('not well-formed')
  })
})

describe('a damaged key is refused, and never taken for a passphrase', () => {
  const copyAgain = expect.stringMatching(/^copy it again, all of it/)

  test('hex digits that are missing, doubled or mistyped', () => {
    const digits = fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: 64, maxLength: 64 })
    const edit = fc.tuple(fc.nat(63), fc.nat(4), fc.constantFrom('', 'g', 'O', ':', 'ab', '0x', '\n'))
    fc.assert(
      fc.property(digits, edit, (hex, [at, removed, added]) => {
        const damaged = [...hex.slice(0, at), added, ...hex.slice(at + removed)].join('')
        fc.pre(damaged !== hex.join('') && damaged.trim() === damaged && damaged.length !== 64)
        expect(refusal(damaged)).toMatchObject({ code: 'CONFIGURATION', remedy: copyAgain })
      }),
    )
    expect(refusal(`${random.toString('hex').slice(0, 63)}g`)).toMatchObject({ remedy: copyAgain })
  })

  test('hex digits in groups, as programs print them', () => {
    for (const [group, separator] of [
      [2, ':'],
      [2, ' '],
      [4, ' '],
      [8, ' '],
      [32, '  '],
    ] as const) {
      const groups = random.toString('hex').match(new RegExp(`.{${group}}`, 'g')) ?? []
      expect(refusal(groups.join(separator)), `${group}${separator}`).toMatchObject({ code: 'CONFIGURATION', remedy: copyAgain })
    }
  })

  test('base64 and base64url without its padding or its `key:`, cut by a character, or with one more', () => {
    fc.assert(
      fc.property(bytes, (key) => {
        for (const encoding of ['base64', 'base64url'] as const) {
          const text = Buffer.from(key).toString(encoding).replace('=', '')
          fc.pre(/[a-z].*[a-z]/.test(text) && /[A-Z].*[A-Z]/.test(text))
          for (const damaged of [
            text,
            `ey:${text}`,
            `KEY:${text}`,
            `key ${text}`,
            `CACHE_KEY=key:${text}`,
            text.slice(1),
            text.slice(0, -1),
          ]) {
            expect(refusal(damaged), damaged).toMatchObject({ code: 'CONFIGURATION', remedy: copyAgain })
          }
          expect(refusal(`${text}A`), text).toMatchObject({ code: 'CONFIGURATION', remedy: copyAgain })
          expect(refusal(`${text}==`), text).toMatchObject({ code: 'CONFIGURATION', remedy: copyAgain })
        }
      }),
    )
  })

  test('`key:` and less, more or other than base64url of 32 bytes', () => {
    const key = `key:${random.toString('base64url')}`
    for (const damaged of [
      ...Array.from({ length: 20 }, (_, cut) => key.slice(0, -1 - cut)),
      `${key}AAAA`,
      `${key.slice(0, -1)}B`, // bits beyond the last byte
      `${key.slice(0, -1)}!`,
      `key:${random.toString('hex')}`,
      `key:${key}`,
    ]) {
      expect(refusal(damaged), damaged).toMatchObject({ code: 'CONFIGURATION', remedy: copyAgain })
    }
    expect(refusal(`${random.toString('base64').slice(0, -2)}J=`)).toMatchObject({ remedy: copyAgain })
  })
})

describe('text is taken for a damaged key', () => {
  const kindOf = (text: string): string => {
    try {
      return parseKey(text).kind
    } catch (error) {
      if (SecretsError.isInstance(error)) return error.problem
      throw error
    }
  }
  const hex = random.toString('hex').repeat(2)
  const base64 = random.toString('base64url').repeat(2)
  const nearHex = 'the encryption key is damaged: it is nearly, but not, 64 hex digits'
  const nearBase64 = 'the encryption key is damaged: it is nearly, but not, 32 bytes in base64'

  test.each([
    [55, 'passphrase'],
    [56, nearHex],
    [72, nearHex],
    [73, 'passphrase'],
  ])('with %d hex digits: %s', (length, kind) => {
    expect(kindOf(hex.slice(0, length))).toBe(kind)
  })

  test.each([
    [4, nearHex],
    [5, 'passphrase'],
  ])('with %d wrong ones of 64 hex digits: %s', (wrong, kind) => {
    expect(kindOf(`${'x'.repeat(wrong)}${hex.slice(wrong, 64)}`)).toBe(kind)
  })

  test.each([
    [39, 'passphrase'],
    [40, nearBase64],
    [46, nearBase64],
    [47, 'passphrase'],
  ])('with %d characters of base64: %s', (length, kind) => {
    expect(kindOf(base64.slice(0, length))).toBe(kind)
  })

  test.each([
    [46, '==', nearBase64],
    [47, '==', 'passphrase'],
    [47, '=', 'passphrase'],
  ])('with %d characters of base64 and %s: %s', (length, end, kind) => {
    expect(kindOf(`${base64.slice(0, length)}${end}`)).toBe(kind)
  })

  test('with capitals inside of words', () => {
    expect(kindOf('CorrectHOrseBatteryStaplePurpleMonkeyDancin')).toBe(nearBase64)
  })

  test.each([
    [15, 'Encryption key must be at least 32 bytes long'],
    [16, 'the encryption key is damaged: it holds 16 bytes, not 32'],
  ])('with `key:` and %d bytes: %s', (length, problem) => {
    expect(kindOf(`key:${random.subarray(0, length).toString('base64url')}`)).toBe(problem)
  })
})

test('a key with one character too many is refused as no valid base64url', () => {
  expect(refusal(`key:${'Ab'.repeat(22)}A`).problem).toBe('the encryption key is damaged: it is not valid base64url')
})

describe('a key is refused', () => {
  test('with whitespace or quotes around it, in any form', () => {
    const [key, hex] = [`key:${random.toString('base64url')}`, random.toString('hex')]
    for (const form of [key, hex, random.toString('base64')]) {
      for (const wrong of [`${form}\n`, ` ${form}`, `${form}\r\n`, `\ufeff${form}`])
        expect(refusal(wrong)).toMatchObject({ remedy: 'remove it; from the text of a file by .trim()' })
      for (const quote of ['"', "'", '`']) expect(refusal(`${quote}${form}${quote}`)).toMatchObject({ remedy: 'remove them' })
    }
  })

  test('when it is shorter than 32 bytes, in the words that users know', () => {
    for (const short of ['', 'x', ' x\n', "'x'", 'x'.repeat(31), 'ü'.repeat(15), 'key:', 'key:AAAA']) {
      expect(refusal(short)).toMatchObject({ code: 'CONFIGURATION', message: 'Encryption key must be at least 32 bytes long' })
    }
  })

  test('without being quoted, for any text', () => {
    const hex = fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: 56, maxLength: 72 }).map((each) => each.join(''))
    const text = fc.string({ minLength: 10, unit: 'binary' })
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((each) => `key:${each}`),
          hex,
          fc.base64String({ minLength: 40 }),
        ),
        (key) => {
          try {
            parseKey(key)
          } catch (error) {
            if (!SecretsError.isInstance(error)) throw error
            expect(JSON.stringify(error).includes(JSON.stringify(key).slice(1, -1))).toBe(false)
          }
        },
      ),
    )
  })

  test('when it is neither text nor bytes', () => {
    // As JavaScript callers may do.
    for (const wrong of [undefined, null, 42, {}] as unknown as EncryptionKey[]) expect(refusal(wrong).code).toBe('CONFIGURATION')
  })
})

describe('several keys', () => {
  test('are parsed in their order', () => {
    const kinds = parseKeys([generateKey(), 'correct horse battery staple and more']).map(({ kind }) => kind)
    expect([kinds, parseKeys([])]).toEqual([['raw', 'passphrase'], []])
  })

  test('are all overwritten if one is refused', () => {
    const filled = vi.spyOn(Object.getPrototypeOf(Uint8Array.prototype), 'fill')
    expect(() => parseKeys([random, 'correct horse battery staple and more', 'short'])).toThrow('at least 32 bytes')
    const overwritten = filled.mock.contexts.filter((each) => each instanceof Uint8Array && each.length === 32)
    filled.mockRestore()
    expect(overwritten).toEqual([new Uint8Array(32)])
  })
})
