import assert from 'node:assert/strict'
import { assertValue, member, refusesBefore, type Rules, type Suite, type Trial } from './trial.ts'

/** A read returns the version that it asked for, or none. */
export function testVersions(suite: Suite): void {
  if (!suite.supports('getVersion')) return
  suite.testTogether({ ...previousRules, ...(suite.manifest.numbering !== undefined && numbersRules) })
}

const previousRules: Rules = {
  'versions: `previous` is the version before the current one': async (trial) => {
    await seedVersions(trial, 3)
    assertValue(await previousOf(trial, trial.path(1)), trial.value(2))
  },

  'versions: `previous` of a single version, or of a missing secret, is undefined': async (trial) => {
    await seedVersions(trial, 1)
    assert.equal(await previousOf(trial, trial.path(1)), undefined)
    assert.equal(await previousOf(trial, trial.path(2)), undefined)
  },
}

const numbersRules: Rules = {
  'versions: each number has its own value': async (trial) => {
    const numbers = await seedVersions(trial, 3)
    for (const [index, number] of numbers.entries()) {
      const secret = await member(trial, 'getVersion')(trial.path(1), number, trial.context)
      assertValue(secret, trial.value(index + 1))
      assert.equal(secret?.version, number, 'the answer must have the number that was asked for')
    }
  },

  'versions: an unused number is undefined, never the current version': async (trial) => {
    const [, last = 0] = await seedVersions(trial, 2)
    for (const absent of [last + 1, last + 1000, last + 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      assert.equal(await member(trial, 'getVersion')(trial.path(1), absent, trial.context), undefined)
    }
    assert.equal(await member(trial, 'getVersion')(trial.path(2), 1, trial.context), undefined, 'a version of a missing secret')
  },

  'versions: numbers of two secrets are independent': async (trial) => {
    const [first = 0] = await seedVersions(trial, 2)
    await trial.seed(trial.path(2), trial.value(9))
    const other = await trial.get(trial.path(2))
    assertValue(await member(trial, 'getVersion')(trial.path(2), other?.version ?? 0, trial.context), trial.value(9))
    assertValue(await member(trial, 'getVersion')(trial.path(1), first, trial.context), trial.value(1))
  },

  'versions: a version that is not a positive integer is refused before any call': async (trial) => {
    await seedVersions(trial, 1)
    for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await refusesBefore(trial, () => member(trial, 'getVersion')(trial.path(1), wrong, trial.context))
    }
  },
}

function previousOf(trial: Trial, path: string): ReturnType<NonNullable<Trial['provider']['getVersion']>> {
  return member(trial, 'getVersion')(path, 'previous', trial.context)
}

/** Seeds values 1 to `count` at path 1. Returns their numbers. */
async function seedVersions({ seed, path, value, get }: Trial, count: number): Promise<readonly number[]> {
  const numbers: number[] = []
  for (let n = 1; n <= count; n += 1) {
    await seed(path(1), value(n))
    numbers.push((await get(path(1)))?.version ?? 0)
  }
  return numbers
}
