import { SecretsError } from '@finchat/secrets-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EncryptionKey, generateKey, parseKey } from './key.ts'

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })

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

  test('is copied, so that its owner may overwrite it', () => {
    const key = new Uint8Array(32).fill(1)
    const parsed = parseKey(key)
    key.fill(0)
    expect(parsed).toEqual({ kind: 'raw', bytes: new Uint8Array(32).fill(1) })
  })

  test('of more than 32 bytes is refused, as are damaged ones that look like one', () => {
    const damaged = `${'A'.repeat(42)}B=` // bits beyond the last byte
    for (const wrong of [
      new Uint8Array(33),
      new Uint8Array(64),
      damaged,
      `key:${'A'.repeat(42)}B`,
      `key:${'A'.repeat(50)}`,
      `key:${'!'.repeat(43)}`,
    ]) {
      expect(refusal(wrong).code).toBe('CONFIGURATION')
    }
  })

  test('that is generated is one, and never the same', () => {
    expect(generateKey()).toMatch(/^key:[\w-]{43}$/)
    expect(parseKey(generateKey()).kind).toBe('raw')
    expect(generateKey()).not.toBe(generateKey())
  })
})

describe('a passphrase', () => {
  test('is every other text of at least 32 bytes', () => {
    for (const text of [
      'correct horse battery staple and more',
      'ü'.repeat(16),
      '0'.repeat(63),
      'x'.repeat(44),
      `"${'quoted at one end only'.repeat(2)}`,
      `${'quoted at one end only'.repeat(2)}"`,
      `${'0'.repeat(63)}g`,
      'š'.repeat(64), // which `Buffer.from` takes for `a`, as hex
      'ab'.repeat(33),
      `${'A'.repeat(42)}-=`,
      'A'.repeat(44),
      `${'A'.repeat(44)}=`,
    ]) {
      expect(parseKey(text)).toEqual({ kind: 'passphrase', text })
    }
  })

  test('that is not well-formed is refused: two of them could encode to the same bytes', () => {
    expect(refusal(`${'x'.repeat(40)}\ud800`).code).toBe('CONFIGURATION')
  })
})

describe('a key is refused', () => {
  test('for its line break, not for its form, where a generated one was read from a file', () => {
    expect(refusal(`${generateKey()}\n`).message).toContain('begins or ends with whitespace (remove it)')
  })

  test('with what makes the same key right, not with how to make another one', () => {
    const key = generateKey()
    for (const [wrong, remedy] of [
      [` ${key}`, 'remove it'],
      [`"${key}"`, 'remove them'],
      [`'${'ab'.repeat(32)}'`, 'remove them'],
      ...Array.from({ length: 20 }, (_, cut) => [key.slice(0, -1 - cut), 'copy it again, all of it'] as const),
      [`key:${'A'.repeat(42)}`, 'copy it again, all of it'],
      [`${key}AAAA`, 'copy it again, all of it'],
    ] as const) {
      expect(refusal(wrong)).toMatchObject({ code: 'CONFIGURATION', remedy })
    }
  })

  test('when it is shorter than 32 bytes, in the words that users know', () => {
    for (const short of [
      '',
      'x',
      ' x\n',
      "'x'",
      'x'.repeat(31),
      'ü'.repeat(15),
      new Uint8Array(31),
      new Uint8Array(),
      'key:',
      'key:AAAA',
    ]) {
      expect(refusal(short)).toMatchObject({ code: 'CONFIGURATION', message: 'Encryption key must be at least 32 bytes long' })
    }
  })

  test('with whitespace or quotes around it, whatever form it has', () => {
    const hex = 'ab'.repeat(32)
    for (const wrong of [
      `${hex}\n`,
      ` ${hex}`,
      `${hex}\r\n`,
      `"${hex}"`,
      `'${hex}'`,
      `\`${hex}\``,
      `\ufeff${hex}`,
      `key:${'A'.repeat(43)} `,
    ]) {
      expect(refusal(wrong).code, wrong).toBe('CONFIGURATION')
    }
  })

  test('without ever being quoted, and for any text at all by our own error or not', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ minLength: 10, unit: 'binary' }),
          fc.string({ minLength: 10 }).map((text) => `key:${text}`),
        ),
        (text) => {
          try {
            parseKey(text)
          } catch (error) {
            if (!SecretsError.isInstance(error)) throw error
            expect(JSON.stringify(error).includes(JSON.stringify(text).slice(1, -1))).toBe(false)
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
