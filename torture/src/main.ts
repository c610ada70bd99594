// `pnpm torture [words]`: every drill at its full length, or those whose name holds one of the words; exit code 1 if a promise was broken.
import { availableParallelism, cpus, release } from 'node:os'
import { drills } from './drills.ts'
import { reportOf } from './report.ts'

async function torture(words: readonly string[]): Promise<number> {
  if (words.includes('--help')) return told(usage)
  const strange = words.find((word) => !drills.some(({ name }) => name.includes(word)))
  if (strange !== undefined) return refused(`no drill has '${strange}' in its name`)
  return run(drills.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word))))
}

async function run(chosen: typeof drills): Promise<number> {
  console.log(
    `Node.js ${process.version}, ${process.platform} ${release()}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}\n`,
  )
  let faults = 0
  for (const [done, drill] of chosen.entries()) {
    console.error(`${done + 1} of ${chosen.length}: ${drill.name} …`) // some take many minutes
    const started = performance.now()
    const tally = await drill.run('long')
    console.log(`${reportOf(drill, tally, (performance.now() - started) / 1000)}\n`)
    faults += tally.faults.length
  }
  console.log(`drills: ${chosen.length}, faults: ${faults}`)
  return faults > 0 ? 1 : 0
}

const usage = [
  'pnpm torture [WORD …] runs the drills whose name holds one of the words, or all of them:\n',
  ...drills.map(({ name }) => `  ${name}`),
].join('\n')

function told(text: string): number {
  console.log(text)
  return 0
}

function refused(problem: string): number {
  console.error(`${problem}\n\n${usage}`)
  return 1
}

void torture(process.argv.slice(2)).then((code) => (process.exitCode = code))
