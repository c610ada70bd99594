import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { SecretsError } from '@finchat/secrets-core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { loginEvents, type LoginIntent, type LoginMessage } from './login-events.ts'

const run = vi.fn(async () => 'leased')
const lease = (): Promise<string> => loginEvents('vault', 'approle').report('lease', run, { path: 'database/creds/app', effect: true })

function onIntent(listener: (intent: LoginIntent) => void): void {
  const heard = (message: unknown): void => listener(message as LoginIntent) // the channel has no types
  subscribe('finchat.secrets.intent', heard)
  onTestFinished(() => void unsubscribe('finchat.secrets.intent', heard))
}

function onOutcome(listener: (outcome: LoginMessage) => void): void {
  const heard = (message: unknown): void => listener(message as LoginMessage) // the channel has no types
  subscribe('finchat.secrets.login', heard)
  onTestFinished(() => void unsubscribe('finchat.secrets.login', heard))
}

const full = (): Promise<never> => Promise.reject(new SecretsError('AUDIT_FAILED', 'the disk is full'))

test('a request that creates something waits for the record of its intent', async () => {
  run.mockClear()
  const acknowledged = Promise.withResolvers<void>()
  const seen: unknown[] = []
  onIntent(({ waitFor, ...intent }) => {
    seen.push(intent)
    waitFor(acknowledged.promise)
  })
  const leasing = lease()
  await new Promise((resolve) => setImmediate(resolve))
  expect([seen, run.mock.calls.length]).toEqual([
    [{ operation: 'lease', provider: 'vault', path: 'database/creds/app', method: 'approle' }],
    0,
  ])
  acknowledged.resolve()
  expect(await leasing).toBe('leased')
})

test('what makes something is never sent if its intent cannot be recorded', async () => {
  run.mockClear()
  onIntent(({ waitFor }) => waitFor(full()))
  await expect(lease()).rejects.toMatchObject({ code: 'AUDIT_FAILED', message: expect.stringContaining('nothing was sent') })
  expect(run).not.toHaveBeenCalled()
})

test('what was made is not handed out before it is on record', async () => {
  const acknowledged = Promise.withResolvers<void>()
  onOutcome(({ waitFor }) => waitFor?.(acknowledged.promise))
  const gotten = vi.fn<(value: string) => void>()
  const leasing = lease().then(gotten)
  await new Promise((resolve) => setImmediate(resolve))
  expect(gotten).not.toHaveBeenCalled()
  acknowledged.resolve()
  await leasing
  expect(gotten).toHaveBeenCalledWith('leased')
})

test('a lease that cannot be recorded is withheld, and the error says that it exists', async () => {
  const outcomes: string[] = []
  onOutcome(({ waitFor, outcome }) => {
    outcomes.push(outcome)
    waitFor?.(full())
  })
  await expect(lease()).rejects.toMatchObject({
    code: 'AUDIT_FAILED',
    effect: 'done',
    message: expect.stringContaining('though it was done'),
  })
  expect(outcomes).toEqual(['ok'])
})

test('nothing that could not be recorded has an effect where none was made, and a failure stays what it is', async () => {
  onOutcome(({ waitFor }) => waitFor?.(full()))
  const { report } = loginEvents('vault', 'approle')
  const none = report('lease', async () => undefined, { effect: true, found: () => ({ code: 'NOT_FOUND' }) })
  await expect(none).rejects.toMatchObject({ code: 'AUDIT_FAILED', effect: undefined })
  const lost = new SecretsError('UNAVAILABLE', 'the answer was lost', { effect: 'unknown' })
  await expect(report('lease', () => Promise.reject(lost), { effect: true })).rejects.toBe(lost)
})

test('subscribers do not delay a login', async () => {
  const waits: unknown[] = []
  onOutcome(({ waitFor }) => void waits.push(waitFor))
  expect(await loginEvents('vault', 'approle').report('login', async () => 'in')).toBe('in')
  expect(waits).toEqual([undefined])
})

test('without recorders nothing is awaited', async () => {
  expect(await lease()).toBe('leased')
  expect(await loginEvents('vault', 'approle').report('login', async () => 'in')).toBe('in')
})

test('outcomes are counted by operation and code, whether or not somebody listens', async () => {
  const events = loginEvents('vault', 'approle')
  const denied = (): Promise<never> => Promise.reject(new SecretsError('PERMISSION_DENIED', 'no'))
  for (const operation of ['login', 'renew', 'renew'] as const) await events.report(operation, async () => 'done')
  await events.report('login', async () => 'given', { found: () => ({ operation: 'token' }) })
  await events.report('lease', async () => undefined, { found: () => ({ code: 'NOT_FOUND' }) })
  for (const refused of [denied, denied, () => Promise.reject(new TypeError('x'))]) await events.report('login', refused).catch(() => {})
  expect(events.counts()).toEqual([
    { operation: 'login', code: undefined, count: 1 },
    { operation: 'renew', code: undefined, count: 2 },
    { operation: 'token', code: undefined, count: 1 },
    { operation: 'lease', code: 'NOT_FOUND', count: 1 },
    { operation: 'login', code: 'PERMISSION_DENIED', count: 2 },
    { operation: 'login', code: 'INTERNAL', count: 1 },
  ])
})
