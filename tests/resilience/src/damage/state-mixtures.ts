import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { newSeed, randomFrom } from '../harness/random.ts'
import { inMemory } from '../harness/scratch.ts'
import { columnMixtures, mix, type Mixture, rowMixtures, secretMixtures, tableMixtures } from './mixtures.ts'
import { type Answers, answersOf, areRight, isComplaint } from './questions.ts'
import { bytesOf, makeSmallStore } from './small-store.ts'

/** What share of all mixtures is tried. */
const shares: Readonly<Record<Scale, number>> = { short: 0.06, long: 1 }

export const stateMixtures: FaultInjection = {
  name: 'mixtures of states and stores',
  promise:
    'rows, columns, secrets, tables and generations dropped, replayed or swapped: the right value or an error, and never parts of two states',
  run: (scale) => inMemory((folder) => run(folder, scale)),
}

/** A store as it once was: closed, in one file. */
interface State {
  readonly path: string
  readonly answers: Answers
}

async function run(folder: string, scale: Scale): Promise<Tally> {
  const tally = new Tally()
  const random = randomFrom(newSeed())
  const [own, others] = [await statesOf(folder, 'own'), await statesOf(folder, 'other')]
  const newest = own.at(-1)
  const foreign = others.at(-1)
  if (!newest || !foreign) throw new Error('the small store has no states')
  const within = [...rowMixtures(newest.path), ...secretMixtures(newest.path), ...columnMixtures(newest.path)]
  for (const old of [...own.slice(0, -1), foreign]) {
    for (const mixture of [...tableMixtures(), ...within])
      if (random.chance(shares[scale])) await tryOne(join(folder, 'mixed.db'), newest, old, mixture, tally)
  }
  return tally
}

async function statesOf(folder: string, name: string): Promise<State[]> {
  const states: State[] = []
  await makeSmallStore(join(folder, `${name}.db`), async (count) => {
    const path = join(folder, `${name}-${count}.db`)
    const { file, log } = bytesOf(join(folder, `${name}.db`))
    writeFileSync(path, file)
    writeFileSync(`${path}-wal`, log)
    states.push({ path, answers: await answersOf(path) }) // which closes it, and so empties its log
    alone(path)
  })
  return states
}

/** Leaves the state in one file that may be attached to another. */
function alone(path: string): void {
  const sqlite = new DatabaseSync(path)
  sqlite.exec('PRAGMA journal_mode=DELETE')
  sqlite.close()
}

async function tryOne(path: string, newest: State, old: State, mixture: Mixture, tally: Tally): Promise<void> {
  const { isChanged, root } = mix(path, newest.path, old.path, mixture)
  if (!isChanged) return
  tally.count(mixture.what.replace(/^.* of another state$/, 'sets of tables of another state'))
  const answers = await answersOf(path)
  if (isComplaint(answers)) tally.count('noticed')
  // A state put back with its root cannot be detected from inside the file. It is one state, not a
  // mixture.
  const states = root === 'old' ? [newest.answers, old.answers] : [newest.answers]
  if (!areRight(answers, states)) tally.fault(`${mixture.what}, from ${old.path}: ${answers.join(' | ')}`)
}
