// Uses packed packages as an outside consumer would.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readmeExample, type Example } from './examples.ts'
import { root, type Files } from './files.ts'
import { unpinned } from './lockfile.ts'
import { failure, tarballSpecs, type Packed } from './pack.ts'

/**
 * A project that depends on the tarballs. Their dependencies are those that this repository locks:
 * pnpm takes versions from an existing lockfile, and compares each hash before it downloads.
 */
export function installPacked(packages: readonly Packed[], folder: string): string[] {
  const tarballs = tarballSpecs(packages)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies: tarballs }))
  writeFileSync(join(folder, 'pnpm-workspace.yaml'), JSON.stringify({ packages: ['.'], overrides: tarballs, pmOnFail: 'ignore' }))
  const [locked, lockfile] = [join(root, 'pnpm-lock.yaml'), join(folder, 'pnpm-lock.yaml')]
  copyFileSync(locked, lockfile)
  const resolving = failure('pnpm', ['install', '--lockfile-only', '--no-frozen-lockfile', '--prefer-offline', '--ignore-scripts'], folder)
  if (resolving.length > 0) return resolving
  const strangers = unpinned(readFileSync(lockfile, 'utf8'), readFileSync(locked, 'utf8'))
  if (strangers.length > 0) return strangers.map((name) => `${name} would be installed, which pnpm-lock.yaml does not pin`)
  return failure('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts'], folder)
}

/**
 * The READMEs' first examples: what a stranger copies must type-check and run against what they
 * install.
 */
export function readmeExamples(files: Files, packages: readonly Packed[]): Example[] {
  return ['README.md', ...packages.map(({ folder }) => `${folder}/README.md`)].flatMap(
    (path) => readmeExample(path, files.get(path) ?? '') ?? [],
  )
}
