import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { SecretsError } from '@finchat/secrets-core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { loginEvents, type LoginIntent } from './login-events.ts'

const run = vi.fn(async () => 'leased')
const lease = (): Promise<string> => loginEvents('vault', 'approle').report('lease', run, { path: 'database/creds/app', effect: true })

function onIntent(listener: (intent: LoginIntent) => void): void {
  const heard = (message: unknown): void => listener(message as LoginIntent) // the channel has no types
  subscribe('finchat.secrets.intent', heard)
  onTestFinished(() => void unsubscribe('finchat.secrets.intent', heard))
}

test('what makes something is not sent before whoever records intents has acknowledged', async () => {
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
  onIntent(({ waitFor }) => waitFor(Promise.reject(new SecretsError('AUDIT_FAILED', 'the disk is full'))))
  await expect(lease()).rejects.toMatchObject({ code: 'AUDIT_FAILED', message: expect.stringContaining('nothing was sent') })
  expect(run).not.toHaveBeenCalled()
})

test('nobody is waited for where nobody records', async () => {
  expect(await lease()).toBe('leased')
  expect(await loginEvents('vault', 'approle').report('login', async () => 'in')).toBe('in')
})
