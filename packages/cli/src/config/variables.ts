import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Environment, SecretsError } from '@finchat/secrets-core'
import { loadOnUse, readCredential } from '@finchat/secrets-core/provider'
import type { KeyedStore } from '../files/key-file.ts'
import type { Config, CredentialSource } from './config.ts'
import { chainSettings, sections, type Setting } from './settings.ts'

/** A setting of the file, by the name that a person finds there. */
interface GivenSetting {
  readonly place: string
  readonly setting: Setting
  readonly value: unknown
}

/** The environment with what the file says. */
export interface FoundVariables {
  readonly variables: Environment
  /** Why a section's credential cannot be had, by the section. It matters where the section is used. */
  readonly missing: ReadonlyMap<string, unknown>
}

/**
 * The variables that say what the file says, over which those of the environment go. So there is one
 * way to a manager, and a deployment can override the file.
 */
export async function readVariables(config: Config, folder: string, env: Environment): Promise<FoundVariables> {
  const given = givenSettings(config).filter(({ setting }) => !isSet(env, setting))
  const missing = new Map<string, unknown>()
  const texts = given.map(async (each): Promise<[string, string][]> => {
    try {
      return [[variableOf(each), await textOf(each, { folder, env, config })]]
    } catch (error) {
      missing.set(sectionOf(each.place), error)
      return []
    }
  })
  return { variables: { ...env, ...Object.fromEntries((await Promise.all(texts)).flat()) }, missing }
}

function sectionOf(place: string): string {
  return place.slice(0, place.indexOf('.'))
}

/** As `readVariables`, for sections that are all used: a credential that cannot be had is thrown. */
export async function variablesOf(config: Config, folder: string, env: Environment): Promise<Environment> {
  return nothingMissing(await readVariables(config, folder, env))
}

/** Throws the first credential that cannot be had. */
export function nothingMissing({ variables, missing }: FoundVariables): Environment {
  for (const error of missing.values()) throw error
  return variables
}

const inKeychain = '_KEYCHAIN'

/** The variables that name a keychain entry, such as `FINCHAT_ENCRYPTION_KEY_KEYCHAIN`, by the one whose value it holds. */
export const keychainVariables: ReadonlyMap<string, string> = new Map(
  Object.values(sections)
    .flatMap((settings) => Object.values(settings))
    .filter(({ kind }) => kind === 'credential')
    .map(({ variable }) => [variable, variable + inKeychain]),
)

/** The environment with what its keychain entries hold, without the variables that name them. A variable that is set goes first. */
export async function withKeychain(env: Environment, folder: string): Promise<FoundVariables> {
  const found = [...keychainVariables].filter(([, naming]) => Object.hasOwn(env, naming))
  const missing = new Map<string, unknown>()
  const noText = (variable: string, error: unknown): undefined => void missing.set(sectionOfVariable(variable), error)
  const read = found.map(async ([variable, naming]): Promise<[string, string | undefined][]> => {
    const entry = env[naming]
    const ofEntry =
      entry && !env[variable] ? await keychainText(entry, variable, folder).catch((error) => noText(variable, error)) : undefined
    return [
      [variable, ofEntry ?? env[variable]],
      [naming, undefined],
    ]
  })
  return { variables: found.length === 0 ? env : { ...env, ...Object.fromEntries((await Promise.all(read)).flat()) }, missing }
}

function sectionOfVariable(variable: string): string {
  const found = Object.entries(sections).find(([, settings]) => Object.values(settings).some((each) => each.variable === variable))
  return found?.[0] ?? ''
}

async function keychainText(entry: string, what: string, folder: string): Promise<string> {
  const own = { what: 'the reading of keychains', name: '@finchat/secrets-cli' }
  const { readKeychain } = await loadOnUse(own, () => import('./keychain.ts'), 'readKeychain')
  return readKeychain(entry, what, folder)
}

/** An empty list of fallbacks means that there are none; any other empty variable is not set. */
function isSet(env: Environment, { variable, fileVariable, kind }: Setting): boolean {
  const has = (name: string): boolean => Object.hasOwn(env, name) && (Boolean(env[name]) || (kind === 'list' && env[name] !== undefined))
  return has(variable) || (fileVariable !== undefined && has(fileVariable))
}

function givenSettings(config: Config): GivenSetting[] {
  const members = Object.entries(sections).flatMap(([section, settings]) => settingsIn(`${section}.`, settings, memberOf(config, section)))
  return [...settingsIn('', chainSettings, config), ...members]
}

function settingsIn(before: string, settings: Readonly<Record<string, Setting>>, content: unknown): GivenSetting[] {
  const all = Object.entries(settings).map(([member, setting]) => ({
    place: before + member,
    setting,
    value: memberOf(content, member) ?? defaultOf(setting),
  }))
  return all.filter(({ value }) => value !== undefined)
}

function defaultOf(setting: Setting): string | undefined {
  return setting.kind === 'path' ? setting.default : undefined
}

