// What `pnpm publish -r --dry-run` says, and what npm has.
import { execFile } from 'node:child_process'
import type { Member } from '../files.ts'
import { newestIn } from '../range-versions.ts'

/** The versions of a package that npm has. */
type Versions = (name: string) => Promise<readonly string[]>

/** pnpm may warn that it sends nothing, and of no more. */
export async function dryRunFaults(packages: readonly Member[], said: string, versionsOf: Versions): Promise<string[]> {
  const faults = packages.map(async ({ manifest: { name, version = '' } }) =>
    versionFault(name, version, said.includes(`${name}@${version} `), await versionsOf(name)),
  )
  const warnings = said.split('\n').filter((line) => line.includes('[WARN]') && !line.includes('Skip publishing'))
  return [...(await Promise.all(faults)).flat(), ...warnings]
}

/**
 * pnpm leaves out a version that npm has: of a release that was broken off, or of a package that did
 * not change. What it publishes becomes `latest`, even if it is older: a former run may run again.
 */
function versionFault(name: string, version: string, isSent: boolean, had: readonly string[]): string[] {
  if (!isSent) return had.includes(version) ? [] : [`a release would not publish ${name}@${version}`]
  if (version.includes('-')) return [`${name}@${version} would become \`latest\`, and is no release`]
  const newest = newestIn([...had, version])
  return newest === version ? [] : [`${name}@${version} would become \`latest\`, and npm has ${newest}`]
}

/** None without an answer of the registry. */
export function versionsOnNpm(name: string, env: NodeJS.ProcessEnv = process.env): Promise<readonly string[]> {
  return new Promise((resolve) => {
    execFile('pnpm', ['view', name, 'versions', '--json'], { env }, (error, stdout) =>
      resolve(error === null ? [JSON.parse(stdout) as string | string[]].flat() : []),
    )
  })
}
