// `pnpm size`: what importing an entry reads, compressed, against its budget. Every cold start pays for it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entriesOf, publicPackages, readFiles, root } from './files.ts'
import { gzippedSize } from './import-size.ts'

/** Bytes. An entry without one is only measured. */
const budgets: Readonly<Record<string, number>> = {
  '@finchat/secrets-core': 14_200,
  '@finchat/secrets-core/provider': 10_000,
  '@finchat/secrets-core/sealing': 6_000,
}

for (const member of publicPackages(readFiles())) {
  const { folder, manifest } = member
  for (const entry of entriesOf(member)) {
    const file = `${folder}/dist/${entry === manifest.name ? 'index' : entry.slice(manifest.name.length + 1)}.js`
    if (!existsSync(join(root, file))) {
      console.error(`${folder} is not built: pnpm build`)
      process.exitCode = 1
      continue
    }
    const bytes = gzippedSize(file, (path) => readFileSync(join(root, path), 'utf8'))
    const budget = budgets[entry]
    console.log(`${entry}: ${bytes} bytes${budget === undefined ? '' : ` of ${budget}`}`)
    if (budget === undefined || bytes <= budget) continue
    console.error(`${entry} imports more than its budget: load what only some calls need with import(), as its engine is`)
    process.exitCode = 1
  }
}
