import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecretsManager, loadSecrets, type SecretsManager } from '@finchat/secrets-core'
import { faultyProvider, leaksOf, memoryProvider } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { afterAll, expect, it, vi } from 'vitest'
import { withAuditContext } from './record/audit-context.ts'
import { auditTrail } from './trail/audit-trail.ts'
import { jsonLinesFile } from './file/file-sink.ts'
import { removeTestFolders, testFolder, type TestFolder } from './testing/folders.ts'

afterAll(removeTestFolders)
vi.setConfig({ testTimeout: 120_000 })

const texts = [
  'canary-in-ascii-0123456789',
  'kanarienvögel-über-unicode',
  '{"user":"canary-in-json","n":12345678901234567890}',
  'canary\nin\u2028lines',
] as const
const inBytes = 'canary-in-bytes-0123456789'
const digits = '98765432109876543210'
/** What must not be found, parts of JSON included. */
const canaries = [...texts, 'canary-in-json', '12345678901234567890', inBytes, digits]

const text = fc.constantFrom(...texts)
/** The same as every type that JavaScript has, for callers without types, and from stores. */
const anything: fc.Arbitrary<unknown> = text.chain((one) =>
  fc.constantFrom<unknown>(
    one,
    new TextEncoder().encode(inBytes),
    Buffer.from(inBytes),
    new TextEncoder().encode(inBytes).buffer,
    BigInt(digits),
    Number(digits),
    Symbol(one),
    () => one,
    Object(one),
    new Error(one, { cause: one }),
    [one],
    { [one]: one, toString: () => one, toJSON: () => one },
    new Map([[one, one]]),
    new Set([one]),
    new URL(`https://${encodeURIComponent(one)}@example.com`),
    AbortSignal.abort(one),
    new Proxy({}, { get: () => one }),
    null,
    true,
  ),
)
/** The members that are on record as the caller gives them: here a text is no leak, and everything else would be. */
const notText = anything.filter((value) => typeof value !== 'string')
const name = fc.constantFrom('token', 'map', 'missing', 'other')

/** What a call means to say, and sometimes one thing that is wrong. */
const options = fc
  .tuple(
    fc.record({ actor: fc.constant('webapp'), requestId: fc.constant('r-1') }, { requiredKeys: [] }),
    fc.oneof(
      { weight: 9, arbitrary: fc.constant({}) },
      fc.record({ actor: notText }),
      fc.record({ requestId: notText }),
      ...['field', 'version', 'provider', 'tags', 'signal', 'fallback', 'acceptPreviousForSeconds', texts[0]].map((member) =>
        fc.record({ [member]: anything }),
      ),
    ),
  )
  .map(([meant, wrong]) => ({ ...meant, ...wrong }))

/** As a caller without types may use it. */
type Untyped = Record<keyof SecretsManager, (...given: unknown[]) => Promise<unknown>>
type Step = (secrets: SecretsManager) => Promise<unknown>

function step(...given: fc.Arbitrary<unknown>[]): (method: keyof SecretsManager) => fc.Arbitrary<Step> {
  return (method) =>
    fc.tuple(fc.tuple(...given), fc.option(options, { nil: undefined })).map(([args, last]) => {
      const call: Step = async (secrets) => (secrets as unknown as Untyped)[method](...args, last) // as said
      return call
    })
}

const valued = fc.oneof({ weight: 9, arbitrary: text }, anything)
const steps: fc.Arbitrary<Step> = fc.oneof(
  step(name)('getSecret'),
  step(name)('getSecretValue'),
  step(name)('describeSecret'),
  step(name)('deleteSecret'),
  step(name)('restoreSecret'),
  step(notText)('getSecret'),
  step(fc.array(name))('getSecrets'),
  step(name, valued)('storeSecret'),
  step(name, valued)('rotateSecret'),
  step(name, fc.dictionary(fc.constantFrom('user', 'password'), text))('rotateSecret'),
  step(name, valued)('verifySecret'),
  step(name, fc.dictionary(fc.constantFrom('note'), valued))('tagSecret'),
  fc.tuple(name, text).map(
    ([one, tag]): Step =>
      (secrets) =>
        secrets.rotateSecret(one, tag, { tags: { note: tag } }),
  ),
  text.map(
    (one): Step =>
      (secrets) =>
        secrets.getSecret(`${one} `), // refused: it is no name
  ),
  fc.tuple(text, name).map(
    ([one, asked]): Step =>
      (secrets) =>
        loadSecrets(secrets, { [asked]: { schema: refusing(one) } }),
  ),
  fc.tuple(notText, name).map(
    ([one, asked]): Step =>
      async (secrets) =>
        withAuditContext({ actor: one as string }, () => secrets.getSecret(asked)), // as a caller without types may use it
  ),
)

/** A schema as libraries make them, which quotes what it was given. */
function refusing(one: string): { '~standard': { version: 1; vendor: string; validate: () => { issues: { message: string }[] } } } {
  return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: one }] }) } }
}

function failingWith(one: string): () => never {
  return () => {
    throw Object.assign(new Error(one), { value: one })
  }
}

/** Fails now and then, with all that a foreign error can hold. */
function shakyStore(): ReturnType<typeof faultyProvider> {
  let calls = 0
  const store = memoryProvider({ secrets: { token: texts[0], map: { value: texts[2], shape: 'map' } } })
  return faultyProvider(store, () => (++calls % 7 === 0 ? async () => failingWith(texts[calls % texts.length] ?? '')() : undefined))
}

const together = 20

async function contentsOf({ folder, checkpoints }: TestFolder): Promise<string> {
  const contents: string[] = []
  for (const path of [folder, checkpoints]) {
    for (const file of await readdir(path)) contents.push(await readFile(join(path, file), 'utf8'))
  }
  return contents.join('\n')
}

it('no value, whatever its type and wherever a caller puts it, stands in the files of 10,000 events, in any encoding', async () => {
  const made = await testFolder()
  const file = jsonLinesFile({ folder: made.folder, durable: false, checkpoints: { to: made.checkpoints } })
  const audit = auditTrail({ sinks: [file], sinkDeadlineMs: 60_000 })
  const secrets = createSecretsManager({ providers: [shakyStore()], audit, cache: { ttlSeconds: 0.001 } })
  const calls = fc.sample(steps, 20_000)
  // Those of a batch share one write.
  while (calls.length > 0) await Promise.allSettled(calls.splice(-together).map((one) => one(secrets)))
  await secrets.close()
  const trail = await contentsOf(made)
  expect(trail.match(/"operation":/g)?.length).toBeGreaterThan(10_000)
  // Every member once, between whose quotes no canary ends: most of them are the same on every record. Numbers are searched above.
  const members = [...new Set(trail.split(/,"|\n/))].filter((member) => !/^\w+":\d+$/.test(member)).join('\n')
  for (const one of canaries) expect([trail.includes(one), leaksOf(members, one)]).toEqual([false, []])
})
