// What `pnpm publish -r --dry-run` says, and what npm has.
import { execFile } from 'node:child_process'
import type { Member } from '../files.ts'

/**
 * pnpm leaves out a version that npm has: of a release that was broken off, or of a package that did
 * not change. Any other one must be published. pnpm may warn that it sends nothing, and of no more.
 */
export async function dryRunFaults(
  packages: readonly Member[],
  said: string,
  hasVersion: (spec: string) => Promise<boolean>,
): Promise<string[]> {
  const specs = packages.map(({ manifest: { name, version } }) => `${name}@${version}`)
  const faults: string[] = []
  for (const spec of specs) if (!said.includes(`${spec} `) && !(await hasVersion(spec))) faults.push(`a release would not publish ${spec}`)
  return [...faults, ...said.split('\n').filter((line) => line.includes('[WARN]') && !line.includes('Skip publishing'))]
}

/** Whether the registry has this version. False without an answer. */
export function isPublished(spec: string, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const version = spec.slice(spec.lastIndexOf('@') + 1)
  return new Promise((resolve) => {
    execFile('pnpm', ['view', spec, 'version', '--json'], { env }, (_, stdout) => resolve(stdout.trim() === JSON.stringify(version)))
  })
}
