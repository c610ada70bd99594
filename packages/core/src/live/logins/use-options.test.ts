import { describe, expect, it } from 'vitest'
import { longestTimerMs } from '../../guard/deadline.ts'
import { refusal } from '../../testing/refusal.ts'
import { isPlain, isRefusal, knownLoginOptions, knownUseOptions, type UseOptions } from './use-options.ts'

const isAuthError = (): boolean => true
const refused = (options: unknown): ReturnType<typeof refusal> =>
  refusal(new Promise((resolve) => resolve(knownUseOptions(options as UseOptions)))) // as from JavaScript

describe('the options of useSecret', () => {
  it('have a budget of five seconds, and all candidates', () => {
    expect(knownUseOptions({ isAuthError })).toEqual({ isAuthError, budgetMs: 5_000, candidates: ['pending', 'previous'] })
  })

  it.each<Partial<UseOptions>>([
    { budgetMs: 0 },
    { budgetMs: longestTimerMs },
    { candidates: [] },
    { candidates: ['previous'] },
    { usedIn: () => undefined },
    { usageMarks: true, actor: 'payments' },
  ])('may be %o', (options) => {
    expect(knownUseOptions({ isAuthError, ...options })).toMatchObject(options)
  })

  it.each([
    [{ isAuthError: true }, 'isAuthError or usedIn is not a function'],
    [{ isAuthError, usedIn: null }, 'isAuthError or usedIn is not a function'],
    [{ usedIn: () => undefined }, 'isAuthError or usedIn is not a function'],
    [{ isAuthError, budgetMs: -1 }, 'budgetMs is -1'],
    [{ isAuthError, budgetMs: NaN }, 'budgetMs is NaN'],
    [{ isAuthError, budgetMs: longestTimerMs + 1 }, `budgetMs is ${longestTimerMs + 1}`],
    [{ isAuthError, candidates: 'pending' }, 'candidates is not a list of what can be tried'],
    [{ isAuthError, candidates: ['pending', 'next'] }, 'candidates is not a list of what can be tried'],
    [{ isAuthError, budgetMs: '5000' }, expect.stringContaining('budgetMs')],
    [{ isAuthError, usageMarks: 1 }, expect.stringContaining('usageMarks')],
    [{ isAuthError, actor: 7 }, expect.stringContaining('actor')],
    [{ isAuthError, actor: 'x'.repeat(513) }, expect.stringContaining('actor')],
    [{ isAuthError, budget: 1 }, expect.stringContaining('budget')],
  ])('are refused as they are: %o', async (options, problem) => {
    expect(await refused(options)).toMatchObject({ code: 'INVALID_ARGUMENT', problem })
  })

  it('need no other check if they have `isAuthError` alone', () => {
    const given = [
      { isAuthError },
      { isAuthError, budgetMs: 1 },
      { isAuthError: 1 },
      {},
      null,
      isAuthError,
      Object.assign([], { isAuthError }),
    ]
    expect(given.map((options) => isPlain(options as UseOptions))).toEqual([true, false, false, false, false, false, false])
  })

  it('are checked one by one if a class has some of them', () => {
    class Options {
      isAuthError = isAuthError
      get usageMarks(): boolean {
        return true
      }
    }
    expect([isPlain(new Options()), knownUseOptions(new Options()).usageMarks]).toEqual([false, true])
  })

  it('are not taken from a prototype that all objects have', () => {
    Object.assign(Object.prototype, { budgetMs: -1 })
    try {
      expect([isPlain({ isAuthError }), knownUseOptions({ isAuthError }).budgetMs]).toEqual([true, 5_000])
    } finally {
      Reflect.deleteProperty(Object.prototype, 'budgetMs')
    }
  })
})

describe('the options of logIn', () => {
  it('are `isAuthError`, and no other', async () => {
    expect(knownLoginOptions({ isAuthError })).toEqual({ isAuthError })
    for (const options of [{}, { isAuthError: true }, { isAuthError, budgetMs: 1 }])
      expect((await refusal(new Promise((resolve) => resolve(knownLoginOptions(options as never))))).code).toBe('INVALID_ARGUMENT')
  })
})

it.each([
  [true, true],
  [false, false],
  [1, false],
  [Promise.resolve(true), false],
])('%o of isAuthError is a refusal: %s', (answer, is) => {
  expect(isRefusal(() => answer as boolean, new Error('x'))).toBe(is)
})
