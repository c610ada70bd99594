import { createSecretsManager, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { type FaultInjection, Tally } from '../harness/fault-injection.ts'
import { leakyVerify } from './leaky-verify.ts'
import { largestT } from './welch.ts'

const measurements = 200_000
const warmUp = 20_000
/** Beyond this, says dudect, there is a leak for sure. */
const threshold = 10

const secret = Buffer.from('k'.repeat(64))
/** What the manager holds, all of it in its cache. */
const held: ReadonlyMap<string, string> = new Map([
  ['token', secret.toString()],
  ['longer', 'l'.repeat(4000)],
])

type Verify = (name: string, candidate: string) => Promise<boolean>
/**
 * Bytes: each call gets a new string of them, as from a request. An old string's place in memory
 * would be measured too.
 */
type Presented = readonly [name: string, candidate: Buffer]

interface Pair {
  readonly what: string
  readonly pair: readonly [Presented, Presented]
}

const early = Buffer.from(`x${'k'.repeat(63)}`)
const late = Buffer.from(`${'k'.repeat(63)}x`)
const other = Buffer.from('o'.repeat(64))

/** What an attacker could learn from: the answer is the same, what differs is the secret's. */
const pairs: readonly Pair[] = [
  {
    what: 'wrong in the first character or in the last',
    pair: [
      ['token', early],
      ['token', late],
    ],
  },
  {
    what: 'nearly equal or wholly different',
    pair: [
      ['token', late],
      ['token', other],
    ],
  },
  {
    what: 'of the secret’s length or not of its length',
    pair: [
      ['token', other],
      ['longer', other],
    ],
  },
  {
    what: 'for a name that does not exist: another secret or nonsense',
    pair: [
      ['never', secret],
      ['never', other],
    ],
  },
]
/** Answer or lookup differs, and SECURITY.md promises nothing: printed, not checked. */
const printedOnly: readonly Pair[] = [
  {
    what: 'equal or nearly equal (the answers differ)',
    pair: [
      ['token', secret],
      ['token', late],
    ],
  },
  {
    what: 'a name that exists or not (the lookups differ)',
    pair: [
      ['token', other],
      ['never', other],
    ],
  },
]

export const verifyTiming: FaultInjection = {
  name: 'timing of verifySecret',
  promise: `how long it takes tells nothing of the secret: |t| below ${threshold}, where a comparison that leaks is far above`,
  run: async () => {
    const tally = new Tally()
    const manager = createSecretsManager({ providers: [provider], cache: { ttlSeconds: 3600 } })
    await judge(manager, tally)
    await manager.close()
    return tally
  },
}

const provider: SecretProvider = {
  specificationVersion: 'v1',
  name: 'memory',
  get: async (path) => {
    const value = held.get(path)
    return value === undefined ? undefined : { value, version: 1 }
  },
}

async function judge(manager: SecretsManager, tally: Tally): Promise<void> {
  const verify: Verify = (name, candidate) => manager.verifySecret(name, candidate)
  for (const { what, pair } of pairs) {
    const t = await measure(verify, pair)
    tally.count(`|t|, ${what}`, Number(t.toFixed(1)))
    if (t >= threshold) tally.fault(`|t| is ${t.toFixed(1)} between candidates that are ${what}`)
  }
  const control = await measure(leakyVerify(held), [
    ['token', early],
    ['token', late],
  ])
  tally.count('|t|, a comparison that leaks, for control', Number(control.toFixed(1)))
  if (control < 5 * threshold) tally.fault(`the control leaks, and |t| is only ${control.toFixed(1)}: nothing was proved`)
  for (const { what, pair } of printedOnly) tally.count(`|t|, ${what}`, Number((await measure(verify, pair)).toFixed(1)))
  tally.count('measurements of each', measurements)
}

/** Measures both in random order, one call at a time. */
async function measure(verify: Verify, pair: readonly [Presented, Presented]): Promise<number> {
  const times: readonly [number[], number[]] = [[], []]
  for (let n = -warmUp; n < measurements; n++) {
    const which = Math.random() < 0.5 ? 0 : 1
    const [name, bytes] = pair[which]
    const candidate = bytes.toString('latin1')
    const started = performance.now()
    await verify(name, candidate)
    const took = performance.now() - started
    if (n >= 0) times[which].push(took)
  }
  return largestT(...times)
}
