import type { Environment } from '@finchat/secrets-core'
import { assertInChain } from '../config/load-config.ts'
import { probeFiles } from './files.ts'
import type { Section } from './finding.ts'
import { type Probing, probeAudit } from './open-store.ts'
import { probeStore } from './probe-store.ts'
import { chainIn, misspeltFindings, type Parts, readParts, rotationFindings } from './settings-in-parts.ts'
import { nodeFinding, packagesFinding, peerFindings } from './versions.ts'

/** What to diagnose. */
export interface Diagnosis extends Pick<Probing, 'actor' | 'processes' | 'write'> {
  readonly config: string | undefined
  readonly provider: string | undefined
  readonly cwd: string
  readonly env: Environment
  /** Told before anything is asked, and the secret that `write` writes. */
  readonly begin: (chain: readonly string[]) => void
  readonly probeName: string
}

/** Checks the machine, then all providers at once. It rejects for nothing but a wrong call. */
export async function diagnose({ config, provider, cwd, env, begin, probeName, ...rest }: Diagnosis): Promise<readonly Section[]> {
  const parts = await readParts(config, cwd, env)
  const chain = await chainIn(parts)
  assertInChain(provider, chain)
  const asked = provider === undefined ? chain : [provider]
  begin(asked)
  const files = await probeFiles(parts) // before a provider mends the mode of its file
  const { audit, finding } = await probeAudit({ parts, ...rest })
  const rotations = await rotationFindings(parts)
  const stores = await Promise.all(asked.map((name) => probeStore(name, { parts, audit, ...rest }, probeName)))
  return [
    {
      name: 'machine',
      findings: [...versions(asked, parts), ...parts.findings, ...misspeltFindings(parts), ...files, finding, ...rotations],
    },
    ...stores,
  ]
}

function versions(chain: readonly string[], { folder }: Parts): Section['findings'] {
  const node = nodeFinding(process.versions.node, new Date())
  return [node, packagesFinding(chain, folder), ...peerFindings(chain, folder)]
}
