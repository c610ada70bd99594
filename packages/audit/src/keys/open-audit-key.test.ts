import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { initAuditFolder } from '../file/init-audit-folder.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { context, emptyFolder, removeTestFolders, written } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { openAuditKey } from './open-audit-key.ts'
import type { AuditorKeyPair } from './sealed-key.ts'

afterAll(removeTestFolders)

const pem = (key: KeyObject): string => key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }).toString()
const auditor = generateKeyPairSync('x25519')
/** Node.js before 24.7 has none: there, both halves of the list are the key that is refused. */
const mlKem = mlKemPair()
const hasMlKem = mlKem !== auditor
const stranger = generateKeyPairSync('x25519')

function mlKemPair(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  try {
    return generateKeyPairSync('ml-kem-768')
  } catch {
    return auditor
  }
}

const withMlKem: [string, AuditorKeyPair, AuditorKeyPair][] = [
  ['X25519 and ML-KEM-768', [auditor.publicKey, mlKem.publicKey], [auditor.privateKey, mlKem.privateKey]],
  ['both as PEM', [pem(auditor.publicKey), pem(mlKem.publicKey)], [pem(auditor.privateKey), pem(mlKem.privateKey)]],
]

async function sealedFor(publicKey: AuditorKeyPair): Promise<{ readonly folder: string; readonly sealed: string }> {
  const folder = join(await emptyFolder(), 'trail')
  expect(Object.keys(await initAuditFolder(folder, { auditor: publicKey }))).toEqual(['folder'])
  return { folder, sealed: await readFile(join(folder, 'auditor-key.json'), 'utf8') }
}

describe('a folder whose key is sealed for the auditor', () => {
  it.each<[string, AuditorKeyPair, AuditorKeyPair]>([
    ['an X25519 key', auditor.publicKey, auditor.privateKey],
    ['an X25519 key as PEM', pem(auditor.publicKey), pem(auditor.privateKey)],
    ['a list of one', [auditor.publicKey] as unknown as AuditorKeyPair, auditor.privateKey], // as from JavaScript
    ...(hasMlKem ? withMlKem : []),
  ])('is verified by whoever has the private key: %s', async (_, publicKey, privateKey) => {
    const { folder, sealed } = await sealedFor(publicKey)
    const sink = jsonLinesFile({ folder })
    await written(sink, 3)
    await sink.close?.(context)
    const key = openAuditKey(sealed, { privateKey })
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 3, foreign: [] })
  })

  it('is opened into the bytes that the caller overwrites, and no others', async () => {
    const { sealed } = await sealedFor(auditor.publicKey)
    const crypto = process.getBuiltinModule('node:crypto')
    const { createDecipheriv } = crypto
    const plain: Buffer[] = []
    const spy = vi.spyOn(crypto, 'createDecipheriv').mockImplementation((...args: Parameters<typeof createDecipheriv>) => {
      const decipher = createDecipheriv(...args)
      const update = decipher.update.bind(decipher)
      return Object.assign(decipher, { update: (bytes: Buffer) => (plain.push(update(bytes)), plain.at(-1)) })
    })
    onTestFinished(() => spy.mockRestore())
    expect(openAuditKey(sealed, { privateKey: auditor.privateKey })).toHaveLength(53)
    expect(plain.map((bytes) => bytes.equals(Buffer.alloc(53)))).toEqual([true])
  })

  it('has the key nowhere in plain text', async () => {
    const { folder, sealed } = await sealedFor(auditor.publicKey)
    const key = Buffer.from(openAuditKey(sealed, { privateKey: auditor.privateKey })).toString()
    for (const name of await readdir(folder)) expect(await readFile(join(folder, name), 'utf8')).not.toContain(key.slice(10))
  })

  it('opens for nobody else', async () => {
    const { sealed } = await sealedFor(auditor.publicKey)
    expect(() => openAuditKey(sealed, { privateKey: stranger.privateKey })).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
  })

  it('needs both keys, if it was sealed for both', async () => {
    if (!hasMlKem) return expect(initAuditFolder('unused', { auditor: [auditor.publicKey, mlKem.publicKey] })).rejects.toThrow('24.7')
    const { sealed } = await sealedFor([auditor.publicKey, mlKem.publicKey])
    expect(() => openAuditKey(sealed, { privateKey: auditor.privateKey })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    const other = generateKeyPairSync('ml-kem-768').privateKey
    expect(() => openAuditKey(sealed, { privateKey: [auditor.privateKey, other] })).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
    expect(() => openAuditKey(sealed, { privateKey: [stranger.privateKey, mlKem.privateKey] })).toThrow(
      expect.objectContaining({ code: 'INTEGRITY' }),
    )
  })

  it('does not open if a single character of the file was changed', async () => {
    const { sealed } = await sealedFor(hasMlKem ? [auditor.publicKey, mlKem.publicKey] : auditor.publicKey)
    const privateKey: AuditorKeyPair = hasMlKem ? [auditor.privateKey, mlKem.privateKey] : auditor.privateKey
    const original = Buffer.from(openAuditKey(sealed, { privateKey }))
    fc.assert(
      fc.property(fc.nat({ max: sealed.length - 2 }), fc.constantFrom('A', 'z', '0', '"', '}'), (at, character) => {
        fc.pre(sealed[at] !== character)
        try {
          expect(Buffer.from(openAuditKey(sealed.slice(0, at) + character + sealed.slice(at + 1), { privateKey }))).toEqual(original) // another spelling of the same bytes
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/INTEGRITY|CONFIGURATION/) })
        }
      }),
      { numRuns: 60 },
    )
  })

  it('keeps no unfinished folder that looks ready', async () => {
    const folder = join(await emptyFolder(), 'trail')
    const [one, other] = await Promise.allSettled([
      initAuditFolder(folder, { auditor: auditor.publicKey }),
      initAuditFolder(folder, { auditor: auditor.publicKey }),
    ])
    expect([one.status, other.status].toSorted()).toEqual(['fulfilled', 'rejected'])
    const key = openAuditKey(await readFile(join(folder, 'auditor-key.json'), 'utf8'), { privateKey: auditor.privateKey })
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true })
  })
})

