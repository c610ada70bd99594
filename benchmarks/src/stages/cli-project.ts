import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import type { Stage } from '../harness/scenario.ts'

/** A project with a configuration file and a local store of one secret. */
export async function cliStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'finchat-bench-'))
  const [path, key] = [join(folder, '.secrets.db'), generateKey()]
  writeFileSync(join(folder, 'package.json'), '{}')
  writeFileSync(join(folder, 'finchat-secrets.config.json'), '{"provider":"local","local":{"key":{"variable":"BENCH_KEY"}}}')
  const provider = localProvider({ path, key })
  await provider.put('TOKEN', { value: 'v1' }, { signal: new AbortController().signal })
  await provider.close()
  return { setting: { folder, path, key }, end: async () => rmSync(folder, { recursive: true }) }
}
