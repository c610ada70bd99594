import { describe, expect, it, vi } from 'vitest'
import type { StoredSecret } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { guardTrial } from '../testing/guard-trial.ts'
import { refusal } from '../testing/refusal.ts'

const never = new AbortController().signal
const { guarded, closeManager } = guardTrial()

/** Calls the first function across a freeze of an hour, and the second one afterwards. */
function acrossFreeze<T>(first: () => Promise<T>, second: () => Promise<T>): () => Promise<T> {
  let calls = 0
  return async () => {
    calls += 1
    if (calls > 1) return second()
    vi.setSystemTime(Date.now() + 3_600_000)
    return first()
  }
}

/** What a store answers: a value, or the code of its error. */
type Kind = 'value' | SecretsError['code']
type Which = 'first' | 'second'
type Answer = () => Promise<StoredSecret | undefined>

/** Its value or error tells which of the two answers it is. */
function answer(kind: Kind, which: Which): Answer {
  return async () => (kind === 'value' ? { value: which } : Promise.reject(new SecretsError(kind, which)))
}

const hung: Answer = () => new Promise(() => {})

function problemOf(reason: unknown): string {
  return SecretsError.isInstance(reason) ? reason.problem : String(reason)
}

function shown(result: PromiseSettledResult<StoredSecret | undefined>): unknown {
  return result.status === 'fulfilled' ? result.value?.value : problemOf(result.reason)
}

const rules = [
  ['PERMISSION_DENIED', 'UNAVAILABLE', 'first'],
  ['DELETED', 'RATE_LIMITED', 'first'],
  ['INTEGRITY', 'CREDENTIALS_MISSING', 'first'],
  ['UNAUTHENTICATED', 'DEADLINE_EXCEEDED', 'first'],
  ['PERMISSION_DENIED', 'DELETED', 'second'],
  ['PERMISSION_DENIED', 'UNSUPPORTED', 'second'],
  ['PERMISSION_DENIED', 'value', 'second'],
  ['UNAVAILABLE', 'UNAVAILABLE', 'second'],
  ['UNAVAILABLE', 'PERMISSION_DENIED', 'second'],
  ['value', 'UNAVAILABLE', 'second'],
  ['value', 'value', 'second'],
] as const satisfies readonly (readonly [Kind, Kind, Which])[]

describe('a read across a freeze is repeated, and of two answers', () => {
  it.each(rules)('%s and then %s, the %s counts', async (before, again, counts) => {
    const provider = guarded({ get: acrossFreeze(answer(before, 'first'), answer(again, 'second')) })
    const [result] = await Promise.allSettled([provider.get('a', { signal: never })])
    expect(shown(result)).toBe(counts)
  })

  it.each([
    ["the caller's abort", (caller: AbortController) => caller.abort()],
    ['the close of the manager', () => closeManager()],
    ['the deadline', () => vi.advanceTimersByTime(5_000)],
  ])('a refusal counts if %s ends the second call', async (_, end) => {
    const caller = new AbortController()
    const call = refusal(guarded({ get: acrossFreeze(answer('PERMISSION_DENIED', 'first'), hung) }).get('a', { signal: caller.signal }))
    await vi.advanceTimersByTimeAsync(0)
    end(caller)
    expect(await call).toMatchObject({ code: 'PERMISSION_DENIED', problem: 'first', provider: 'p' })
  })
})

type Results = readonly PromiseSettledResult<StoredSecret | undefined>[]
type Many = () => Promise<Results>

/** One answer for each path of a batch. */
function batch(kinds: readonly Kind[], which: Which): Many {
  return () => Promise.allSettled(kinds.map((kind) => answer(kind, which)()))
}

/** An error for the whole batch. */
function failed(code: SecretsError['code'], which: Which): Many {
  return async () => Promise.reject(new SecretsError(code, which))
}

/** What the guarded batch answers for each path; one text if it rejects. */
async function readMany(first: Many, second: Many): Promise<unknown> {
  const getMany = guarded({ getMany: acrossFreeze(first, second) }).getMany
  try {
    const results = await getMany?.(['a', 'b', 'c'], { signal: never })
    return results?.map(shown)
  } catch (error) {
    return problemOf(error)
  }
}

const mixed: readonly Kind[] = ['PERMISSION_DENIED', 'value', 'UNAVAILABLE']
const values: readonly Kind[] = ['value', 'value', 'value']

describe('a batch across a freeze is repeated, and', () => {
  it('of the two answers for each path, the same one counts as for a single read', async () => {
    const [before, again] = [rules.map(([kind]) => kind), rules.map(([, kind]) => kind)]
    const { getMany } = guarded({ getMany: acrossFreeze(batch(before, 'first'), batch(again, 'second')) })
    const results = await getMany?.(
      rules.map((_, index) => `path-${index}`),
      { signal: never },
    )
    expect(results?.map(shown)).toEqual(rules.map(([, , counts]) => counts))
  })

  it.each<[string, Many, Many, unknown]>([
    [
      'only refusals are kept if the store is then unavailable',
      batch(mixed, 'first'),
      failed('UNAVAILABLE', 'second'),
      ['first', 'second', 'second'],
    ],
    ['all are refused if the store then refuses the batch', batch(mixed, 'first'), failed('PERMISSION_DENIED', 'second'), 'second'],
    ['it is not supported if the store then says so', batch(mixed, 'first'), failed('UNSUPPORTED', 'second'), 'second'],
    [
      'an unavailable store is forgotten if it then answers',
      failed('UNAVAILABLE', 'first'),
      batch(values, 'second'),
      ['second', 'second', 'second'],
    ],
    [
      'a refused batch stays refused if the store is then unavailable',
      failed('PERMISSION_DENIED', 'first'),
      failed('UNAVAILABLE', 'second'),
      'first',
    ],
    [
      'a refused batch stays refused where the store then answers that it is unavailable',
      failed('PERMISSION_DENIED', 'first'),
      batch(['UNAVAILABLE', 'value', 'DELETED'], 'second'),
      ['first', 'second', 'second'],
    ],
    [
      'it fails if an answer is then missing',
      batch(mixed, 'first'),
      batch(['value'], 'second'),
      'the provider answered another number of secrets than asked for',
    ],
  ])('%s', async (_, first, second, expected) => {
    expect(await readMany(first, second)).toEqual(expected)
  })
})
