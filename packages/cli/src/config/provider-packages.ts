import { type AuditFromEnv, type ProviderFromEnv, type SecretsError } from '@finchat/secrets-core'
import { configurationError, loadOnUse } from '@finchat/secrets-core/provider'
import type { ProviderName } from './config.ts'
import { installCommand } from './install-command.ts'
import { inProject, isMissing } from './project-package.ts'

/** Where the factory of a provider, or of the audit trail, is: an entry, and its package. */
interface Source {
  readonly entry: string
  readonly name: string
}

const prefix = '@finchat/secrets-'
const entries: Readonly<Record<Exclude<ProviderName, 'env'> | 'audit', string>> = {
  local: 'provider-local',
  aws: 'provider-aws',
  ssm: 'provider-aws-ssm',
  vault: 'provider-vault',
  kubernetes: 'provider-kubernetes',
  mounted: 'provider-file',
  age: 'provider-file/age',
  sops: 'provider-file/sops',
  audit: 'audit',
}

/** Factories by the name of their provider; `audit` makes the trail. */
export interface Factories {
  readonly providers: Readonly<Record<string, ProviderFromEnv>>
  readonly audit: AuditFromEnv | undefined
}

/**
 * Loads the packages of these providers, and no other: first those of the project in `folder`, then
 * those installed beside this program. Throws `CONFIGURATION` with the command that installs what is
 * missing. An unknown name is left to the manager, which knows what a variable may name.
 */
export async function loadFactories(names: readonly string[], hasAudit: boolean, folder: string): Promise<Factories> {
  const wanted = [...new Set([...names, ...(hasAudit ? ['audit'] : [])])].filter((name) => name !== 'env' && Object.hasOwn(entries, name))
  const loaded = await Promise.all(wanted.map(async (name) => [name, await loadFactory(name, folder)] as const))
  const missing = loaded.flatMap(([name, factory]) => (factory === undefined ? [name] : []))
  if (missing.length > 0) throw notInstalled(missing, folder)
  const { audit, ...providers } = Object.fromEntries(loaded) as Record<string, ProviderFromEnv> // functions of their packages
  return { providers, audit: audit as AuditFromEnv | undefined }
}

function notInstalled(names: readonly string[], folder: string): SecretsError {
  const packages = [...new Set(names.map((name) => sourceOf(name).name))]
  const them = names.length === 1 ? 'its package is not installed' : 'their packages are not installed'
  return configurationError(`the configuration names ${names.join(', ')}, but ${them}`, `run: ${installCommand(packages, folder)}`)
}

/** The package of a provider; `undefined` for `env`, which needs none. */
export function packageOf(name: ProviderName): string | undefined {
  return name === 'env' ? undefined : sourceOf(name).name
}

function sourceOf(name: string): Source {
  const entry = prefix + entries[name as keyof typeof entries] // chosen by its own keys
  return { entry, name: entry.split('/').slice(0, 2).join('/') }
}

/** `undefined` if the package is not installed. */
async function loadFactory(name: string, folder: string): Promise<unknown> {
  const { entry, name: packageName } = sourceOf(name)
  const factory = `${name}FromEnv`
  const loaded = { what: packageName, name: packageName }
  const module = await loadOnUse(
    loaded,
    async (): Promise<Exports> => (inProject(entry, folder)?.() as Exports | undefined) ?? import(entry),
    factory,
  ).catch(unlessMissing)
  return module?.[factory]
}

function unlessMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined
  throw error
}

type Exports = Readonly<Record<string, unknown>>
