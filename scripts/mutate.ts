// `pnpm mutate`: puts small faults into the code that decides, one at a time, and shows those that
// no test finds.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { judged, type FileResult } from './mutation/accepted.ts'
import { MutantProcess } from './mutation/mutant-pool.ts'
import { mutatedCode, targets, testsFor } from './mutation/targets.ts'
import type { Mutant } from './mutation/schemata.ts'
import type { TestCoverage } from './mutation/test-runs.ts'
import { orderFor } from './mutation/order.ts'

const leastScore = 0.9

/** The files that were named, by `deadline`, `guard/deadline` or a folder; all without a name. */
function chosen(names: readonly string[]): readonly string[] {
  const files = targets.filter(
    (file) => names.length === 0 || names.some((name) => file.endsWith(`/${name}.ts`) || file.includes(`${name}/`)),
  )
  if (files.length === 0) throw new Error(`none of the mutated files is called that: ${targets.join(', ')}`)
  return files
}

/** The numbers of the mutants that no test finds. */
async function survivorsOf(
  mutants: readonly Mutant[],
  files: readonly string[],
  processes: readonly MutantProcess[],
): Promise<readonly number[]> {
  const coverage = await coverageBy(processes, testsFor(files))
  const survivors: number[] = []
  const waiting = [...mutants.entries()]
  const work = async (process: MutantProcess): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [number, mutant] = next
      if (await process.survives(orderFor(number, mutant, coverage))) survivors.push(number)
      progress(`${mutants.length - waiting.length} of ${mutants.length}, ${survivors.length} not found`)
    }
  }
  await Promise.all(processes.map(work))
  return survivors
}

async function coverageBy(processes: readonly MutantProcess[], testFiles: readonly string[]): Promise<readonly TestCoverage[]> {
  const shares = processes.map((process, share) => process.coverage(testFiles.filter((_, index) => index % processes.length === share)))
  return (await Promise.all(shares)).flat()
}

function progress(text: string): void {
  if (globalThis.process.stderr.isTTY) globalThis.process.stderr.write(`\r${text} `)
}

function report(file: string, { mutants, accepted, survivors }: FileResult): void {
  const found = mutants - accepted - survivors.length
  console.log(`${file.padEnd(52)} ${String(found).padStart(4)} of ${String(mutants).padStart(4)} found, ${accepted} make no difference`)
  for (const { id, line } of survivors) console.log(`  ${file}:${line}  ${id}`)
}

const started = Date.now()
const { values, positionals } = parseArgs({ options: { processes: { type: 'string' } }, allowPositionals: true })
const files = chosen(positionals)
const { mutants } = mutatedCode(files)
const processes = Array.from({ length: Number(values.processes ?? Math.min(2, availableParallelism())) }, () => new MutantProcess(files))
const survivors = await survivorsOf(mutants, files, processes)
for (const each of processes) each.end()
const { results, outdated } = judged(mutants, new Set(survivors))
for (const [file, result] of results) report(file, result)
for (const id of outdated) console.log(`  found by now, or gone: take it out of accepted.json: ${id}`)
const unexplained = [...results.values()].reduce((sum, result) => sum + result.survivors.length, 0)
const score = 1 - survivors.length / mutants.length
console.log(
  `\n${mutants.length} mutants, ${mutants.length - survivors.length} found (${(100 * score).toFixed(1)} %), ${unexplained} unexplained, in ${Math.round((Date.now() - started) / 1000)} s`,
)
process.exitCode = score < leastScore || unexplained > 0 || outdated.length > 0 ? 1 : 0
