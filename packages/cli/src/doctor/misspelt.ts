import { chainSettings, sections, type Setting } from '../config/settings.ts'
import { nearest } from '../terminal/nearest.ts'
import { type Finding, warn } from './finding.ts'
import type { Parts } from './settings-in-parts.ts'

/** Variables that are a letter or two from a setting that is not set. Their values are not looked at. */
export function misspeltFindings({ env, config: { secrets = {} } }: Parts): readonly Finding[] {
  const known = [chainSettings, ...Object.values(sections)].flatMap((settings) => Object.values(settings).flatMap(variablesOf))
  const unset = known.filter((name) => !env[name])
  const others = Object.keys(env).filter((name) => name.startsWith('FINCHAT_') && !known.includes(name) && !Object.hasOwn(secrets, name))
  return others.flatMap((name) => {
    const meant = nearest(name, unset)
    return meant === undefined ? [] : [warn('variables', `${name} is no setting`, `rename it to ${meant}, if that is meant`)]
  })
}

function variablesOf({ variable, fileVariable }: Setting): readonly string[] {
  return fileVariable === undefined ? [variable] : [variable, fileVariable]
}
