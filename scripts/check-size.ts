// `pnpm size`: what importing a package reads, compressed, against its budget. Every cold start pays for it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publicPackages, readFiles, root } from './files.ts'
import { gzippedSize } from './import-size.ts'

/** Bytes. A package without one is only measured. */
const budgets: Readonly<Record<string, number>> = { '@finchat/secrets-core': 53_000 }

for (const { folder, manifest } of publicPackages(readFiles())) {
  const entry = `${folder}/dist/index.js`
  if (!manifest.exports || !('.' in manifest.exports)) continue
  if (!existsSync(join(root, entry))) {
    console.error(`${folder} is not built: pnpm build`)
    process.exitCode = 1
    continue
  }
  const bytes = gzippedSize(entry, (path) => readFileSync(join(root, path), 'utf8'))
  const budget = budgets[manifest.name]
  console.log(`${manifest.name}: ${bytes} bytes${budget === undefined ? '' : ` of ${budget}`}`)
  if (budget === undefined || bytes <= budget) continue
  console.error(`${manifest.name} imports more than its budget: find what it does twice, or raise the budget and say why`)
  process.exitCode = 1
}
