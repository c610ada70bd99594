import assert from 'node:assert/strict'
import type { StoredSecret } from '@finchat/secrets-core'
import { assertValue, copyOf, member, register, type Rules, type Suite, type Trial } from '../trial.ts'

/** Every member that returns a value returns it exactly, and its bytes for good. */
export function testEveryValue(suite: Suite): void {
  register(suite, exactRules(suite))
  if (!suite.manifest.values.binary) return
  register(suite, bytesRules)
  register(suite, givenBytesRules(suite))
}

const values: readonly (string | Uint8Array)[] = ['', '42', '{"a": 1}', ' пароль 🔑\n', new Uint8Array(), Uint8Array.of(0xff, 0x00, 0xc3)]

const exactRules = (suite: Suite): Rules => ({
  'values: every member that returns a value returns it exactly': async (trial) => {
    const { minBytes, binary } = suite.manifest.values
    const fitting = values.filter((value) => value.length >= minBytes && (binary || typeof value === 'string'))
    for (const value of fitting) {
      await trial.seed(trial.path(1), copyOf(value))
      await assertReads(suite, trial, value)
      await trial.seed(trial.path(1), trial.value(1))
      if (suite.supports('getVersion')) assertValue(await previous(trial), value, 'getVersion')
      if (suite.supports('staging')) await assertStaged(trial, value)
    }
  },
})

async function assertReads({ manifest }: Suite, trial: Trial, value: string | Uint8Array): Promise<void> {
  const { getMany, getVersion } = trial.provider
  const current = await trial.get(trial.path(1))
  assertValue(current, value, 'get')
  const [answer] = (await getMany?.([trial.path(1)], trial.context)) ?? []
  if (getMany) assertValue(answer?.status === 'fulfilled' ? answer.value : undefined, value, 'getMany')
  if (manifest.numbering === undefined || current?.version === undefined || !getVersion) return
  assertValue(await getVersion(trial.path(1), current.version, trial.context), value, 'getVersion')
}

async function assertStaged(trial: Trial, value: string | Uint8Array): Promise<void> {
  const { put, get, promote } = member(trial, 'staging')
  const pending = await put(trial.path(1), { value: copyOf(value) }, trial.context)
  assertValue(await get(trial.path(1), trial.context), value, 'staging.get')
  await promote(trial.path(1), pending, trial.context)
  assertValue(await trial.get(trial.path(1)), value, 'get')
}

function previous(trial: Trial): Promise<StoredSecret | undefined> {
  return member(trial, 'getVersion')(trial.path(1), 'previous', trial.context)
}

const bytes = (n: number): Uint8Array => Uint8Array.from({ length: 64 }, (_, index) => (index + n) % 256)

const bytesRules: Rules = {
  'values: bytes that were returned stay as they are after later calls': async (trial) => {
    for (const n of [1, 2, 3]) await trial.seed(trial.path(n), bytes(n))
    await trial.seed(trial.path(1), bytes(4))
    const first = await bytesOf(trial, 1)
    for (const n of [2, 3, 1]) await bytesOf(trial, n)
    await trial.seed(trial.path(2), bytes(5))
    await bytesOf(trial, 2)
    for (const [name, value] of first)
      assert.deepEqual(Buffer.from(value), Buffer.from(name === 'getVersion' ? bytes(1) : bytes(4)), changed(name))
  },

  'values: bytes that a caller overwrites are not those of a later answer': async (trial) => {
    await trial.seed(trial.path(1), bytes(1))
    await trial.seed(trial.path(1), bytes(4))
    for (const [, value] of await bytesOf(trial, 1)) value.fill(0)
    for (const [name, value] of await bytesOf(trial, 1))
      assert.deepEqual(
        Buffer.from(value),
        Buffer.from(name === 'getVersion' ? bytes(1) : bytes(4)),
        `${name} kept the bytes that it returned`,
      )
  },
}

const givenBytesRules = ({ supports }: Suite): Rules => ({
  ...(supports('put') && {
    'values: a write leaves the given bytes as they are': async (trial) => {
      const given = bytes(1)
      await member(trial, 'put')(trial.path(1), { value: given }, trial.context)
      await trial.provider.staging?.put(trial.path(2), { value: given }, trial.context)
      assert.deepEqual(given, bytes(1), 'a write changed the bytes of its caller')
    },
  }),

  ...(supports('staging') && {
    'values: a staged version copies the bytes': async (trial) => {
      const given = bytes(1)
      const { put, get, promote } = member(trial, 'staging')
      const pending = await put(trial.path(1), { value: given }, trial.context)
      given.fill(0)
      const staged = await get(trial.path(1), trial.context)
      assertValue(staged, bytes(1), 'staging.get')
      if (staged?.value instanceof Uint8Array) staged.value.fill(0)
      await promote(trial.path(1), pending, trial.context)
      assertValue(await trial.get(trial.path(1)), bytes(1), 'get')
    },
  }),
})

const changed = (name: string): string => `a later call changed the bytes that ${name} had returned`

/** The bytes that each member returns for the nth path; of `getVersion`, those of the former one. */
async function bytesOf(trial: Trial, n: number): Promise<readonly (readonly [member: string, value: Uint8Array])[]> {
  const { getMany, getVersion } = trial.provider
  const path = trial.path(n)
  const [answer] = (await getMany?.([path], trial.context)) ?? []
  const secrets: readonly (readonly [string, StoredSecret | undefined])[] = [
    ['get', await trial.get(path)],
    ['getMany', answer?.status === 'fulfilled' ? answer.value : undefined],
    ['getVersion', await getVersion?.(path, 'previous', trial.context)],
  ]
  return secrets.flatMap(([name, secret]) => (secret?.value instanceof Uint8Array ? [[name, secret.value] as const] : []))
}
