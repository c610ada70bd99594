// `pnpm consumers`: uses the packed packages as readers do: each TypeScript with each resolution of
// modules, test runners, yarn's Plug'n'Play, and each package installed alone. Words behind it, such
// as `sizes`, choose parts.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Check } from './consumers/project.ts'
import { readmeChecks } from './consumers/readme-installs.ts'
import { sizeChecks } from './consumers/sizes.ts'
import { tableOf } from './consumers/table.ts'
import { testRunnerChecks } from './consumers/test-runners.ts'
import { typescriptChecks } from './consumers/typescript.ts'
import { entriesOf, readFiles, requirableEntriesOf, root, type Manifest } from './files.ts'
import { packAll, tarballSpecs } from './pack.ts'
import { checkInScratch } from './tally.ts'
import { supportedNodes } from './toolchain.mjs'

const { version: typesOfNode = '' } = JSON.parse(readFileSync(join(root, 'node_modules/@types/node/package.json'), 'utf8')) as Manifest
const chosen = process.argv.slice(2)

await checkInScratch('consumers-', async (folder, tally) => {
  const files = readFiles()
  const packages = packAll(files, folder)
  const tarballs = tarballSpecs(packages)
  const nodes = Object.fromEntries(supportedNodes().map((node) => [versionOf(node), node]))
  const parts: Readonly<Record<string, () => Promise<Check[]>>> = {
    sizes: () => sizeChecks(packages, join(folder, 'sizes'), tarballs),
    typescript: () =>
      typescriptChecks(
        { folder: join(folder, 'typescript'), entries: packages.flatMap(requirableEntriesOf), nodes, typesOfNode },
        tarballs,
      ),
    runners: () =>
      testRunnerChecks(
        {
          folder: join(folder, 'runners'),
          page: files.get('docs/testing-with-jest.md') ?? '',
          entries: packages.filter(({ manifest }) => manifest.bin === undefined).flatMap(entriesOf), // no program is imported
          nodes,
          typesOfNode,
        },
        tarballs,
      ),
    readmes: () => readmeChecks(files, packages, join(folder, 'readmes'), tarballs),
  }
  for (const [title, check] of Object.entries(parts)) {
    if (chosen.length > 0 && !chosen.includes(title)) continue
    const checks = await check()
    console.log(tableOf(title, checks))
    for (const { row, column, faults } of checks) tally.add(faults.map((fault) => `${row}, ${column}: ${fault}`))
  }
})

function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1)
}
