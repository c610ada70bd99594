import { SecretsError, type NewSecret, type StoredSecret } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import { memoryManifest } from '../../fakes/memory-provider.ts'
import { answering, rejecting, replacing, testCatches, type BadProvider } from '../../testing/bad-providers.ts'
import { badValues } from '../../testing/zoo/values.ts'

const back = (what: string): string => `values: ${what} comes back exactly`
const refused = (what: string): string => `values: ${what} is refused before any call`

/** Changes every text on its way out. */
const text = (change: (value: string) => string | Uint8Array): BadProvider['spoil'] =>
  answering(
    ['get'],
    (secret: StoredSecret | undefined) =>
      secret && { ...secret, value: typeof secret.value === 'string' ? change(secret.value) : secret.value },
  )

const bytes = (change: (value: Uint8Array) => string | Uint8Array): BadProvider['spoil'] =>
  answering(
    ['get'],
    (secret: StoredSecret | undefined) =>
      secret && { ...secret, value: typeof secret.value === 'string' ? secret.value : change(secret.value) },
  )

/** Changes every value on its way in. */
const writing = (change: (secret: NewSecret) => NewSecret): BadProvider['spoil'] =>
  replacing((good) => ({ put: (path, secret, context) => good.put(path, change(secret), context) }))

const lenient = { values: { minBytes: 0, maxBytes: 1000, binary: true } }

