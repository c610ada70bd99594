import { generateKeyPairSync } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { removeTestFolders, segmentsOf, sentTo, testFolder, trailOf } from '../testing/folders.ts'
import { type Forgery, rewritten, rewrittenCheckpoint } from '../testing/forger.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

const segment = 'segment-00000001.jsonl'
const pair = generateKeyPairSync('ed25519')
const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const signingKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** Other content, equally long. */
const renamed: Forgery = { line: (line) => line.replace('"name":"secret-5"', '"name":"secret-X"') }

describe('whoever has the auditor’s key and rewrites the whole trail', () => {
  it('is found by any checkpoint from before, though nothing became longer or shorter', async () => {
    const { folder, key, checkpoints } = await trailOf(40)
    await rewritten(folder, key, {})
    expect(await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).toMatchObject({ ok: true, records: 40 })
    await rewritten(folder, key, renamed)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 40 }) // as only the key's owner can do
    for (const checkpoint of [checkpoints, (await sentTo(checkpoints)).slice(-1)]) {
      const { ok, problem } = await verifyAuditTrail(folder, { key, checkpoint })
      expect(ok).toBe(false)
      expect(problem).toMatchObject({ what: 'edited', file: segment, explanation: expect.stringMatching(/differs from a checkpoint/) })
    }
  })

  it('is found between two checkpoints though something before them was damaged', async () => {
    const { folder, key, checkpoints } = await trailOf(40)
    const [last = ''] = (await sentTo(checkpoints)).slice(-1)
    const before = await rewritten(folder, key, {})
    const stands = await rewritten(folder, key, renamed)
    const path = join(folder, segment)
    await writeFile(path, (await readFile(path, 'latin1')).replace('"name":"secret-0"', '"name":"secret-Z"'), 'latin1')
    const attested = [3, 8].map((group) => rewrittenCheckpoint(last, before, group))
    const { problems } = await verifyAuditTrail(folder, { key, checkpoint: attested })
    expect(problems.map(({ what, line, lastLine }) => [what, line, lastLine])).toContainEqual(['edited', 9, 18])
    const { problems: known } = await verifyAuditTrail(folder, {
      key,
      checkpoint: [3, 8].map((group) => rewrittenCheckpoint(last, stands, group)),
    })
    expect(known.map(({ line }) => line)).toEqual([3])
  })

  it('is found if a line of the index was rewritten alone', async () => {
    const { folder, key, checkpoints } = await segmentsOf(3, 2)
    await rewritten(folder, key, { entry: (entry) => (entry.step === 1 ? { ...entry, host: 'another' } : entry) })
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true })
    const { problem } = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
    expect(problem).toMatchObject({ what: 'edited', file: 'index.jsonl', line: 2 })
  })

  it('cannot give the folder another id, of which there are no checkpoints', async () => {
    const { folder, key } = await trailOf(2)
    await rewritten(folder, key, { entry: (entry) => ({ ...entry, folder: '00000000-0000-8000-a000-000000000000' }) })
    expect((await verifyAuditTrail(folder, { key })).problems).toContainEqual(
      expect.objectContaining({ what: 'edited', file: 'index.jsonl', line: 1, explanation: "the folder's id is not that of this key" }),
    )
  })

  it('cannot make checkpoints of his own that are signed with a key that he does not have', async () => {
    const { folder, key, checkpoints } = await testFolder()
    await trailOf(40, { folder, checkpoints: { to: checkpoints, signingKey: pair.privateKey } })
    const checkpoint = await sentTo(checkpoints)
    for (const checkpointKey of [publicKey, pair.publicKey])
      expect(await verifyAuditTrail(folder, { key, checkpoint, checkpointKey })).toMatchObject({ ok: true, records: 40 })
    const stands = await rewritten(folder, key, renamed)
    const forged = checkpoint.map((text) => rewrittenCheckpoint(text, stands))
    expect(await verifyAuditTrail(folder, { key, checkpoint: forged })).toMatchObject({ ok: true })
    const { problems } = await verifyAuditTrail(folder, { key, checkpoint: forged, checkpointKey: publicKey })
    expect(problems).toHaveLength(forged.filter((text, at) => text !== checkpoint[at]).length)
    expect(problems[0]).toMatchObject({ what: 'edited', file: 'checkpoints', explanation: expect.stringMatching(/not signed/) })
  })
})

