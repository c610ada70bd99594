// What npm has of a package, and whether a further version may become its `latest`.
import { execFile } from 'node:child_process'
import type { Manifest } from '../files.ts'
import { npmErrorCode } from '../npm-package.mjs'
import { newestIn } from '../range-versions.ts'
import { SetupError } from '../toolchain.mjs'

/** The versions that npm has: none of a package that it does not know. */
export async function versionsOnNpm(name: string, env: NodeJS.ProcessEnv = process.env): Promise<readonly string[]> {
  const found = await view(name, 'versions', env)
  return found === undefined ? [] : [found as string | string[]].flat()
}

/** The hash of a version's tarball: `sha512-…`. Undefined if npm does not have the version. */
export async function integrityOnNpm(spec: string, env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  return (await view(spec, 'dist.integrity', env)) as string | undefined // a field of text
}

/** A registry that does not answer is an error: silence does not mean that it has nothing. */
function view(spec: string, field: string, env: NodeJS.ProcessEnv): Promise<unknown> {
  return new Promise((resolve, reject) => {
    execFile('npm', ['view', spec, field, '--json'], { env, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null && stdout.trim() !== '') resolve(JSON.parse(stdout))
      else if (stdout.includes('"code": "E404"')) resolve(undefined)
      else reject(new SetupError(`npm did not tell the ${field} of ${spec}: ${npmErrorCode(stderr)}`))
    })
  })
}

/**
 * A version that is published becomes `latest`. An older one must not, since a former run may run
 * again, and no prerelease. npm has the same rules, and forgets them when it cannot read the versions.
 */
export function latestFaults({ name, version = '' }: Manifest, had: readonly string[]): string[] {
  if (had.includes(version)) return []
  if (version.includes('-')) return [`${name}@${version} would become \`latest\`, and is no release`]
  const newest = newestIn([...had, version])
  return newest === version ? [] : [`${name}@${version} would become \`latest\`, and npm has ${newest}`]
}
