import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { faultyProvider, leaksOf, memoryProvider } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { afterAll, expect, it, vi } from 'vitest'
import { auditTrail } from './audit-trail.ts'
import { jsonLinesFile } from './json-lines-file.ts'
import { removeTestFolders, testFolder } from './testing/folders.ts'

afterAll(removeTestFolders)
vi.setConfig({ testTimeout: 120_000 })

/** Of every type that a caller can hand over as a value or a candidate, or that a store can answer. */
const canaries = [
  'canary-in-ascii-0123456789',
  'kanarienvögel-über-unicode',
  '{"user":"canary-in-json","n":12345678901234567890}',
  'canary\nin\u2028lines',
]
const bytes = new TextEncoder().encode('canary-in-bytes-0123456789')

const canary = fc.constantFrom<string | Uint8Array>(...canaries, bytes)
const text = fc.constantFrom(...canaries)
const name = fc.constantFrom('token', 'map', 'missing', 'other')

type Step = (secrets: SecretsManager) => Promise<unknown>

/** One call, with a canary wherever a caller can put one, and a failing store now and then. */
const step: fc.Arbitrary<Step> = fc.oneof(
  name.map(
    (one): Step =>
      (secrets) =>
        secrets.getSecretValue(one),
  ),
  name.map(
    (one): Step =>
      (secrets) =>
        secrets.getSecret(one, { field: 'user' }),
  ),
  fc.tuple(name, canary).map(
    ([one, value]): Step =>
      (secrets) =>
        secrets.storeSecret(one, value.slice()),
  ),
  fc.tuple(name, text).map(
    ([one, value]): Step =>
      (secrets) =>
        secrets.rotateSecret(one, value, { tags: { note: value } }),
  ),
  fc.tuple(name, text).map(
    ([one, candidate]): Step =>
      (secrets) =>
        secrets.verifySecret(one, candidate, { acceptPreviousForSeconds: 60 }),
  ),
  fc.tuple(name, text).map(
    ([one, tag]): Step =>
      (secrets) =>
        secrets.tagSecret(one, { note: tag }),
  ),
  name.map(
    (one): Step =>
      (secrets) =>
        secrets.deleteSecret(one),
  ),
  name.map(
    (one): Step =>
      (secrets) =>
        secrets.describeSecret(one),
  ),
  text.map(
    (one): Step =>
      (secrets) =>
        secrets.getSecret(`${one} `),
  ), // refused: it is no name
)

it('no value stands in the files of 10,000 events, in any encoding', async () => {
  const made = await testFolder()
  const audit = auditTrail({
    sinks: [jsonLinesFile({ folder: made.folder, durable: false, checkpoints: { to: made.checkpoints } })],
    sinkDeadlineMs: 60_000,
  })
  let calls = 0
  const store = faultyProvider(memoryProvider({ secrets: { token: canaries[0] ?? '', map: canaries[2] ?? '' } }), () =>
    ++calls % 7 === 0
      ? async () => {
          throw Object.assign(new Error(canaries[0]), { body: canaries[2] })
        }
      : undefined,
  )
  const secrets = createSecretsManager({ providers: [store], audit, cache: { ttlSeconds: 0.001 } })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 100 }), async (steps) => {
      for (const one of steps) await one(secrets).catch(() => {})
    }),
    { numRuns: 150 },
  )
  await secrets.close()

  const contents: string[] = []
  for (const folder of [made.folder, made.checkpoints]) {
    for (const file of await readdir(folder)) contents.push(await readFile(join(folder, file), 'utf8'))
  }
  const trail = contents.join('\n')
  expect(trail.match(/"operation":/g)?.length).toBeGreaterThan(10_000)
  for (const one of [...canaries, 'canary-in-json', '12345678901234567890', new TextDecoder().decode(bytes)])
    expect(leaksOf(trail, one)).toEqual([])
})
