import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { getText, setIfAbsent } from '../../store/redis-client.ts'
import type { Connections } from './engine.ts'

const shortMs = 1_000
/** Servers remove what has ended a little late, and this machine is late too. */
const lateMs = 1_500
const longMs = 60_000
const keysAtOnce = 300

/** `edge`: until about the end of a short text. `over`: until it has surely ended. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), ttlMs: fc.constantFrom(shortMs, longMs) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), ttlMs: fc.constantFrom(shortMs, longMs) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('edge' as const), jitterMs: fc.integer({ min: -100, max: 200 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('over' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** What is under a key: it is there before `from`, and gone after `to`, by our clock. */
interface Held {
  readonly text: string
  readonly from: number
  readonly to: number
}

/** Every text is there until it ends or is replaced, however close to the end of a former one it was written. */
export function textsModel({ opened }: { readonly opened: () => Promise<Connections> }): void {
  test('texts with a time to live are as in a model: also one that is written as a former one ends', { timeout: 120_000 }, async () => {
    const { client, store } = await opened()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 4, maxLength: 8 }), { minLength: keysAtOnce, maxLength: keysAtOnce }), (all) =>
        Promise.all(all.map((steps, n) => follow({ client, store }, `fs1:model-${n}`, steps))).then(() => {}),
      ),
      { numRuns: 1, endOnFailure: true },
    )
  })
}

async function follow(at: Pick<Connections, 'client' | 'store'>, key: string, steps: readonly Step[]): Promise<void> {
  await at.client.del(key)
  let held: Held | undefined
  for (const [n, each] of steps.entries()) {
    held = await take(at, key, `${n}`, each, held)
    await check(at.client, key, held)
  }
}

async function take(
  at: Pick<Connections, 'client' | 'store'>,
  key: string,
  text: string,
  each: Step,
  held: Held | undefined,
): Promise<Held | undefined> {
  const before = performance.now()
  const written = (ttlMs: number): Held => ({ text, from: before + ttlMs, to: performance.now() + ttlMs + lateMs })
  switch (each.kind) {
    case 'set':
      await at.store.set(key, text, each.ttlMs)
      return written(each.ttlMs)
    case 'add': {
      const isWritten = await setIfAbsent(at.client, key, text, each.ttlMs)
      if (performance.now() < (held?.from ?? -Infinity)) expect(isWritten).toBe(false)
      if (before > (held?.to ?? -Infinity)) expect(isWritten).toBe(true)
      return isWritten ? written(each.ttlMs) : held
    }
    case 'delete':
      await at.client.del(key)
      return undefined
    default: {
      const ms = each.kind === 'over' ? shortMs + lateMs : Math.min(shortMs, (held?.from ?? 0) - before) + each.jitterMs
      await sleep(Math.max(0, ms))
      return held
    }
  }
}

async function check(client: Connections['client'], key: string, held: Held | undefined): Promise<void> {
  const before = performance.now()
  const found = await getText(client, key)
  if (performance.now() < (held?.from ?? -Infinity)) expect(found).toBe(held?.text)
  else if (before > (held?.to ?? -Infinity)) expect(found).toBeUndefined()
  else expect([held?.text, undefined]).toContain(found)
}
