import assert from 'node:assert/strict'
import { quoted } from '@finchat/secrets-core/provider'
import { confusablePaths, hostilePaths } from '../../../leaks/hostile-paths.ts'
import { listsOf, readsOf, restoresOf } from '../member-calls.ts'
import { assertRejected, inBatches, member, reads, register, rejects, type Rules, type Suite, type Trial } from '../trial.ts'

/** No two names share a path, and no two paths a secret. */
export function testApartNames(suite: Suite): void {
  register(suite, neighbourRules(suite))
  register(suite, manyRules(suite))
  register(suite, locateRules)
}

const neighbourRules = (suite: Suite): Rules => ({
  'names: every member answers the exact path only': async (trial) => {
    for (const n of [1, 2]) await trial.seed(trial.path(1), trial.value(n))
    const neighbours = neighboursOf(suite, trial.path(1))
    await inBatches(neighbours, async (neighbour) => {
      for (const { member: name, run } of readsOf(suite, trial, neighbour))
        assert.equal(await run(trial.context), undefined, `${name} answered ${quoted(neighbour)}, which does not exist`)
    })
    await inBatches(neighbours.filter(isLike(trial.path(1))), (neighbour) => assertUntouched(trial, neighbour))
    await reads(trial, trial.path(1), trial.value(2))
    for (const { run } of listsOf(trial)) assert.deepEqual(await run(trial.context), [trial.path(1)])
  },
})

/** A change of a path that does not exist is NOT_FOUND, and changes no other. */
async function assertUntouched(trial: Trial, path: string): Promise<void> {
  const { tag } = trial.provider
  if (tag) await rejects(tag(path, { team: 'pay' }, trial.context), 'NOT_FOUND')
  for (const { run } of restoresOf(trial, path)) await rejects(run(trial.context), 'NOT_FOUND')
  const [removed] = await Promise.allSettled([trial.provider.delete?.(path, { purge: true }, trial.context)])
  if (removed.status === 'rejected') assertRejected('delete', removed, 'NOT_FOUND')
}

const signs = ['-', '_', '.', '/', '+', '@', ':', ' ', '--', '%2F', '']

/** Paths that differ in one sign, in case or in length. */
function neighboursOf({ manifest }: Suite, path: string): readonly string[] {
  const replaced = signs.flatMap((sign) => [path.replace(/[^a-z0-9]/i, () => sign), path.replace(/[^a-z0-9](?=[^/_-]*$)/i, () => sign)])
  const others = [path.toUpperCase(), path.toLowerCase(), `${path}x`, path.slice(0, -1), `${path}0`, `0${path}`, `${path}/x`, `${path} `]
  return [...new Set([...replaced, ...others])].filter((other) => other !== path && manifest.canHoldPath(other))
}

/** Of the same letters, in another case or with one sign changed to a common one. */
const isLike =
  (path: string) =>
  (other: string): boolean =>
    other.toLowerCase() === path || (other.length === path.length && /^[\w/.-]+$/.test(other))

const lengths = [40, 64, 128, 255, 256, 512, 1_024, 2_047]

const manyRules = ({ manifest, supports }: Suite): Rules => ({
  'names: paths that differ in a sign, in case or in length only are different secrets': async (trial) => {
    const bySign = signs.map((sign) => `suite/a${sign}b`)
    const byCase = ['suite/Aa', 'suite/aA', 'suite/AA', 'suite/aa']
    const byLength = lengths.flatMap((length) => ['a', 'b'].map((end) => `${'suite/'.padEnd(length - 1, 'x')}${end}`))
    const own = [1, 2].map(trial.path).flatMap((path) => [path, path.toUpperCase(), path.toLowerCase()])
    const paths = [...new Set([...bySign, ...byCase, ...byLength, ...own])].filter(manifest.canHoldPath)
    await inBatches(paths, (path, n) => write(trial, supports('put'), path, n))
    await inBatches(paths, (path, n) => reads(trial, path, trial.value(n)))
  },
})

/** Every other path is written by the provider, if it can. */
async function write(trial: Trial, canPut: boolean, path: string, n: number): Promise<void> {
  if (canPut && n % 2 === 1) await member(trial, 'put')(path, { value: trial.value(n) }, trial.context)
  else await trial.seed(path, trial.value(n))
}

const locateRules: Rules = {
  'names: `locate` gives each name a location of its own': async ({ provider, path }) => {
    const { locate } = provider
    if (locate === undefined) return
    const long = lengths.flatMap((length) => ['a', 'b'].map((end) => 'x'.repeat(length - 1) + end))
    const flat = signs.flatMap((sign) => [`a${sign}b`, `A${sign}B`, `a${sign}B`])
    const names = new Set([...hostilePaths, ...confusablePaths.flat(), ...long, ...flat, path(1), path(2), 'apiKey', 'api_key', 'API_KEY'])
    const seen = new Map<string, string>()
    for (const name of names) {
      const location = locate(name)
      if (location === undefined) continue
      const key = JSON.stringify([location.path, location.field])
      assert.ok(!seen.has(key), `\`locate\` gives ${quoted(name)} and ${quoted(seen.get(key))} the same location`)
      seen.set(key, name)
    }
  },
}
