import { expect, onTestFinished, test, vi } from 'vitest'
import type { Api } from '../client/api.ts'
import { put } from './put.ts'
import { readOne, readVersion } from '../read/get.ts'
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

type Process = ReturnType<typeof freezing> & { readonly end: Promise<unknown> }

/** Two promotions and a discard of one version, each frozen after so many calls, while others change the current by hand. */
async function crossed(
  frozenAfter: readonly number[],
  thawed: readonly number[],
): Promise<{ readonly dated: number; readonly became: number }> {
  const secret = new LabelledSecret()
  const api = apiOf(secret)
  await put(api, undefined, path, { value: 'one' }, context)
  const pending = await staging(api, undefined).put(path, { value: 'two' }, context)
  const start = async (what: 'promote' | 'discard', after: number): Promise<Process> => {
    const process = freezing(api, after)
    const end = Promise.allSettled([staging(process.api, undefined)[what](path, pending, context)])
    await new Promise((resolve) => setImmediate(resolve))
    return { ...process, end }
  }
  const [one = 0, two = 0, three = 0] = frozenAfter
  const first = await start('promote', one)
  secret.putByHand()
  const second = await start('discard', two)
  secret.goBackByHand()
  const processes = [first, second, await start('promote', three)]
  for (const at of thawed) {
    processes[at]?.thaw()
    await processes[at]?.end
  }
  const found = await readOne(api)(path, context)
  return { dated: found?.currentSince ?? 0, became: secret.becameCurrentAt.get(String(found?.value)) ?? 0 }
}

const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] // prettier-ignore

test('no promotion dates a version later than it became current, whoever else promotes, discards or goes back by hand', async () => {
  let dated = 0
  for (const one of [1, 2, 3, 4, 5, 6])
    for (const two of [1, 2, 3, 4])
      for (const three of [1, 2, 3, 4, 5, 6])
        for (const order of orders) {
          const found = await crossed([one, two, three], order)
          expect(found.dated, `${[one, two, three].join()} in the order ${order.join()}`).toBeLessThanOrEqual(found.became)
          if (found.dated > 0) dated += 1
        }
  expect(dated).toBeGreaterThan(100)
})
