import { accessSync, constants, statSync, type Stats } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Environment } from '@finchat/secrets-core'
import { credentialFiles } from '../config/credential-files.ts'
import { isTemplate } from '../files/env-file.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { type Finding, notChecked, ok, warn } from './finding.ts'
import { gitIn } from './git.ts'
import type { Parts } from './settings-in-parts.ts'

const [writableByOthers, openToOthers] = [0o022, 0o077]

/** A file or folder that matters, and what nobody else may do with it. */
interface Guarded {
  readonly check: string
  readonly path: string
  readonly mask: number
  /** Why. */
  readonly reason: string
  readonly mode: string
}

/** Modes, owners and git of what configures the chain or holds a key. */
export async function probeFiles(parts: Parts): Promise<readonly Finding[]> {
  const credentials = [...credentialFiles(parts), ...namesFile(parts)]
  const modes = process.platform === 'win32' ? [notChecked('file modes', 'Windows has none')] : modeFindings(parts, credentials)
  return [...modes, ...(await gitFindings(parts, credentials))]
}

function modeFindings(parts: Parts, credentials: readonly string[]): readonly Finding[] {
  const guarded = [...configFile(parts), ...credentials.map(credential), ...stores(parts)]
  return guarded.flatMap((each) => modeFinding(each, statOf(each.path)))
}

function configFile({ file }: Parts): readonly Guarded[] {
  if (file === undefined) return []
  const reason = 'decides where tokens are sent'
  return [{ check: 'configuration file', path: file, mask: writableByOthers, reason, mode: 'go-w' }]
}

function credential(path: string): Guarded {
  return { check: 'key file', path, mask: openToOthers, reason: 'holds a key or a token', mode: '600' }
}

/** The local store and the audit trail, whose folders are made by us. */
function stores({ config: { local, audit }, folder, env }: Parts): readonly Guarded[] {
  const { FINCHAT_LOCAL_PATH: storePath, FINCHAT_AUDIT_FOLDER: auditFolder } = env
  const store = storePath ? whereWeAre(storePath) : local?.path || '.secrets.db'
  const trail = auditFolder ? whereWeAre(auditFolder) : audit?.folder
  const reasons = { store: 'holds the encrypted secrets', trail: 'holds the audit trail' }
  return [
    ...guardedAt('store file', store, folder, reasons.store, '600'),
    ...guardedAt('audit folder', trail, folder, reasons.trail, '700'),
  ]
}

/** The keys of sealed names, with the names: in git, or in a copy that others have, a name could not be erased. */
function namesFile({ config: { audit }, folder, env: { FINCHAT_AUDIT_SEAL_NAMES: given } }: Parts): readonly string[] {
  if (given) return [resolve(given)]
  return audit?.sealNames === undefined ? [] : [resolve(folder, audit.sealNames)]
}

/** What a variable names is not relative to the configuration file. */
function whereWeAre(path: string): string {
  return path === ':memory:' ? path : resolve(path)
}

function guardedAt(check: string, path: string | undefined, folder: string, reason: string, mode: string): readonly Guarded[] {
  if (path === undefined || path === ':memory:') return []
  return [{ check, path: resolve(folder, path), mask: openToOthers, reason, mode }]
}

/** Undefined too if its folder may not be entered. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function modeFinding({ check, path, mask, reason, mode }: Guarded, stats: Stats | undefined): readonly Finding[] {
  if (stats === undefined) return [] // its provider says so, if it must be there
  const name = basename(path)
  const shown = (stats.mode & 0o777).toString(8).padStart(3, '0')
  if ((stats.mode & mask) !== 0)
    return [
      warn(
        check,
        `${name} ${reason}, and its mode is ${shown}: others can ${verbOf(stats.mode & mask)} it`,
        `chmod ${mode} ${shellWord(name)}`,
      ),
    ]
  const own = process.getuid?.()
  if (stats.uid !== own && stats.uid !== 0 && own !== 0)
    return [warn(check, `${name} ${reason}, and belongs to another user`, 'have its owner changed to this user')]
  return [ok(check, `${name} has mode ${shown}`)]
}

function verbOf(mode: number): string {
  if ((mode & writableByOthers) !== 0) return 'write'
  return (mode & 0o044) === 0 ? 'enter' : 'read'
}

async function gitFindings({ folder, env }: Parts, credentials: readonly string[]): Promise<readonly Finding[]> {
  const git = gitIn(folder, env)
  const found = await Promise.all(credentials.map(async (path) => keyInGit(relative(folder, path) || basename(path), path, env)))
  const dotenv = (await git.tracked('.env*')).filter((name) => !isTemplate(name))
  return [
    ...found.flat(),
    ...dotenv.map((name) =>
      warn(
        '.env',
        `git tracks ${name}: its content is in the history`,
        `git rm --cached ${shellWord(name)}, ignore it, and renew its secrets`,
      ),
    ),
  ]
}

/** A tracked file is not ignored, whatever .gitignore says. */
async function keyInGit(name: string, path: string, env: Environment): Promise<readonly Finding[]> {
  const git = gitIn(dirname(path), env)
  const holds = 'which holds a key or a token'
  if ((await git.tracked(basename(path))).length > 0)
    return [
      warn(
        'key file',
        `git tracks ${name}, ${holds}: its history has it`,
        `git rm --cached ${shellWord(name)}, add it to .gitignore, and renew what it holds`,
      ),
    ]
  return (await git.takes(path)) ? [warn('key file', `git does not ignore ${name}, ${holds}`, `add ${name} to .gitignore`)] : []
}

/** Whether the local store could be written: its file, or the folder it will be made in. */
export function writingOf(path: string): Finding {
  const place = statOf(path) === undefined ? dirname(path) : path
  const check = 'write access'
  if (path === ':memory:') return ok(check, 'the store is in memory, and ends with the process')
  try {
    accessSync(place, constants.W_OK)
    accessSync(dirname(path), constants.W_OK) // SQLite makes its journal beside the file
    return ok(check, 'allowed: write, rotate, tags, delete, restore')
  } catch {
    return warn(
      check,
      `not allowed: this user cannot write ${place === path ? basename(path) : 'the folder of the store'}`,
      remedyOf(place),
    )
  }
}

function remedyOf(place: string): string {
  return `if this process writes secrets, let its user write ${join(basename(dirname(place)), basename(place))}`
}
