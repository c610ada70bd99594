// What users install with the packages: licences, and scripts that would run at an install.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '../files.ts'

/** One package as `pnpm licenses list --json` has it. */
export interface Installed {
  readonly name: string
  readonly versions: readonly string[]
  readonly paths: readonly string[]
  readonly license: string
}

/** Permissive ones, which ask for no more than their own text. Another one is a decision. */
const allowed = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT', 'MIT-0'])

/** `pnpm licenses list --json`: packages by their licence. */
export function installedIn(printed: string): Installed[] {
  return Object.values(JSON.parse(printed) as Record<string, Installed[]>).flat() // pnpm's own answer
}

/** A licence of two kinds is fine if one may be chosen that is allowed, or if both are. */
export function licenceFaults(installed: readonly Installed[]): string[] {
  const wrong = installed.filter(({ license }) => !isAllowed(license))
  return wrong.map(({ name, versions, license }) => `${name}@${versions.join(', ')} has the licence ${license}, which is not allowed`)
}

function isAllowed(expression: string): boolean {
  const choices = expression.replaceAll(/[()]/g, '').split(' OR ')
  return choices.some((choice) => choice.split(' AND ').every((licence) => allowed.has(licence)))
}

const installing = ['preinstall', 'install', 'postinstall'] as const

/** Packages that run a script of theirs when they are installed, or build native code, as npm does for binding.gyp. */
export function installScriptFaults(installed: readonly Installed[]): string[] {
  return installed.flatMap(({ paths }) => paths.flatMap((path) => scriptsOf(path)))
}

function scriptsOf(path: string): string[] {
  const { name, scripts = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest & {
    readonly scripts?: Readonly<Record<string, string>>
  }
  const found = installing.filter((script) => scripts[script] !== undefined)
  return [
    ...found.map((script) => `${name} runs a script at ${script}: ${scripts[script]}`),
    ...(existsSync(join(path, 'binding.gyp')) ? [`${name} builds native code when it is installed: binding.gyp`] : []),
  ]
}
