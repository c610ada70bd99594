import { type AuditFromEnv, type ProviderFromEnv, type SecretsError } from '@finchat/secrets-core'
import { configurationError, loadOnUse, type ProviderManifest } from '@finchat/secrets-core/provider'
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

/** The package of this provider; `undefined` for one that needs none, or is not ours. */
export function packageOf(name: string): string | undefined {
  return Object.hasOwn(entries, name) ? sourceOf(name).name : undefined
}

function sourceOf(name: string): Source {
  const entry = prefix + entries[name as keyof typeof entries] // chosen by its own keys
  return { entry, name: packageOfEntry(entry) }
}

function packageOfEntry(entry: string): string {
  return entry
    .split('/')
    .slice(0, entry.startsWith('@') ? 2 : 1)
    .join('/')
}

/** `undefined` if the package is not installed. */
async function loadFactory(name: string, folder: string): Promise<unknown> {
  const factory = `${name}FromEnv`
  return (await loadOfProject(sourceOf(name), factory, folder))?.[factory]
}

/** What the store of a provider can hold; `undefined` if its package does not say. */
export async function loadManifest(name: string, folder: string): Promise<ProviderManifest | undefined> {
  if (!Object.hasOwn(entries, name)) return undefined
  const member = `${name}Manifest`
  return (await loadOfProject(sourceOf(name), member, folder).catch(() => undefined))?.[member] as ProviderManifest | undefined // its package's
}

/** Loads a package that a command needs. Throws `CONFIGURATION` with the command that installs it. */
export async function loadPackage<Module extends object = Exports>(
  entry: string,
  member: keyof Module & string,
  folder: string,
): Promise<Module> {
  const name = packageOfEntry(entry)
  const module = await loadOfProject({ entry, name }, member, folder)
  if (module !== undefined) return module as Module // by its name it is that package
  throw configurationError(`this needs ${name}, which is not installed`, `run: ${installCommand([name], folder)}`)
}

async function loadOfProject({ entry, name }: Source, member: string, folder: string): Promise<Exports | undefined> {
  const loaded = { what: name, name }
  return loadOnUse(
    loaded,
    async (): Promise<Exports> => (inProject(entry, folder)?.() as Exports | undefined) ?? import(entry),
    member,
  ).catch(unlessMissing)
}

function unlessMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined
  throw error
}

type Exports = Readonly<Record<string, unknown>>
