import { basename, dirname, resolve } from 'node:path'
import type { Environment } from '@finchat/secrets-core'
import { isJsonObject, nearest } from '@finchat/secrets-core/provider'
import type { Config } from '../config/config.ts'
import { findConfig } from '../config/find-config.ts'
import { chainOf, isAudited } from '../config/load-config.ts'
import { parseConfig } from '../config/parse-config.ts'
import { readConfig, readContent } from '../config/read-config.ts'
import { chainSettings, sections, type Setting } from '../config/settings.ts'
import { keychainVariables, nothingMissing, variablesOf, withKeychain } from '../config/variables.ts'
import { refusedPolicies } from '../rotation/policy.ts'
import { counted } from '../terminal/counted.ts'
import { failed, type Finding, ok, warn } from './finding.ts'

/** What is configured, as far as it can be understood. */
export interface Parts {
  readonly file: string | undefined
  readonly config: Config
  readonly folder: string
  readonly env: Environment
  readonly findings: readonly Finding[]
}

/** Reads the configuration; of a wrong one, every member that is right by itself. */
export async function readParts(given: string | undefined, cwd: string, env: Environment): Promise<Parts> {
  const file = given === undefined ? findConfig(resolve(cwd)) : resolve(cwd, given)
  if (file === undefined) {
    const finding = ok('configuration', 'there is no file: FINCHAT_* variables alone configure the chain')
    return { file, config: {}, folder: resolve(cwd), env, findings: [finding] }
  }
  const place = { file, folder: dirname(file), env }
  try {
    return { ...place, config: await readConfig(file), findings: [ok('configuration', `${basename(file)} is valid`)] }
  } catch (error) {
    return { ...place, config: await validMembers(file), findings: [failed('configuration', error)] }
  }
}

async function validMembers(file: string): Promise<Config> {
  const content = await readContent(file).catch(() => undefined)
  return isJsonObject(content) ? Object.fromEntries(Object.entries(content).filter(([member, value]) => isValid({ [member]: value }))) : {}
}

function isValid(content: Readonly<Record<string, unknown>>): boolean {
  try {
    parseConfig(content, 'the file')
    return true
  } catch {
    return false
  }
}

/** The names of the chain's providers: they need no credential. */
export async function chainIn({ config: { provider, fallbacks }, folder, env }: Parts): Promise<readonly string[]> {
  return chainOf(await variablesOf({ provider, fallbacks }, folder, env))
}

/** The variables of one provider alone: what is wrong with another one does not matter. */
export async function variablesFor(name: string, { config, folder, env }: Parts): Promise<Environment> {
  const own = Object.fromEntries(Object.entries(config).filter(([member]) => member === name || member === 'cacheTtl'))
  return { ...(await variablesOf(own, folder, nothingMissing(await withKeychain(withoutOtherEntries(name, env), folder)))), ...alone(name) }
}

/** Keychain entries of other providers are not asked for. */
function withoutOtherEntries(name: string, env: Environment): Environment {
  const own = Object.values(sections[name] ?? {}).map(({ variable }) => variable)
  const others = [...keychainVariables].filter(([variable, naming]) => Object.hasOwn(env, naming) && !own.includes(variable))
  return { ...env, ...Object.fromEntries(others.map(([, naming]) => [naming, undefined])) }
}

export async function auditVariables({ config: { audit }, folder, env }: Parts): Promise<Environment> {
  const variables = await variablesOf({ audit }, folder, env)
  return isAudited(variables) ? variables : {}
}

function alone(name: string): Environment {
  return { FINCHAT_SECRETS_PROVIDER: name, FINCHAT_SECRETS_FALLBACKS: '' }
}

/** Variables that are a letter or two from a setting that is not set. Their values are not looked at. */
export function misspeltFindings({ env, config: { secrets = {} } }: Parts): readonly Finding[] {
  const known = [chainSettings, ...Object.values(sections)].flatMap((settings) => Object.values(settings).flatMap(variablesIn))
  const unset = known.filter((name) => !env[name])
  const others = Object.keys(env).filter((name) => name.startsWith('FINCHAT_') && !known.includes(name) && !Object.hasOwn(secrets, name))
  return others.flatMap((name) => {
    const meant = nearest(name, unset)
    return meant === undefined ? [] : [warn('variables', `${name} is no setting`, `rename it to ${meant}, if that is meant`)]
  })
}

function variablesIn({ variable, fileVariable }: Setting): readonly string[] {
  return fileVariable === undefined ? [variable] : [variable, fileVariable]
}

/** Whether `rotate --due` can use each policy; its targets are not asked. Nothing where the package is not installed. */
export async function rotationFindings({ config, ...project }: Parts): Promise<readonly Finding[]> {
  const refused = await refusedPolicies(config, project)
  if (refused === undefined) return []
  const errors = Object.values(refused)
  if (errors.length > 0) return errors.map((error) => failed('rotation', error))
  const count = Object.values(config.rotation ?? {}).filter(({ every }) => every !== undefined).length
  return [ok('rotation', `${counted(count, 'policy can', 'policies can')} be used`)]
}
