// `pnpm bench`: every scenario of the chosen groups, a table, and a JSON file.
import { createRequire } from 'node:module'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeDocuments } from './harness/documents.ts'
import { describeMachine } from './harness/machine.ts'
import { type NoiseMeter, startNoiseMeter } from './harness/noise.ts'
import { claimsTable } from './harness/table.ts'
import { detailTable, missedIn, noiseText, reportText, resultOf, type Report, type Result } from './harness/report.ts'
import { runScenario } from './harness/rounds.ts'
import { parseOptions, usage, type Options } from './options.ts'
import { groups, scenarioOf } from './scenarios.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

async function runAll(options: Options, whole: NoiseMeter): Promise<Result[]> {
  const results: Result[] = []
  for (const group of options.groups) {
    for (const name of Object.keys(groups[group] ?? {})) {
      if (options.only === undefined || name.includes(options.only)) results.push(...(await runOne(group, name, options, whole)))
    }
  }
  return results
}

/** Nothing, for one that a smoke run leaves out. */
async function runOne(group: string, name: string, { rounds, scale, smoke }: Options, whole: NoiseMeter): Promise<Result[]> {
  const scenario = await scenarioOf(name)
  if (smoke && scenario.servers !== undefined) return []
  console.error(`${group}: ${scenario.title} …`)
  const noise = startNoiseMeter()
  const between = (): void => [noise, whole].forEach(({ sample }) => sample())
  const samples = await runScenario(name, scenario, { rounds, scale, between })
  const result = resultOf(group, name, scenario, samples, noise.read())
  console.error(`${claimsTable(result.rows)}\n\n${detailTable(result)}\n\n${noiseText(result.noise)}\n`)
  return [result]
}

const peers = [
  '@aws-sdk/client-secrets-manager',
  'node-vault',
  '@aws-lambda-powertools/parameters',
  'keyv',
  'cacheable',
  'lru-cache',
  'unstorage',
  'pino',
]

function versionsOfPeers(): Record<string, string> {
  const require = createRequire(import.meta.url)
  const versionOf = (name: string): string => {
    const folder = require.resolve.paths(name)?.map((path) => `${path}/${name}/package.json`) ?? []
    for (const file of folder) {
      try {
        return (require(file) as { version: string }).version // every package.json has one
      } catch {
        // not in this folder
      }
    }
    return 'of an unknown version'
  }
  return Object.fromEntries(peers.map((name) => [name, versionOf(name)]))
}

async function main(options: Options): Promise<void> {
  const noise = startNoiseMeter()
  const date = new Date().toISOString()
  const results = await runAll(options, noise)
  const command = ['pnpm bench', ...process.argv.slice(2)].join(' ')
  const report: Report = {
    date,
    command,
    rounds: options.rounds,
    machine: describeMachine(),
    noise: noise.read(),
    versions: versionsOfPeers(),
    results,
  }
  console.log(reportText(report))
  writeFileSync(resolve(root, options.json), `${JSON.stringify(report, null, 1)}\n`)
  if (options.write) writeDocuments(report)
  const missed = missedIn(report)
  for (const each of missed) console.error(`MISSED  ${each}`)
  if (options.check && missed.length > 0) process.exitCode = 1
}

async function run(): Promise<void> {
  if (process.argv.includes('--help')) return console.log(usage)
  try {
    await main(parseOptions(process.argv.slice(2)))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exitCode = 2
  }
}

void run()
