import { createSecretsManager, SecretsError, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { discardSecret, pendingSecret, stageSecret } from '@finchat/secrets-core/staging'
import { leaksOf, memoryAuditTrail, memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RotationTarget } from '../targets/target.ts'
import { functionTarget } from '../targets/function-target.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { retirePrevious } from './retire-previous.ts'
import { rotate } from './rotate.ts'
import type { RetireOptions } from './rotate-options.ts'
import type { RotationState } from './rotation-state.ts'

const start = Date.UTC(2026, 0, 1)
const first = 'a first password'

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

interface Rotated {
  readonly far: FarSide
  readonly store: ReturnType<typeof memoryProvider>
  readonly secrets: SecretsManager
  readonly retire: (more?: Partial<RetireOptions>) => ReturnType<typeof retirePrevious>
}

/** A secret that was rotated once, ten minutes before its former value may go. */
async function rotated(change: (store: SecretProvider) => Partial<SecretProvider> = () => ({})): Promise<Rotated> {
  const far = new FarSide(2)
  const store = memoryProvider({ secrets: { db: first } })
  const secrets = createSecretsManager({ providers: [{ ...store, ...change(store) }] })
  const options = { target: far.target, graceSeconds: 600, actor: 'ana' }
  await rotate(secrets, 'db', { ...options, generate: () => 'the second' })
  return { far, store, secrets, retire: (more) => retirePrevious(secrets, 'db', { ...options, ...more }) }
}

/** Changes a store so that `staged` runs before it stages a version. */
function staging() {
  const staged = vi.fn<() => Promise<void>>(async () => {})
  const change = ({ staging: own }: SecretProvider): Partial<SecretProvider> => ({
    staging: own && { ...own, put: async (...args) => (await staged(), own.put(...args)) },
  })
  return { staged, change }
}

describe('retirePrevious', () => {
  test('withdraws the former value when its grace period is over', async () => {
    const { far, secrets, retire } = await rotated()
    vi.setSystemTime(start + 599_999)
    expect(await retire()).toEqual({ outcome: 'inGrace', retireAt: start + 600_000 })
    expect(far.passwords).toEqual([first, 'the second'])
    vi.setSystemTime(start + 600_000)
    expect(await retire()).toEqual({ outcome: 'retired' })
    expect(far.passwords).toEqual(['the second'])
    expect([await pendingSecret(secrets, 'db'), await secrets.getSecret('db')]).toEqual([undefined, 'the second'])
  })

  test('stages nothing once it is done', async () => {
    const { staged, change } = staging()
    const { retire } = await rotated(change)
    vi.setSystemTime(start + 600_000)
    await retire()
    staged.mockClear()
    expect(await retire()).toEqual({ outcome: 'nothing' })
    expect(staged).not.toHaveBeenCalled()
  })

  test('tells its steps, and who staged the copy that holds its place', async () => {
    const { far, retire } = await rotated()
    const states: RotationState[] = []
    const onState: RetireOptions['onState'] = (state) => void states.push(state)
    await retire({ force: true, onState })
    expect(states.map(({ step }) => step)).toEqual(['test', 'stage', 'test', 'retire', 'discard', 'done'])
    expect(states.at(-1)).toMatchObject({ outcome: 'retired', attempt: 3, stagedBy: 'ana' })
    far.passwords = [first]
    states.length = 0
    await retire({ force: true, onState })
    expect(states.at(-1)?.step).toBe('discard')
  })

  test('stages nothing before it may withdraw the value', async () => {
    const { staged, change } = staging()
    const { retire } = await rotated(change)
    staged.mockClear()
    expect((await retire()).outcome).toBe('inGrace')
    expect(staged).not.toHaveBeenCalled()
  })

  test('leaves a secret to a rotation that begins meanwhile, and rejects if it cannot stage', async () => {
    const { staged, change } = staging()
    const { far, secrets, retire } = await rotated(change)
    const { target } = far
    const meanwhile: RotationTarget['test'] = async (...args) => {
      if ((await pendingSecret(secrets, 'db')) === undefined) await stageSecret(secrets, 'db', 'the third')
      return target.test(...args)
    }
    expect(await retire({ force: true, target: { ...target, test: meanwhile } })).toEqual({ outcome: 'rotating' })
    await discardSecret(secrets, 'db', { provider: 'memory', version: 3 })
    staged.mockImplementation(() => Promise.reject(new SecretsError('UNAVAILABLE', 'down')))
    await expect(retire({ force: true })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('withdraws nothing where a copy waits, but no former value or an attempt that passed it', async () => {
    const far = new FarSide(2)
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: first } })] })
    const copy = { note: { purpose: 'retire now' } }
    const retire = (): ReturnType<typeof retirePrevious> => retirePrevious(secrets, 'db', { target: far.target, graceSeconds: 0 })
    await stageSecret(secrets, 'db', first, copy)
    expect([await retire(), await pendingSecret(secrets, 'db')]).toEqual([{ outcome: 'nothing' }, undefined])
    await rotate(secrets, 'db', { target: far.target, graceSeconds: 0, generate: () => 'the second' })
    far.token = 1_000
    await stageSecret(secrets, 'db', 'the second', copy)
    expect([await retire(), await pendingSecret(secrets, 'db')]).toEqual([{ outcome: 'nothing' }, undefined])
  })

  test('is refused if a copy is staged at another store', async () => {
    const later = memoryProvider({ name: 'later' })
    await later.staging.put('db', { value: first, note: { purpose: 'retire' } }, { signal: new AbortController().signal })
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: first } }), later] })
    await expect(retirePrevious(secrets, 'db', { target: new FarSide(2).target, graceSeconds: 0 })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining("'later'"),
    })
  })

  test('may be forced', async () => {
    const { far, retire } = await rotated()
    expect(await retire({ force: true })).toEqual({ outcome: 'retired' })
    expect(far.passwords).toEqual(['the second'])
  })

  test('is above every earlier attempt and below the next one', async () => {
    const { far, secrets, retire } = await rotated()
    await rotate(secrets, 'db', { target: far.target, graceSeconds: 600, generate: () => 'it is bad', force: true }).catch(() => {})
    expect(far.token).toBe(7) // attempt 3 was rolled back
    far.passwords = [first, 'the second']
    vi.setSystemTime(start + 600_000)
    expect(await retire()).toEqual({ outcome: 'retired' })
    expect(far.token).toBe(7)
    expect(await rotate(secrets, 'db', { target: far.target, graceSeconds: 600, generate: () => 'the third', force: true })).toMatchObject({
      outcome: 'rotated',
    })
  })

  test('has nothing to do without a former value, or where the target withdraws none', async () => {
    const far = new FarSide(2)
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: first } })] })
    expect(await retirePrevious(secrets, 'db', { target: far.target, graceSeconds: 0 })).toEqual({ outcome: 'nothing' })
    await secrets.rotateSecret('db', first)
    expect(await retirePrevious(secrets, 'db', { target: far.target, graceSeconds: 0 })).toEqual({ outcome: 'nothing' })
    await secrets.rotateSecret('db', 'another')
    expect(await retirePrevious(secrets, 'db', { target: new FarSide(1).target, graceSeconds: 0 })).toEqual({ outcome: 'nothing' })
  })

  test('leaves a secret to the rotation that is under way', async () => {
    const { far, secrets, retire } = await rotated()
    await stageSecret(secrets, 'db', 'the third')
    expect(await retire({ force: true })).toEqual({ outcome: 'rotating' })
    expect(far.passwords).toContain(first)
  })

  test('leaves the former value if the target refuses the current one', async () => {
    const { far, secrets, retire } = await rotated()
    far.passwords = [first]
    expect(await retire({ force: true })).toEqual({ outcome: 'unproven' })
    expect([far.passwords, await pendingSecret(secrets, 'db')]).toEqual([[first], undefined])
  })

  test('that was broken off is finished by the next run, and by rotate', async () => {
    for (const isRotate of [false, true]) {
      vi.setSystemTime(start)
      const { far, secrets, retire } = await rotated()
      vi.setSystemTime(start + 600_000)
      const fails: RotationTarget['retire'] = async () => Promise.reject(new SecretsError('UNAVAILABLE', 'no route'))
      await expect(retire({ target: { ...far.target, retire: fails } })).rejects.toMatchObject({ code: 'UNAVAILABLE', secret: 'db' })
      expect((await pendingSecret(secrets, 'db'))?.note).toMatchObject({ purpose: 'retire', by: 'ana' })
      if (isRotate)
        expect(await rotate(secrets, 'db', { target: far.target, graceSeconds: 600, generate: () => 'the third' })).toMatchObject({
          outcome: 'rotated',
        })
      else expect(await retire()).toEqual({ outcome: 'retired' })
      expect(far.passwords).not.toContain(first)
    }
  })

  test('of a copy that was left behind, after others wrote, withdraws nothing', async () => {
    const { far, secrets, retire } = await rotated()
    const fails: RotationTarget['retire'] = async () => Promise.reject(new SecretsError('UNAVAILABLE', 'no route'))
    await expect(retire({ force: true, target: { ...far.target, retire: fails } })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await secrets.rotateSecret('db', 'by hand')
    expect(await retire()).toEqual({ outcome: 'nothing' })
    expect([far.passwords, await pendingSecret(secrets, 'db')]).toEqual([[first, 'the second'], undefined])
  })

  test('withdraws the former value though the same one was written again since', async () => {
    const { far, secrets, retire } = await rotated()
    for (let times = 0; times < 3; times += 1) await secrets.rotateSecret('db', 'the second')
    vi.setSystemTime(start + 600_000)
    expect(await retire()).toEqual({ outcome: 'retired' })
    expect(far.passwords).toEqual(['the second'])
  })

  test('withdraws the former credential though another field was changed by hand since', async () => {
    const store = memoryProvider({ secrets: { db: { value: '{"user":"a","password":"one"}', shape: 'map' } } })
    const secrets = createSecretsManager({ providers: [store] })
    const retired: unknown[] = []
    const target = functionTarget({
      apply: async () => {},
      test: async () => 'accepted',
      retire: async (old) => void retired.push(old.json()),
    })
    await rotate(secrets, 'db', { target, generate: () => 'two', graceSeconds: 0 })
    await secrets.rotateSecret('db', 'db.example', { field: 'host' })
    expect(await retirePrevious(secrets, 'db', { target, graceSeconds: 0 })).toEqual({ outcome: 'retired' })
    expect(retired).toEqual([{ user: 'a', password: 'one' }])
  })

  test('counts by the clock of the store', async () => {
    const late = (store: SecretProvider): Partial<SecretProvider> => ({
      staging: store.staging && {
        ...store.staging,
        get: async (...args) => {
          const pending = await store.staging?.get(...args)
          return pending && { ...pending, stagedAt: start + 1_000 }
        },
      },
    })
    const { far, secrets, retire } = await rotated(late)
    vi.setSystemTime(start + 3_600_000) // this host is an hour ahead
    expect(await retire()).toEqual({ outcome: 'inGrace', retireAt: start + 600_000 })
    expect([far.passwords, await pendingSecret(secrets, 'db')]).toEqual([[first, 'the second'], undefined])
  })

  test('counts from the earliest time where the store tells no more, and waits where it tells none', async () => {
    for (const [times, outcome] of [
      [{ currentSince: undefined }, 'retired'],
      [{ currentSince: undefined, currentNotBefore: undefined }, 'inGrace'],
    ] as const) {
      vi.setSystemTime(start)
      const { retire } = await rotated(({ get, describe: describeOf }) => ({
        get: async (...args) => {
          const secret = await get(...args)
          return secret && { ...secret, ...times }
        },
        describe: async (...args) => {
          const found = await describeOf?.(...args)
          return found && { ...found, ...times }
        },
      }))
      vi.setSystemTime(start + 600_000)
      expect((await retire()).outcome).toBe(outcome)
    }
  })

  test('is audited, and shows no value', async () => {
    const audit = memoryAuditTrail()
    const far = new FarSide(2)
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: first } })], audit })
    await rotate(secrets, 'db', { target: far.target, graceSeconds: 0, generate: () => 'the second' })
    const retirement = await retirePrevious(secrets, 'db', { target: far.target, graceSeconds: 0, actor: 'ana' })
    const retired = audit.events().filter(({ operation }) => operation === 'retire')
    expect(retired.map(({ phase, version, actor }) => [phase, version, actor])).toEqual([
      ['intent', undefined, 'ana'],
      ['outcome', 1, 'ana'],
    ])
    expect(leaksOf([retirement, audit.events()], first)).toEqual([])
  })

  test('refuses what it would misread', async () => {
    const { secrets, far } = await rotated()
    for (const change of [{ graceSeconds: -1 }, { target: {} }, { generate: () => 'x' }])
      await expect(retirePrevious(secrets, 'db', { target: far.target, graceSeconds: 1, ...change } as never)).rejects.toMatchObject({
        code: expect.stringMatching(/^(CONFIGURATION|INVALID_ARGUMENT)$/),
      })
  })
})
