import { resolve } from 'node:path'
import type { Settings } from './load-config.ts'
import { sections } from './settings.ts'

/** The files that the configuration or a variable gives to keys, tokens and passwords, by their whole path. */
export function credentialFiles({ config, env, folder }: Pick<Settings, 'config' | 'env' | 'folder'>): ReadonlySet<string> {
  const credentials = Object.entries(sections).flatMap(([section, members]) =>
    Object.entries(members).flatMap(([member, setting]) => (setting.kind === 'credential' ? [{ section, member, ...setting }] : [])),
  )
  const named = credentials.flatMap(({ section, member }) => fileIn(Reflect.get(Object(Reflect.get(config, section)), member), folder))
  const inVariables = credentials.flatMap(({ fileVariable = '' }) => (env[fileVariable] ? [resolve(env[fileVariable])] : []))
  const ofRotation = Object.values(config.rotation ?? {}).flatMap(({ target }) => fileIn(Reflect.get(Object(target), 'password'), folder))
  return new Set([...named, ...inVariables, ...ofRotation])
}

/** Relative to the configuration file; what a variable names is relative to where the program is. */
function fileIn(source: unknown, folder: string): string[] {
  const file: unknown = Reflect.get(Object(source), 'file')
  return typeof file === 'string' && file !== '' ? [resolve(folder, file)] : []
}