describe('the rules of values', () => {
  testCatches(test, /^values:/, {
    ...badValues,
    trims: { spoil: text((value) => value.trim()), caughtBy: back('a trailing newline') },
    'trims only the end': { spoil: text((value) => value.trimEnd()), caughtBy: back('spaces around') },
    'takes a text of spaces for nothing': { spoil: text((value) => (value.trim() === '' ? '' : value)), caughtBy: back('only spaces') },
    'guesses numbers': {
      spoil: text((value) => (/^[\d.e]+$/.test(value) ? String(Number(value)) : value)),
      caughtBy: back('leading zeros'),
    },
    'guesses numbers beyond doubles': {
      spoil: text((value) => (/^[1-9]\d+$/.test(value) ? String(Number(value)) : value)),
      caughtBy: back('a number beyond doubles'),
    },
    'guesses decimals': { spoil: text((value) => (/^\d+\.\d+$/.test(value) ? String(Number(value)) : value)), caughtBy: back('a decimal') },
    'guesses exponents': { spoil: text((value) => (/^\de\d$/.test(value) ? String(Number(value)) : value)), caughtBy: back('an exponent') },
    'guesses words': {
      spoil: text((value) => (['null', 'undefined', 'false'].includes(value) ? '' : value)),
      caughtBy: back('a JSON word'),
    },
    'parses JSON and writes it anew': { spoil: text(reserialized), caughtBy: back('valid JSON with its own spacing') },
    unquotes: { spoil: text((value) => value.replaceAll(/^"|"$/g, '').replaceAll("'", '')), caughtBy: back('a quoted text') },
    'makes one kind of line end of all': {
      spoil: text((value) => value.replaceAll(/\r\n?/g, '\n')),
      caughtBy: back('line ends of every kind'),
    },
    'ends at NUL': { spoil: text((value) => value.split('\0')[0] ?? ''), caughtBy: back('NUL inside') },
    'drops control characters': { spoil: text((value) => value.replaceAll(/\p{Cc}/gu, '')), caughtBy: back('control characters') },
    'drops a byte order mark': {
      spoil: text((value) => new TextDecoder().decode(Buffer.from(value))),
      caughtBy: back('a byte order mark'),
    },
    'knows Latin letters only': {
      spoil: text((value) => Buffer.from(value, 'latin1').toString('latin1')),
      caughtBy: back('Unicode of every length'),
    },
    'composes characters': { spoil: text((value) => value.normalize('NFC')), caughtBy: back('composed and decomposed') },
    'drops invisible characters': { spoil: text((value) => value.replaceAll(/[\u2000-\u206f]/g, '')), caughtBy: back('line separators') },
    'drops replacement characters': { spoil: text((value) => value.replaceAll('\ufffd', '')), caughtBy: back('the replacement character') },
    'escapes HTML': { spoil: text((value) => value.replaceAll('<', '&lt;')), caughtBy: back('HTML') },
    'decodes percent signs': { spoil: text((value) => value.replaceAll('%41', 'A')), caughtBy: back('percent signs') },
    'fills in templates': { spoil: text((value) => value.replaceAll('${HOME}', '/root')), caughtBy: back('templates') },
    'reads backslashes as escapes': { spoil: text((value) => value.replaceAll('\\n', '\n')), caughtBy: back('backslashes') },
    'decodes base64': {
      spoil: text((value) => (/^[A-Z]+Q=$/i.test(value) ? Buffer.from(value, 'base64') : value)),
      caughtBy: back('base64'),
    },
    'cuts off a field': { spoil: text((value) => value.split('#')[0] ?? ''), caughtBy: back('a field reference') },
    'cuts long values off': { spoil: text((value) => value.slice(0, 30_000)), caughtBy: back('the largest value, of characters like x,') },
    'answers an empty text with something': { spoil: text((value) => value || 'x'), caughtBy: back('empty text') },
    'answers one character with nothing': { spoil: text((value) => (value.length > 1 ? value : '')), caughtBy: back('one character') },
    'answers text as bytes': { spoil: text((value) => Buffer.from(value)), caughtBy: back('one character') },
    'answers bytes as text': { spoil: bytes((value) => Buffer.from(value).toString()), caughtBy: back('every byte (binary)') },
    'answers no bytes with one': {
      spoil: bytes((value) => (value.length > 0 ? value : Uint8Array.of(0))),
      caughtBy: back('no bytes (binary)'),
    },
    'answers the whole buffer of a view': {
      spoil: replacing((good, harness) => ({
        put: (path, { value, ...rest }, context) =>
          good.put(path, { ...rest, value: typeof value === 'string' ? value : new Uint8Array(value.buffer) }, context),
        close: harness.close,
      })),
      caughtBy: back('a view into a larger buffer (binary)'),
    },
    'lends its own bytes': {
      spoil: replacing((good) => {
        const lent = new Map<string, ReturnType<typeof good.get>>()
        return {
          get: (path, context) => {
            const answer = lent.get(path) ?? good.get(path, context)
            lent.set(path, answer)
            return answer
          },
        }
      }),
      caughtBy: 'values: an answer holds a copy of the bytes',
    },
    "keeps the caller's own bytes": {
      spoil: replacing((good) => {
        const kept = new Map<string, Uint8Array>()
        return {
          put: (path, secret, context) => {
            if (typeof secret.value !== 'string') kept.set(path, secret.value)
            return good.put(path, secret, context)
          },
          get: async (path, context) => {
            const value = kept.get(path)
            return value === undefined ? good.get(path, context) : { value }
          },
        }
      }),
      caughtBy: 'values: a write copies the bytes',
    },
    'changes values on their way in': { spoil: writing((secret) => ({ ...secret, value: 'other' })), caughtBy: back('one character') },
    'takes values that are too long': { spoil: (harness) => harness, manifest: lenient, caughtBy: refused('a value one byte too long') },
    'counts characters for bytes': {
      spoil: replacing((good) => ({
        put: async (path, secret, context) => {
          if (secret.value.length > 1000) throw new SecretsError('INVALID_ARGUMENT', 'too long')
          return good.put(path, secret, context)
        },
      })),
      manifest: lenient,
      caughtBy: refused('a value too long in bytes but not in characters'),
    },
    'takes text that is not well-formed': {
      spoil: writing((secret) => ({ ...secret, value: String(secret.value).toWellFormed() })),
      caughtBy: refused('text that is not well-formed'),
    },
    'takes values that are too short': {
      spoil: (harness) => harness,
      manifest: { values: { minBytes: 1, maxBytes: 65_536, binary: true } },
      caughtBy: refused('a value one byte too short'),
    },
    'takes bytes that it says it does not hold': {
      spoil: (harness) => harness,
      manifest: { values: { ...memoryManifest.values, binary: false } },
      caughtBy: refused('binary'),
    },
    'asks its store before it looks at the value': {
      spoil: replacing((good) => ({
        put: async (path, secret, context) => {
          await good.get(path, context)
          return good.put(path, secret, context)
        },
      })),
      caughtBy: refused('a value one byte too long'),
    },
    'refuses what is too long with another code': {
      spoil: rejecting(['put'], () => new SecretsError('INTERNAL', 'failed')),
      caughtBy: refused('a value one byte too long'),
    },
  })
})

function reserialized(value: string): string {
  try {
    return JSON.stringify(JSON.parse(value))
  } catch {
    return value
  }
}
