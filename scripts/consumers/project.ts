// A project of a reader: the packed packages, installed by one package manager, and programs in it.
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { packageManagers, type PackageManager } from '../package-managers.ts'

const execute = promisify(execFile)

export type Versions = Readonly<Record<string, string>>

export interface Installation {
  readonly manager: PackageManager
  readonly folder: string
  readonly dependencies: Versions
  readonly tarballs: Versions
  readonly program?: string
}

/** One cell of a table, which has passed if there is nothing wrong. */
export interface Check {
  readonly row: string
  readonly column: string
  readonly faults: readonly string[]
  readonly shown: string
}

export function managerNamed(name: string): PackageManager {
  const found = packageManagers().find((manager) => manager.name === name)
  if (!found) throw new TypeError(`scripts/package-managers.ts has no '${name}'`)
  return found
}

/**
 * A new folder with these dependencies; `npm start` runs `program`. `tarballs` are those of our own
 * packages, by their names.
 */
export async function installProject({ manager, folder, dependencies, tarballs, program }: Installation): Promise<string[]> {
  mkdirSync(folder, { recursive: true })
  manager.prepare(folder, { name: 'consumer', private: true, scripts: { start: `node ${program ?? ''}` }, dependencies }, tarballs)
  return faultsOf(manager.install, folder, manager.env)
}

/** What a command that failed has printed; nothing, mostly. `judge` looks at the output of others. */
export async function faultsOf(
  [program = '', ...args]: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  judge: (stdout: string, stderr: string) => boolean = () => true,
): Promise<string[]> {
  const command = [program, ...args].join(' ')
  try {
    const { stdout, stderr } = await execute(program, args, { cwd, env: { ...env, NO_COLOR: '1' }, timeout: 300_000 })
    return judge(stdout, stderr) ? [] : [`${command} printed something else:\n${stdout}${stderr}`]
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string } // what execFile rejects with
    return [`${command} failed:\n${stdout}${stderr}`]
  }
}

export async function timed(row: string, column: string, run: () => Promise<readonly string[]>): Promise<Check> {
  const startedAt = performance.now()
  const faults = await run()
  return { row, column, faults, shown: `${((performance.now() - startedAt) / 1_000).toFixed(1)} s` }
}

/** As many at a time as the machine has processors, but no more than two: it may have other work. */
export async function inParallel<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = []
  const queue = [...tasks.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await next[1]()
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
  return results
}