it.each<[string, unknown]>([
  ['a private key', auditor.privateKey],
  ['a private key as PEM', pem(auditor.privateKey)],
  ['another kind of key', generateKeyPairSync('ed25519').publicKey],
  ['ML-KEM alone', mlKem.publicKey],
  ['the wrong order', [mlKem.publicKey, auditor.publicKey]],
  ['three keys', [auditor.publicKey, mlKem.publicKey, mlKem.publicKey]],
  ['no key', 'audit'],
  ['an empty list', []],
])('a folder is not sealed for %s, and nothing is written', async (_, wrong) => {
  const folder = join(await emptyFolder(), 'trail')
  await expect(initAuditFolder(folder, { auditor: wrong as AuditorKeyPair })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  await expect(readdir(folder)).rejects.toThrow('ENOENT')
})

it.each([
  ['PEM', pem(auditor.privateKey)],
  ['an object', auditor.privateKey],
  ['one of two', [auditor.publicKey, pem(auditor.privateKey)]],
])('a folder is not sealed for a private key, as %s, and the error names the command for the public one', async (_, wrong) => {
  const folder = join(await emptyFolder(), 'trail')
  const error: unknown = await initAuditFolder(folder, { auditor: wrong as AuditorKeyPair }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({
    code: 'CONFIGURATION',
    problem: '`auditor` is a private key, which must not be on this host',
    remedy: expect.stringContaining('openssl pkey -in auditor.pem -pubout -out auditor.pub'),
  })
  expect(inspect(error)).not.toContain('BEGIN')
  await expect(readdir(folder)).rejects.toThrow('ENOENT')
})

it('a private key from a public one, or a text that is no file of ours, is refused', async () => {
  const { sealed } = await sealedFor(auditor.publicKey)
  expect(() => openAuditKey(sealed, { privateKey: createPublicKey(createPrivateKey(pem(auditor.privateKey))) })).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION' }),
  )
  for (const text of ['', '{}', 'null', '{"v":1}']) {
    expect(() => openAuditKey(text, { privateKey: auditor.privateKey })).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
  }
})
