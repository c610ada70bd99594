// What a reader gets on the disk who installs one package alone.
import { globSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Packed } from '../pack.ts'
import { inParallel, installProject, managerNamed, type Check, type Versions } from './project.ts'

interface Size {
  readonly packages: number
  readonly kilobytes: number
}

/** The package, core and what both depend on; those of AWS are the newest that npm has. */
const budgets: Readonly<Record<string, Size>> = {
  'packages/cli': { packages: 25, kilobytes: 6_900 },
  'packages/core': { packages: 1, kilobytes: 1_860 },
  'packages/audit': { packages: 2, kilobytes: 3_530 },
  'packages/cache-keyv': { packages: 4, kilobytes: 3_100 },
  'packages/create-secrets-provider': { packages: 1, kilobytes: 43 },
  // With @opentelemetry/api, which it observes by.
  'packages/otel': { packages: 3, kilobytes: 2_600 },
  'packages/provider-aws': { packages: 30, kilobytes: 9_000 },
  'packages/provider-aws-ssm': { packages: 30, kilobytes: 12_000 },
  'packages/provider-file': { packages: 2, kilobytes: 2_030 },
  'packages/provider-kubernetes': { packages: 2, kilobytes: 2_020 },
  'packages/provider-local': { packages: 2, kilobytes: 2_380 },
  'packages/provider-vault': { packages: 2, kilobytes: 2_390 },
  'packages/rotation': { packages: 2, kilobytes: 2_420 },
  'packages/testkit': { packages: 2, kilobytes: 2_560 },
}

export function sizeChecks(packages: readonly Packed[], folder: string, tarballs: Versions): Promise<Check[]> {
  return inParallel(packages.map((member) => () => sizeOf(member, join(folder, basename(member.folder)), tarballs))).then((checks) =>
    checks.flat(),
  )
}

async function sizeOf({ folder: row, manifest }: Packed, folder: string, tarballs: Versions): Promise<Check[]> {
  const dependencies = { [manifest.name]: tarballs[manifest.name] ?? '' }
  const installed = await installProject({ manager: managerNamed('npm'), folder, dependencies, tarballs })
  if (installed.length > 0) return [{ row, column: 'packages', faults: installed, shown: '' }]
  const size = { packages: packagesIn(folder), kilobytes: kilobytesIn(join(folder, 'node_modules')) }
  return [
    checkOf(row, 'packages', size.packages, budgets[row]?.packages),
    checkOf(row, 'kilobytes', size.kilobytes, budgets[row]?.kilobytes),
  ]
}

/** A package without a budget has none to spend. */
export function checkOf(row: string, column: string, found: number, budget = 0): Check {
  const faults = found > budget ? [`${found}, and its budget in scripts/consumers/sizes.ts is ${budget}`] : []
  return { row, column, faults, shown: `${found} of ${budget}` }
}

function packagesIn(folder: string): number {
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8')) as { packages: object } // npm's format
  return Object.keys(lock.packages).length
}

function kilobytesIn(folder: string): number {
  const files = globSync('**', { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile())
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
  return Math.ceil(bytes / 1_000)
}
