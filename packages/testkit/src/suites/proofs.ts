import { AssertionError } from 'node:assert/strict'
import type { CallWatch } from './provider/calls/watched-calls.ts'
import type { ProviderHarness } from './provider/harness.ts'
import { trialOf, within, type Rules, type Trial } from './provider/trial.ts'

type Prove = (trial: Trial) => Promise<void>

/** Proves over one harness, and closes provider and harness afterwards. */
export type ProveOver = (prove: Prove) => Promise<void>

const closeMs = 4_000

export function proveOver(createHarness: () => Promise<ProviderHarness>, watch: CallWatch): ProveOver {
  return async (prove) => {
    const harness = await createHarness()
    const trial = trialOf(harness, watch)
    try {
      await explained(trial, prove)
    } finally {
      try {
        await closing(trial, watch)
      } finally {
        await harness.close()
      }
    }
  }
}

/** The message of a failed assertion has the calls that led to it. */
async function explained(trial: Trial, prove: Prove): Promise<void> {
  trial.log.clear()
  try {
    await prove(trial)
  } catch (error) {
    throw trial.log.explain(error)
  }
}

/** A `close` that hung in one test is not awaited again, so that the suite ends in seconds. */
async function closing({ harness, context }: Trial, { hung }: CallWatch): Promise<void> {
  const closed = harness.provider.close?.(context) ?? Promise.resolve()
  const ms = hung.has('close') ? 0 : closeMs
  await within(ms, closed, 'close hangs at the end of a test').catch((error: unknown) => {
    if (error instanceof AssertionError) hung.add('close')
    throw error
  })
}

/** Few enough that the test which proves them all ends before the deadlines of test runners. */
const mostTogether = 8

/**
 * The tests of these rules. The first test that runs proves several rules over one harness, up to the first that
 * fails. What comes behind that one is proved over a harness of its own, as if it were alone.
 */
export function provedTogether(rules: Rules, over: ProveOver): readonly (readonly [rule: string, run: () => Promise<void>])[] {
  const all = Object.entries(rules)
  const batches = Array.from({ length: Math.ceil(all.length / mostTogether) }, (_, n) =>
    all.slice(n * mostTogether, (n + 1) * mostTogether),
  )
  return batches.flatMap((batch) => {
    let proofs: Promise<Proofs> | undefined
    return batch.map(
      ([rule, prove]) => [rule, async () => outcomeOf((await (proofs ??= proveAll(batch, over))).get(rule), prove, over)] as const,
    )
  })
}

type Proofs = ReadonlyMap<string, PromiseSettledResult<void>>

async function outcomeOf(proof: PromiseSettledResult<void> | undefined, prove: Prove, over: ProveOver): Promise<void> {
  if (proof === undefined) await over(prove)
  else if (proof.status === 'rejected') throw proof.reason
}

/** None if the harness fails: then each rule says so. */
async function proveAll(batch: readonly (readonly [rule: string, prove: Prove])[], over: ProveOver): Promise<Proofs> {
  const proofs = new Map<string, PromiseSettledResult<void>>()
  const [ended] = await Promise.allSettled([
    over(async (trial) => {
      for (const [n, [rule, prove]] of batch.entries()) {
        const [proof] = await Promise.allSettled([explained(withOwnPaths(trial, n), prove)])
        proofs.set(rule, proof)
        if (proof.status === 'rejected') return
      }
    }),
  ])
  return ended.status === 'rejected' ? new Map() : proofs
}

/** How many paths a rule has that shares its harness. */
const pathsOfRule = 4

function withOwnPaths(trial: Trial, n: number): Trial {
  return { ...trial, path: (at) => trial.path(n * pathsOfRule + at) }
}
