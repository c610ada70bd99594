// `pnpm torture [words]`: every drill at its full length, or those whose name holds one of the words; exit code 1 if a promise was broken.
import { availableParallelism, cpus, release } from 'node:os'
import { drills } from './drills.ts'
import { reportOf } from './report.ts'

async function torture(words: readonly string[]): Promise<number> {
  const chosen = drills.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
  if (chosen.length === 0) return noneChosen()
  console.log(
    `Node.js ${process.version}, ${process.platform} ${release()}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}\n`,
  )
  let faults = 0
  for (const drill of chosen) {
    const started = performance.now()
    const tally = await drill.run('long')
    console.log(`${reportOf(drill, tally, (performance.now() - started) / 1000)}\n`)
    faults += tally.faults.length
  }
  console.log(`${chosen.length} drills, ${faults} faults`)
  return faults > 0 ? 1 : 0
}

function noneChosen(): number {
  console.error(`pnpm torture [WORD …] runs the drills whose name holds one of the words, or all of them:\n`)
  for (const { name } of drills) console.error(`  ${name}`)
  return 1
}

void torture(process.argv.slice(2)).then((code) => (process.exitCode = code))
