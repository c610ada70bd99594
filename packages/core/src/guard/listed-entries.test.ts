import { describe, expect, it } from 'vitest'
import type { ListedSecret, SecretProvider } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { failureOf, refusal } from '../testing/refusal.ts'
import { listedEntries } from './listed-entries.ts'

type List = NonNullable<SecretProvider['list']>

const context = { signal: new AbortController().signal }
const canary = 'canary-5d0e-of-a-listing'

/** What an author's `list` may return, whatever its type says. */
const listing = (listed: unknown): List => (() => listed) as unknown as List

/** The entries of a provider that fails in this way after the first one. */
async function* failingWith(error: Error): AsyncGenerator<ListedSecret> {
  yield { path: 'a' }
  throw error
}

describe('listedEntries', () => {
  it('returns each entry with its path and tags alone, and then is done', async () => {
    async function* listed(): AsyncGenerator {
      yield { path: 'a', tags: { team: 'pay' }, value: canary }
      yield { path: 'b' }
    }
    const entries = listedEntries(listing(listed()), '', context)
    expect(await entries.next()).toEqual({ done: false, value: { path: 'a', tags: { team: 'pay' } } })
    expect(await entries.next()).toEqual({ done: false, value: { path: 'b' } })
    expect(await entries.next()).toEqual({ done: true, value: undefined })
  })

  it('is INTERNAL, without the error, if the provider throws anything else than a SecretsError', async () => {
    const entries = listedEntries(listing(failingWith(new TypeError(canary))), '', context)
    await entries.next()
    const error = await refusal(entries.next())
    expect([error.code, error.problem]).toEqual(['INTERNAL', 'the provider failed with a TypeError instead of a SecretsError'])
  })

  it("keeps the provider's SecretsError", async () => {
    const entries = listedEntries(listing(failingWith(new SecretsError('RATE_LIMITED', 'too many'))), '', context)
    await entries.next()
    expect((await refusal(entries.next())).code).toBe('RATE_LIMITED')
  })

  it('is INTERNAL, without the error, if `list` itself throws', () => {
    const list: List = () => {
      throw new RangeError(canary)
    }
    expect(failureOf(() => listedEntries(list, '', context)).problem).toBe(
      'the provider failed with a RangeError instead of a SecretsError',
    )
  })

  it.each([
    [[{ path: 'a' }], 'an array'],
    [Promise.resolve([]), 'a Promise (await it)'],
    [undefined, 'undefined'],
    [{ [Symbol.asyncIterator]: 7 }, 'an object'],
  ])('is INTERNAL if `list` returns %o', (listed, what) => {
    const error = failureOf(() => listedEntries(listing(listed), '', context))
    expect([error.code, error.problem]).toEqual(['INTERNAL', `the provider answered a list that is ${what}, not an async iterable`])
  })

  it.each([{}, { path: 7 }, null, 'a'])('is INTERNAL for the entry %j, which has no path', async (entry) => {
    async function* listed(): AsyncGenerator {
      yield entry
    }
    const error = await refusal(listedEntries(listing(listed()), '', context).next())
    expect([error.code, error.problem]).toEqual(['INTERNAL', 'the provider answered what is not a listed secret'])
  })

  it("ends the provider's iteration when the caller stops early", async () => {
    let isEnded = false
    async function* listed(): AsyncGenerator {
      try {
        yield { path: 'a' }
        yield { path: 'b' }
      } finally {
        isEnded = true
      }
    }
    const entries = listedEntries(listing(listed()), '', context)
    await entries.next()
    expect(await entries.return?.()).toEqual({ done: true, value: undefined })
    expect(isEnded).toBe(true)
  })

  it('may stop early where the provider has nothing to end', async () => {
    const listed = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: { path: 'a' } }) }) }
    expect(await listedEntries(listing(listed), '', context).return?.()).toEqual({ done: true, value: undefined })
  })
})