describe('checkpoints that are to be signed', () => {
  it('are a problem if they are not, or by another key', async () => {
    const { folder, key, checkpoints } = await trailOf(2)
    const sent = await sentTo(checkpoints)
    expect((await verifyAuditTrail(folder, { key, checkpoint: checkpoints, checkpointKey: publicKey })).problems).toHaveLength(sent.length)
    const other = await testFolder()
    const own = generateKeyPairSync('ed25519').privateKey
    await trailOf(2, { folder: other.folder, checkpoints: { to: other.checkpoints, signingKey: own } })
    const { ok, problem } = await verifyAuditTrail(other.folder, {
      key: other.key,
      checkpoint: other.checkpoints,
      checkpointKey: publicKey,
    })
    expect([ok, problem?.what]).toEqual([false, 'edited'])
  })

  it('are verified without the public key too, and their signature may not be taken for another one', async () => {
    const { folder, key, checkpoints } = await testFolder()
    await trailOf(2, { folder, checkpoints: { to: checkpoints, signingKey } })
    expect(await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).toMatchObject({ ok: true })
    const sent = await sentTo(checkpoints)
    const other = sent.map((text) =>
      text.replace(/"signature":"(.*)(.)"/, (_, start: string, end: string) => `"signature":"${start}${nextTo(end)}"`),
    )
    expect(other).not.toEqual(sent)
    expect((await verifyAuditTrail(folder, { key, checkpoint: other, checkpointKey: publicKey })).problems).toHaveLength(sent.length)
  })
})

/** Of a last digit of base64url another one that stands for the same bytes. */
function nextTo(digit: string): string {
  return String.fromCodePoint((digit.codePointAt(0) ?? 0) + 1)
}

it('no file of a trail or of its checkpoints holds the auditor’s key or the private key, in any form', async () => {
  const { folder, key, checkpoints } = await testFolder()
  await trailOf(40, { folder, checkpoints: { to: checkpoints, signingKey } })
  const seed = Buffer.from(pair.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
  const raws = [Buffer.from(key.slice('audit-key:'.length), 'base64url'), seed]
  const forms = raws.flatMap((raw) => [raw, ...(['hex', 'base64', 'base64url'] as const).map((as) => Buffer.from(raw.toString(as)))])
  for (const path of [folder, checkpoints])
    for (const name of await readdir(path)) {
      const content = await readFile(join(path, name))
      expect(forms.filter((form) => content.includes(form))).toEqual([])
    }
})

describe('a key for checkpoints that is none', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const shown = (error: unknown): string => (error instanceof Error ? `${error.message} ${String(error.stack)}` : '')

  it.each<[string, unknown]>([
    ['public', publicKey],
    ['public, as an object', pair.publicKey],
    ['of RSA', rsa.privateKey],
    ['text', 'PRIVATE KEY of mine'],
    ['a number', 7],
  ])('is refused when the sink is made, without a word of it: %s', async (_, key) => {
    const { folder, checkpoints } = await testFolder()
    const make = (): unknown => Reflect.apply(jsonLinesFile, undefined, [{ folder, checkpoints: { to: checkpoints, signingKey: key } }])
    expect(make).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', problem: '`checkpoints.signingKey` is not a private Ed25519 key' }),
    )
    expect(() => make()).not.toThrow(/of mine|BEGIN/)
  })

  it.each<[string, unknown]>([
    ['of RSA', rsa.publicKey],
    ['text', 'of mine'],
    ['null', null],
  ])('is refused where trails are verified: %s', async (_, checkpointKey) => {
    const { folder, key, checkpoints } = await testFolder()
    const verifying = Reflect.apply(verifyAuditTrail, undefined, [folder, { key, checkpoint: checkpoints, checkpointKey }])
    const error: unknown = await Promise.resolve(verifying).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CONFIGURATION', problem: '`checkpointKey` is not a public Ed25519 key' })
    expect(shown(error)).not.toMatch(/of mine|BEGIN/)
  })

  it.each<[string, unknown, string]>([
    ['text', signingKey, 'checkpointKey'],
    ['an object', pair.privateKey, 'checkpointKey'],
    ['text', signingKey, 'pruneKey'],
  ])('is refused where trails are verified if it is private, as %s, with the command for a public one: %s %s', async (_, given, option) => {
    const { folder, key, checkpoints } = await testFolder()
    const verifying = Reflect.apply(verifyAuditTrail, undefined, [folder, { key, checkpoint: checkpoints, [option]: given }])
    const error: unknown = await Promise.resolve(verifying).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      code: 'CONFIGURATION',
      problem: `\`${option}\` is a private key, which must not be on this host`,
      remedy: expect.stringContaining('openssl pkey -in signing.pem -pubout -out signing.pub'),
    })
    expect(shown(error)).not.toMatch(/BEGIN/)
  })

  it('is of no use without checkpoints', async () => {
    const { folder, key } = await testFolder()
    await expect(verifyAuditTrail(folder, { key, checkpointKey: publicKey })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })
})