function memberOf(content: unknown, member: string): unknown {
  return typeof content === 'object' && content !== null && Object.hasOwn(content, member) ? Reflect.get(content, member) : undefined
}

function variableOf({ setting, value }: GivenSetting): string {
  const isFile = setting.fileVariable !== undefined && memberOf(value, 'file') !== undefined
  return isFile ? setting.fileVariable : setting.variable
}

/** Where a text of the file is understood. */
interface Context {
  readonly folder: string
  readonly env: Environment
  readonly config: Config
}

async function textOf({ place, setting, value }: GivenSetting, context: Context): Promise<string> {
  const { folder } = context
  if (setting.kind === 'credential') return credentialOf(place, setting, value as CredentialSource, context) // checked
  if (setting.kind === 'paths')
    return Object.entries(value as Record<string, string>)
      .map((entry) => entry.join('='))
      .join(',') // checked
  if (setting.kind === 'path' && value !== setting.except) return resolve(folder, String(value))
  return String(value) // a list is joined by commas
}

async function credentialOf(place: string, setting: Setting, source: CredentialSource, { folder, env, config }: Context): Promise<string> {
  if (!('file' in source) || setting.fileVariable === undefined) return readSource(place, source, folder, env)
  const file = resolve(folder, source.file)
  // The keys of the local store are read once, from the start. Other providers wait for what an agent writes.
  if (sectionOf(place) === 'local' && !canRead(file)) {
    const { assertKeyFile } = await loadOnUse(ownPart, () => import('../files/key-file.ts'), 'assertKeyFile')
    assertKeyFile(place, { name: source.file, folder }, keyedStore(config, folder))
  }
  return file
}

const ownPart = { what: 'the check of a file', name: '@finchat/secrets-cli' }

function canRead(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function keyedStore({ local, fallbacks = [] }: Config, folder: string): KeyedStore {
  return { path: resolve(folder, local?.path ?? '.secrets.db'), isFallback: fallbacks.includes('local') }
}

/** The key, token or password that a source names. */
export async function readSource(place: string, source: CredentialSource, folder: string, env: Environment): Promise<string> {
  if ('keychain' in source) return keychainText(source.keychain, place, folder)
  if ('file' in source) {
    const file = resolve(folder, source.file)
    if (!canRead(file)) {
      const { assertCredentialFile } = await loadOnUse(ownPart, () => import('../files/credential-file.ts'), 'assertCredentialFile')
      assertCredentialFile(place, { name: source.file, folder }, 'mount it, or correct its path')
    }
    return readCredential({ file }, place, new AbortController().signal)
  }
  const text = Object.hasOwn(env, source.variable) ? env[source.variable] : undefined
  if (text) return text
  throw new SecretsError('CREDENTIALS_MISSING', `${place} is in the variable ${source.variable}, which is not set`, {
    remedy: `set ${source.variable}, or name another place for ${place}`,
  })
}

/** Holds the key that verifies an audit trail, and could forge it. */
export const auditorKeyVariable = 'FINCHAT_AUDITOR_KEY'

/** Variables that hold the credentials of stores, of trails and of what is rotated, by the table of settings and by the file. */
export function credentialVariables(config: Config): ReadonlySet<string> {
  const known = Object.values(sections).flatMap((settings) => Object.values(settings).filter(({ kind }) => kind === 'credential'))
  const named = givenSettings(config).flatMap(({ setting: { kind }, value }) => {
    return kind === 'credential' ? variableIn(value) : []
  })
  const ofTargets = Object.values(config.rotation ?? {}).flatMap(({ target = {} }) => Object.values(target).flatMap(variableIn))
  return new Set([...known.map(({ variable }) => variable), auditorKeyVariable, ...named, ...ofTargets])
}

/** The variable that a source names, such as `{ "variable": "APP_KEY" }`. */
function variableIn(source: unknown): string[] {
  const variable = memberOf(source, 'variable')
  return typeof variable === 'string' ? [variable] : []
}

/**
 * Puts what the file calls a setting before its variable, unless the text calls it so already.
 * `VARIABLE=value` stays, for that is typed in a shell.
 */
export function inWordsOfFile(text: string): string {
  const places = Object.entries({ '': chainSettings, ...sections }).flatMap(([section, settings]) =>
    Object.entries(settings).map(([member, { variable }]) => ({ place: section === '' ? member : `${section}.${member}`, variable })),
  )
  return places.reduce((shown, { place, variable }) => {
    if (place.includes('.') && namesPlace(text, place)) return shown
    return shown.replaceAll(new RegExp(`(?<![\\w(])${variable}(_FILE)?(?![\\w=])`, 'g'), (named) => `${place} (${named})`)
  }, text)
}

function namesPlace(text: string, place: string): boolean {
  return new RegExp(`(?<![\\w.])${place.replace('.', String.raw`\.`)}(?![\\w.])`).test(text)
}
