// `pnpm bundles`: bundles a small app with each bundler, by the recipes of
// docs/bundling-and-lambda.md, and reads a first secret from each store where no `node_modules` is.
// Then freezes a bundled function of Lambda. Names choose bundlers; `--runs=9` takes the median.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundles, lambdas, providers, type Bundle, type Provider } from './bundles/matrix.ts'
import { lambdaChecks } from './bundles/lambda.ts'
import { build, faultOf, firstSecret, type Place } from './bundles/run-bundle.ts'
import { startStores, type Stores } from './bundles/stores.ts'
import { installApp, installTool, type Tool } from './bundles/tools.ts'
import { readFiles } from './files.ts'
import { packAll, tarballSpecs } from './pack.ts'
import { checkInScratch, type Tally } from './tally.ts'

const { values, positionals } = parseArgs({ options: { runs: { type: 'string', default: '1' } }, allowPositionals: true })
const columns = [-9, -24, -9, 10, 6] as const

function printRow(cells: readonly (string | number)[], ok: string): void {
  const padded = cells.map((cell, at) =>
    (columns[at] ?? 0) < 0 ? String(cell).padEnd(-(columns[at] ?? 0)) : String(cell).padStart(columns[at] ?? 0),
  )
  console.log(`${padded.join(' ')}  ${ok}`)
}

/** Builds one bundle and reads a secret of each store. */
async function tryBundle(bundle: Bundle, place: Place, tally: Tally): Promise<void> {
  const title = `${bundle.bundler}, ${bundle.format}`
  const built = build(bundle, place)
  if (Array.isArray(built)) return void tally.add(built.map((fault) => `${title}: ${fault}`))
  for (const provider of providers) {
    const [fault, ms] = await tryProvider(bundle, built.folder, provider, place)
    tally.add(fault === undefined ? [] : [`${title}, ${provider}: ${fault}`])
    const isRefused = bundle.refusal !== undefined && provider === 'aws'
    printRow([bundle.bundler, bundle.format, provider, built.bytes || '-', ms], fault ? '✗' : isRefused ? '✓ refused' : '✓')
  }
}

/** What is wrong, and the median of the times to the first secret. */
async function tryProvider(
  bundle: Bundle,
  folder: string,
  provider: Provider,
  place: Place,
): Promise<[string | undefined, number | string]> {
  const times: number[] = []
  try {
    for (let run = 0; run < Number(values.runs); run += 1) {
      const first = await firstSecret(bundle, folder, provider, place)
      const fault = faultOf(bundle, provider, first)
      if (fault !== undefined) return [fault, '-']
      times.push(first.ms)
    }
  } catch (error) {
    return [`fails: ${String(error)}`, '-']
  }
  return [undefined, Math.round(times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0)]
}

/** Makes a bundle, or names it with the reason why this machine cannot. */
async function checkBundle(bundle: Bundle, lack: string | undefined, place: Place, tally: Tally): Promise<void> {
  const { bundler, format, needs } = bundle
  const title = `${bundler}, ${format}`
  if (lack !== undefined) return tally.notRun(title, lack)
  const isThere = needs === undefined || existsSync(process.env[needs] ?? '')
  if (!isThere) return tally.notRun(title, `give the path of its program as ${needs}`, true)
  await tryBundle(bundle, place, tally)
}

async function checkAll(place: Place, stores: Stores, tally: Tally): Promise<void> {
  const isChosen = (name: string): boolean => positionals.length === 0 || positionals.includes(name)
  const chosen = bundles.filter(({ bundler }) => isChosen(bundler))
  const ofLambda = isChosen('lambda') ? lambdas : []
  const needed = new Set<Tool>(['esbuild', ...[...chosen, ...ofLambda].map(({ bundler }) => bundler)])
  const lacks = new Map([...needed].map((tool) => [tool, installTool(place.app, tool)]))
  printRow(['bundler', 'format', 'provider', 'bytes', 'ms'], 'ok')
  for (const bundle of chosen) await checkBundle(bundle, lacks.get(bundle.bundler), place, tally)
  await lambdaChecks(ofLambda, place, { stores, tally, lacks })
}

await checkInScratch('bundles-', async (folder, tally) => {
  const app = join(folder, 'app')
  if (!tally.add(installApp(app, tarballSpecs(packAll(readFiles(), folder))))) return
  const outside = join(folder, 'run')
  mkdirSync(outside)
  const stores = await startStores()
  try {
    await checkAll({ app, outside, env: stores.env }, stores, tally)
  } finally {
    await stores.stop()
  }
})
