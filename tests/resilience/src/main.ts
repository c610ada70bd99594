// `pnpm test:resilience [words]`: every fault-injection test at full length, or those whose names
// contain one of the words. Exit code 1 if a promise was broken.
import { availableParallelism, cpus, release } from 'node:os'
import { faultInjections } from './fault-injections.ts'
import { reportOf } from './harness/report.ts'

async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--help')) return printed(usage)
  const strange = words.find((word) => !faultInjections.some(({ name }) => name.includes(word)))
  if (strange !== undefined) return refused(`no test has '${strange}' in its name`)
  return run(faultInjections.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word))))
}

async function run(chosen: typeof faultInjections): Promise<number> {
  console.log(
    `Node.js ${process.version}, ${process.platform} ${release()}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}\n`,
  )
  let faults = 0
  for (const [done, injection] of chosen.entries()) {
    console.error(`${done + 1} of ${chosen.length}: ${injection.name} …`) // some take many minutes
    const started = performance.now()
    const tally = await injection.run('long')
    console.log(`${reportOf(injection, tally, (performance.now() - started) / 1000)}\n`)
    faults += tally.faults.length
  }
  console.log(`fault-injection tests: ${chosen.length}, faults: ${faults}`)
  return faults > 0 ? 1 : 0
}

const usage = [
  'pnpm test:resilience [WORD …] runs the fault-injection tests whose names contain one of the words, or all of them:\n',
  ...faultInjections.map(({ name }) => `  ${name}`),
].join('\n')

function printed(text: string): number {
  console.log(text)
  return 0
}

function refused(problem: string): number {
  console.error(`${problem}\n\n${usage}`)
  return 1
}

void main(process.argv.slice(2)).then((code) => (process.exitCode = code))
