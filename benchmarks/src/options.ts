import { parseArgs } from 'node:util'
import { groups, onRequest } from './scenarios.ts'

export interface Options {
  readonly groups: readonly string[]
  /** Part of a scenario's name: only those. */
  readonly only: string | undefined
  readonly rounds: number
  readonly scale: number
  readonly json: string
  readonly write: boolean
  readonly check: boolean
  readonly smoke: boolean
}

export const usage: string = `pnpm bench [GROUP …] [--rounds N] [--only NAME] [--json FILE] [--write] [--check] [--smoke]

  GROUP        ${Object.keys(groups).join(', ')}; default: all but ${onRequest.join(', ')}
  --rounds N   how many rounds count; default: 7
  --only NAME  scenarios whose name contains it
  --json FILE  where the samples go; default: benchmarks/latest.json
  --write      put the figures into README.md and benchmarks/README.md; with all groups only
  --check      a missed goal is an error
  --smoke      one tiny round, and no servers: does the harness work?`

export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '7' },
      only: { type: 'string' },
      json: { type: 'string', default: 'benchmarks/latest.json' },
      write: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
    },
  })
  const unknown = positionals.find((name) => !Object.hasOwn(groups, name))
  if (unknown !== undefined) throw new Error(`there is no group '${unknown}'`)
  const rounds = values.smoke ? 1 : Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a number, 1 or more')
  const isWhole = positionals.length === 0 && values.only === undefined && rounds >= 5
  if (values.write && !isWhole) throw new Error('--write takes all groups and five rounds or more: what stands in a document is one run')
  const { only, json, write, check, smoke } = values
  const chosen = positionals.length > 0 ? positionals : Object.keys(groups).filter((name) => !onRequest.includes(name))
  return { groups: chosen, only, rounds, scale: smoke ? 0.01 : 1, json, write, check, smoke }
}
