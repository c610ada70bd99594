// Packs the published packages, as a release does.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { publicPackages, root, type Files, type Member } from './files.ts'
import { SetupError } from './toolchain.mjs'

export interface Packed extends Member {
  readonly tarball: string
}

/** Every published package, packed into `folder`. */
export function packAll(files: Files, folder: string): Packed[] {
  const packages = publicPackages(files)
  const unbuilt = packages.filter((member) => !existsSync(join(root, member.folder, 'dist/index.js')))
  if (unbuilt.length > 0) throw new SetupError(unbuilt.map((member) => `${member.folder} is not built: pnpm build`).join('\n'))
  return packages.map((member) => pack(member, folder))
}

function pack(member: Member, folder: string): Packed {
  const cwd = join(root, member.folder)
  const printed = execFileSync('pnpm', ['pack', '--json', '--pack-destination', folder], { cwd, encoding: 'utf8' })
  const { filename } = JSON.parse(printed) as { filename: string } // pnpm's own answer
  return { ...member, tarball: filename }
}

/** `file:` of each tarball by the name of its package. */
export function tarballSpecs(packages: readonly Packed[]): Record<string, string> {
  return Object.fromEntries(packages.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]))
}

/** What a command that failed has printed; nothing if it succeeded. */
export function failure(command: string, args: readonly string[], cwd: string = root, env: NodeJS.ProcessEnv = process.env): string[] {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  return status === 0 ? [] : [`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`]
}
