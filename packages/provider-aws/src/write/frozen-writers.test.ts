import { expect, onTestFinished, test, vi } from 'vitest'
import type { Api } from '../client/api.ts'
import { put } from './put.ts'
import { readVersion } from '../read/get.ts'
import { staging } from './staging.ts'
import { LabelledSecret } from '../testing/labelled-secret.ts'

const path = 'prod/db'
const context = { signal: new AbortController().signal }

/** The API of a process that stands still after so many calls, and what lets it go on. */
function freezing(api: Api, after: number): { readonly api: Api; readonly isFrozen: () => boolean; readonly thaw: () => void } {
  const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>()
  let calls = 0
  const call = async (...asked: Parameters<Api['call']>): Promise<object> => {
    const answer = await api.call(...asked)
    calls += 1
    if (calls === after) await thawed
    return answer
  }
  return { api: { ...api, call: call as Api['call'] }, isFrozen: () => calls === after, thaw } // answers are the API's own
}

function apiOf(secret: LabelledSecret): Api {
  const call = async (action: string, input: object): Promise<object> => secret.perform(action as never, { ...input })
  return { call, errorOf: () => Promise.reject(new Error('there are no batches here')) } as Api // answers are of the action's type
}

/** The writes of an hour, whose labels leave no room for those of an unfinished version. */
async function hourOfWrites(api: Api): Promise<void> {
  vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  for (let n = 0; n < 25; n++) await put(api, undefined, path, { value: `other ${n}` }, context)
}

async function outcomeOf(secret: LabelledSecret, frozen: Promise<unknown>): Promise<unknown> {
  const [{ status }] = await Promise.allSettled([frozen])
  const found = await readVersion(apiOf(secret))(path, 2, context)
  return [status, found === undefined || secret.onceCurrent.has(String(found.value))]
}

test.each([1, 2, 3])('a writer frozen after %i calls gives its number to nothing that was never current', async (after) => {
  const secret = new LabelledSecret()
  const api = apiOf(secret)
  await put(api, undefined, path, { value: 'one' }, context)
  const process = freezing(api, after)
  const frozen = put(process.api, undefined, path, { value: 'frozen' }, context)
  await expect.poll(process.isFrozen).toBe(true)
  await hourOfWrites(api)
  process.thaw()
  expect(await outcomeOf(secret, frozen)).toEqual(['rejected', true])
})

test.each([1, 2, 3])('nor does a promotion frozen after %i calls, whose version was overtaken and discarded meanwhile', async (after) => {
  const secret = new LabelledSecret()
  const api = apiOf(secret)
  await put(api, undefined, path, { value: 'one' }, context)
  const pending = await staging(api, undefined).put(path, { value: 'frozen' }, context)
  const process = freezing(api, after)
  const frozen = staging(process.api, undefined).promote(path, pending, context)
  await expect.poll(process.isFrozen).toBe(true)
  await hourOfWrites(api)
  await staging(api, undefined).discard(path, pending, context)
  process.thaw()
  expect(await outcomeOf(secret, frozen)).toEqual(['rejected', true])
})
