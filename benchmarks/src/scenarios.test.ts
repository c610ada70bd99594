import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { rowsOf } from './harness/claims.ts'
import type { Sample, Scenario, Stage, Task } from './harness/scenario.ts'
import { groups, onRequest, scenarioOf } from './scenarios.ts'

const names = Object.values(groups).flatMap((group) => Object.keys(group))
const scenarios = await Promise.all(names.map(async (name) => ({ name, scenario: await scenarioOf(name) })))
const scale = 0.001

/** In this process: what the harness does besides is tested with the command. */
async function tinyRounds(scenario: Scenario): Promise<Record<string, Sample[]>> {
  const { setting, end }: Stage = (await scenario.prepare?.(scale)) ?? { setting: {} }
  const samples = new Map<string, Sample[]>()
  for (const [entrant, { load }] of Object.entries(scenario.entrants)) {
    const task: Task = { scale, setting, spawnedAt: Date.now() }
    const running = await (await load())(task)
    samples.set(entrant, [await running.round()])
    await running.close?.()
  }
  await end?.()
  return Object.fromEntries(samples)
}

describe('the README', () => {
  const fileOf = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

  test('says of each group what its rows mean', () => {
    const described = new Set([...fileOf('README.md').matchAll(/^\| `([\w-]+)` +\|/gm)].map(([, group]) => group))
    expect(Object.keys(groups).filter((group) => !onRequest.includes(group) && !described.has(group))).toEqual([])
  })

  test('names each scenario that the figures leave out, and no other', () => {
    const { results } = JSON.parse(fileOf('results.json')) as { results: readonly { name: string }[] } // as --write made it
    const [, apart = ''] = fileOf('README.md').split('## Measured apart')
    const [said = ''] = apart.split('`pnpm bench')
    const left = names.filter((name) => !results.some((result) => result.name === name))
    const named = [...said.matchAll(/`([\w-]+)`/g)].map(([, name]) => name)
    expect(new Set(named)).toEqual(new Set(left))
  })
})

describe('each scenario that needs no server', () => {
  const runnable = scenarios.filter(({ scenario }) => scenario.servers === undefined)

  test.each(runnable)('$name runs, and measures what its claims compare', { timeout: 120_000 }, async ({ scenario }) => {
    const rows = rowsOf(scenario, await tinyRounds(scenario))

    expect(rows).toHaveLength(scenario.claims.length)
    for (const { ours } of rows) expect(ours.median).toEqual(expect.any(Number))
  })
})

test.each(scenarios)('$name compares contenders that it has, in a metric that it has', async ({ scenario }) => {
  for (const { ours, peer, limit, metric } of scenario.claims) {
    for (const entrant of [ours, peer, limit]) expect(Object.keys(scenario.entrants)).toContain(entrant ?? ours)
    expect(Object.keys(scenario.metrics)).toContain(metric)
  }
})

test.each(scenarios)('$name has contenders that can be loaded', { timeout: 60_000 }, async ({ scenario }) => {
  for (const { load } of Object.values(scenario.entrants)) expect(await load()).toEqual(expect.any(Function))
})
