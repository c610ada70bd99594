// `pnpm size`: what importing an entry reads, compressed, against its budget. Every cold start pays
// for it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entriesOf, publicPackages, readFiles, root } from './files.ts'
import { gzippedSize } from './import-size.ts'

/** Bytes, by what is imported. An entry without a budget is only measured. */
const budgets: Readonly<Record<string, number>> = {
  '@finchat/secrets-core': 69_000,
  '@finchat/secrets-core/live': 28_800,
  '@finchat/secrets-core/provider': 15_700,
  // These three read the chunk `base`, of which they need a part: who loads them loads the main entry, too.
  '@finchat/secrets-core/http': 13_600,
  '@finchat/secrets-core/sealing': 8_700,
  '@finchat/secrets-core/staging': 16_300,
  '@finchat/secrets-cli': 12_400,
  '@finchat/secrets-otel': 6_500,
  '@finchat/secrets-audit': 37_900,
  '@finchat/secrets-audit/report': 44_000,
  '@finchat/secrets-audit/siem': 5_000,
  '@finchat/secrets-audit/syslog': 5_500,
  '@finchat/secrets-provider-aws-ssm': 13_300,
  '@finchat/secrets-provider-file': 2_900,
  '@finchat/secrets-provider-file/age': 5_200,
  '@finchat/secrets-provider-file/sops': 7_300,
  '@finchat/secrets-provider-kubernetes': 10_100,
}

for (const member of publicPackages(readFiles())) {
  for (const specifier of entriesOf(member)) {
    const entry = `${member.folder}/dist/${specifier.slice(member.manifest.name.length + 1) || 'index'}.js`
    checkSize(specifier, entry)
  }
}

function checkSize(specifier: string, entry: string): void {
  if (!existsSync(join(root, entry))) return fault(`${entry} is not built: pnpm build`)
  const bytes = gzippedSize(entry, (path) => readFileSync(join(root, path), 'utf8'))
  const budget = budgets[specifier]
  console.log(`${specifier}: ${bytes} bytes${budget === undefined ? '' : ` of ${budget}`}`)
  if (budget !== undefined && bytes > budget)
    fault(`${specifier} imports more than its budget: load what only some calls need with import()`)
}

function fault(message: string): void {
  console.error(message)
  process.exitCode = 1
}
