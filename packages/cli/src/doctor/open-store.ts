import { type AuditEvent, type Environment, SecretsError, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import type { AccessRight } from '@finchat/secrets-core/provider'
import { makeManager } from '../config/load-config.ts'
import { sections } from '../config/settings.ts'
import { inWordsOfFile } from '../config/variables.ts'
import { failed, type Finding, ok } from './finding.ts'
import { auditVariables, type Parts, variablesFor } from './settings-in-parts.ts'

/** A provider that some stores' packages extend by a question for rights. */
type ProbedProvider = SecretProvider & {
  readonly checkAccess?: (paths: readonly string[], context: { readonly signal: AbortSignal }) => Promise<readonly AccessRight[]>
}

/** A chain of one provider. */
export interface OpenStore {
  readonly provider: ProbedProvider
  readonly secrets: SecretsManager
  readonly variables: Environment
}

/** What else is known while a store is probed. */
export interface Probing {
  readonly parts: Parts
  /** Undefined if records cannot be written: then no secret is read. */
  readonly audit: Environment | undefined
  readonly actor: string | undefined
  readonly processes: number
  readonly write: boolean
}

const unaudited: Environment = Object.fromEntries(Object.values(sections['audit'] ?? {}).map(({ variable }) => [variable, '']))

/** Makes the provider alone: what is wrong with another one does not matter. */
export async function openStore(name: string, { parts, audit }: Probing): Promise<OpenStore> {
  const variables = { ...(await variablesFor(name, parts)), ...unaudited, ...audit }
  const made: SecretProvider[] = []
  const secrets = await makeManager({ ...parts, variables }, { onMade: (provider) => made.push(provider), isRecorded })
  const [provider] = made
  if (provider === undefined) throw new SecretsError('CONFIGURATION', `there is no provider '${name}'`)
  return { provider, secrets, variables }
}

/** A name that this provider lacks may be another one's: a record of a failed read would be of no use of the application. */
function isRecorded({ operation, code }: AuditEvent): boolean {
  return operation !== 'get' || (code !== 'NOT_FOUND' && code !== 'DELETED')
}

/** Whether accesses can be recorded, by a record of this check. */
export async function probeAudit(
  probing: Omit<Probing, 'audit'>,
): Promise<{ readonly audit: Environment | undefined; readonly finding: Finding }> {
  const { parts, actor } = probing
  try {
    const found = await auditVariables(parts)
    const audit = Object.fromEntries(Object.entries(found).filter(([name]) => name.startsWith('FINCHAT_AUDIT_')))
    if (Object.keys(audit).length === 0) return { audit, finding: ok('audit', 'no audit trail is configured') }
    const { secrets } = await openStore('env', { ...probing, audit })
    try {
      await secrets.checkHealth({ actor })
    } finally {
      await secrets.close()
    }
    return { audit, finding: ok('audit', 'a record was written to the audit trail') }
  } catch (error) {
    return { audit: undefined, finding: failed('audit', error, rewording(parts)) }
  }
}

/** Errors name settings as the configuration file does, if there is one. */
export function rewording({ file }: Parts): ((text: string) => string) | undefined {
  return file === undefined ? undefined : inWordsOfFile
}
