import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { checkedOptions } from './options.ts'
import { codeOf, context, stubbed, stubVault } from './testing/stub-vault.ts'

test('a call ends before its manager would end it, which could not tell what Vault had said', () => {
  const ofManager = 5_000
  expect(ofManager - checkedOptions({ url: 'https://vault.example' }).timeoutMs).toBe(500)
})

test('the time is for all requests of a call together', async () => {
  const stub = await stubVault()
  stub.plan(async () => {
    await sleep(400)
    return { body: { request_id: 'r', data: { secret: { 'secret/': { type: 'kv', options: { version: '2' } } } } } }
  })
  // To find out what the mount is, and to read.
  expect(await codeOf(stubbed(stub, { timeoutMs: 600 }).get('app', context))).toBe('DEADLINE_EXCEEDED')
})

test("the provider's time limit is DEADLINE_EXCEEDED, and the caller's abort ABORTED, whatever its reason", async () => {
  const stub = await stubVault()
  stub.plan(() => 'hang')
  const caller = new AbortController()
  const reading = codeOf(stubbed(stub).get('app', { signal: caller.signal }))
  caller.abort('late')
  expect(await reading).toBe('ABORTED')
  expect(await codeOf(stubbed(stub, { timeoutMs: 50 }).put('app', { value: 'v' }, context))).toBe('DEADLINE_EXCEEDED')
})

test('a call has one time limit, however many requests it needs', async () => {
  const provider = stubbed(await stubVault())
  await provider.put('app', { value: 'v1' }, context) // logs in, and finds out the version of the mount
  const limits = vi.spyOn(globalThis, 'setTimeout')
  onTestFinished(() => void vi.restoreAllMocks())
  await provider.put('app', { value: 'v2', tags: { team: 'pay' } }, context)
  expect(limits.mock.calls.map(([, ms]) => ms)).toEqual([4_500])
})
