import { execFileSync } from 'node:child_process'
import { createDecipheriv, createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { mac } from './mac.ts'
import { seal, sealLength, unseal } from './seal.ts'

const key = createSecretKey(Buffer.alloc(32, 1))
const data = Buffer.from('associated data')

test('what was sealed opens to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (plaintext, associated) => {
      expect(unseal(key, associated, seal(key, associated, plaintext))).toEqual(Buffer.from(plaintext))
    }),
  )
})

test('a flipped bit, a cut or an addition is detected', () => {
  const sealed = seal(key, data, Buffer.from('value'))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = Buffer.from(sealed)
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    expect(unseal(key, data, flipped)).toBeUndefined()
  }
  for (let length = 0; length < sealed.length; length++) expect(unseal(key, data, sealed.subarray(0, length))).toBeUndefined()
  expect(unseal(key, data, Buffer.concat([sealed, Buffer.of(0)]))).toBeUndefined()
})

test('it opens only under its own key and associated data', () => {
  const sealed = seal(key, data, Buffer.from('value'))
  expect(unseal(createSecretKey(Buffer.alloc(32, 2)), data, sealed)).toBeUndefined()
  expect(unseal(key, Buffer.from('associated datb'), sealed)).toBeUndefined()
})

test('the same plaintext is never sealed the same way twice', () => {
  const seals = Array.from({ length: 100 }, () => seal(key, data, Buffer.from('value')).toString('hex', 0, 12))
  expect(new Set(seals).size).toBe(100)
})

test('the plaintext is in memory of its own', () => {
  const plaintext = unseal(key, data, seal(key, data, Buffer.from('value')))
  expect([plaintext?.length, plaintext?.buffer.byteLength]).toEqual([5, 5])
})

test('plaintext that fails authentication is overwritten', () => {
  const sealed = seal(key, data, Buffer.from('canary-8f2e'))
  const prototype = Object.getPrototypeOf(createDecipheriv('aes-256-gcm', key, Buffer.alloc(12))) as {
    update: (text: Uint8Array) => Buffer
  } // Node's own class
  const update = vi.spyOn(prototype, 'update')
  expect(unseal(key, Buffer.from('other data'), sealed)).toBeUndefined()
  expect(update.mock.results.map(({ value }) => value as Buffer)).toEqual([Buffer.alloc(11)]) // what `update` returns
  update.mockRestore()
})

test('it is as long as its plaintext, nonce and tag', () => {
  for (const length of [0, 1, 16, 17, 5_000]) expect(seal(key, data, Buffer.alloc(length))).toHaveLength(sealLength + length)
})

describe('INVALID_ARGUMENT, before anything is sealed or opened', () => {
  const sealed = seal(key, data, Buffer.from('value'))
  const refused = (problem: string) => expect.objectContaining({ code: 'INVALID_ARGUMENT', problem })

  test.each<[string, unknown]>([
    ['of 16 bytes', createSecretKey(Buffer.alloc(16, 1))],
    ['of 33 bytes', createSecretKey(Buffer.alloc(33, 1))],
    ['that is public', createPublicKey(generateKeyPairSync('ed25519').privateKey)],
    ['of 31 bytes as they are', Buffer.alloc(31, 1)],
    ['of 33 bytes as they are', Buffer.alloc(33, 1)],
    ['of text', 'canary'.repeat(6)],
    ['that is not there', undefined],
    ['of an object that looks like one', { type: 'secret', symmetricKeySize: 32 }],
  ])('is a key %s', (_, given) => {
    const wrong = given as KeyObject // as JavaScript may pass it
    const problem = 'the key is neither 32 bytes nor a secret KeyObject of as many'
    expect(() => mac(wrong, data)).toThrow(refused(problem))
    expect(() => seal(wrong, data, Buffer.from('value'))).toThrow(refused(problem))
    expect(() => unseal(wrong, data, sealed)).toThrow(refused(problem))
    expect(() => unseal(wrong, data, Buffer.alloc(0))).toThrow(refused(problem))
  })

  test('is text, which Node.js would accept', () => {
    const text = 'canary' as unknown as Uint8Array // as JavaScript may pass it
    const problem = 'the text, or its associated data, is not a Uint8Array'
    expect(() => mac(key, data, text)).toThrow(refused(problem))
    expect(() => seal(key, data, text)).toThrow(refused(problem))
    expect(() => seal(key, text, sealed)).toThrow(refused(problem))
    expect(() => unseal(key, data, text)).toThrow(refused(problem))
    expect(() => unseal(key, text, sealed)).toThrow(refused(problem))
  })
})

describe('a key of bytes', () => {
  const raw = Buffer.alloc(32, 1)

  test('equals a KeyObject of them', () => {
    expect(unseal(key, data, seal(raw, data, Buffer.from('value')))?.toString()).toBe('value')
    expect(unseal(raw, data, seal(key, data, Buffer.from('value')))?.toString()).toBe('value')
    expect(mac(raw, data)).toEqual(mac(key, data))
  })

  test('takes no stack traces meanwhile, and restores their limit, also after a failure', () => {
    const before = Error.stackTraceLimit
    Error.stackTraceLimit = 7
    unseal(raw, data, seal(raw, data, Buffer.from('value')))
    const after = Error.stackTraceLimit
    let within: number | undefined
    const create = vi.spyOn(process.getBuiltinModule('node:crypto'), 'createCipheriv').mockImplementation(() => {
      within = Error.stackTraceLimit
      throw new Error('no memory')
    })
    expect(() => seal(raw, data, data)).toThrow('no memory')
    create.mockRestore()
    expect([after, within, Error.stackTraceLimit]).toEqual([7, 0, 7])
    Error.stackTraceLimit = before
  })
})

test('a Node.js that is too old is CONFIGURATION', async () => {
  vi.resetModules()
  const untried = await import('./seal.ts')
  const own = process.getBuiltinModule
  Object.assign(process, { getBuiltinModule: undefined })
  try {
    const problem = `@finchat/secrets needs Node.js 22.19 or later, with node:crypto; this is ${process.version}`
    expect(() => untried.seal(key, data, data)).toThrow(expect.objectContaining({ code: 'CONFIGURATION', problem }))
  } finally {
    Object.assign(process, { getBuiltinModule: own })
  }
})

test('importing core does not load it, and importing it loads no crypto', () => {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url.split('/').at(-1)), next(url, context)) })
    const isThere = () => ['sealing.ts', 'seal.ts', 'length-prefixed.ts'].filter((file) => loaded.includes(file)).length
    await import('@finchat/secrets-core')
    const before = isThere()
    await import('@finchat/secrets-core/sealing')
    console.log(before, isThere(), process.moduleLoadList.includes('NativeModule crypto'))`
  const flags = ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
  expect(execFileSync(process.execPath, flags, { cwd: import.meta.dirname, encoding: 'utf8' })).toBe('0 3 false\n')
})
