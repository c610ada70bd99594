import { isValidName, SecretsError } from '@finchat/secrets-core'
import { described, nearest, quoted } from '@finchat/secrets-core/provider'
import type { Config } from './config.ts'
import { generatorKinds, type Kinds, rotationShapes, targetKinds } from './rotation-settings.ts'
import { chainSettings, declarationShapes, isVariableName, providerNames, sections, type Shape } from './settings.ts'

/** Where a value stands in the file, such as `local.path`. */
type Report = (place: string, problem: string) => void
type Members = Readonly<Record<string, unknown>>

/**
 * The configuration that a file holds. Throws one `CONFIGURATION` error that lists every problem,
 * without values: one may be a misplaced secret. `file` names the file in it.
 */
export function parseConfig(content: unknown, file: string): Config {
  const problems: string[] = []
  const own = ownOnly(content)
  checkConfig(own, (place, problem) => problems.push(place === '' ? problem : `${place} ${problem}`))
  if (problems.length === 0) return own as Config // checked
  throw new SecretsError('CONFIGURATION', `${file} cannot be used:${problems.map((problem) => `\n${problem}`).join('')}`, {
    remedy: 'correct the file; an editor shows its members if it begins with "$schema"',
  })
}

/** A copy without prototypes: else a polluted one adds a field to every declaration. What has functions is a target of one's own. */
function ownOnly(content: unknown): unknown {
  if (!isMembers(content) || isOwnTarget(content)) return content
  const members = Object.entries(content).map(([member, value]) => [member, ownOnly(value)] as const)
  return Object.assign(Object.create(null) as object, Object.fromEntries(members))
}

function checkConfig(content: unknown, report: Report): void {
  if (!isMembers(content)) return report('', `it holds ${described(content)}, not an object`)
  const known = ['$schema', ...Object.keys(chainSettings), 'providers', ...Object.keys(sections), 'secrets', 'rotation']
  reportUnknown('', content, known, report)
  if (content['$schema'] !== undefined && typeof content['$schema'] !== 'string') report('$schema', 'must be a text')
  checkProviders(content['providers'], report)
  checkMembers('', content, chainShapes(content['providers']), report)
  for (const [name, settings] of Object.entries(sections)) checkSection(name, content[name], settings, report)
  checkDeclarations(content['secrets'], report)
  checkRotations(content['rotation'], report)
}

function checkProviders(providers: unknown, report: Report): void {
  if (providers === undefined) return
  if (!isMembers(providers)) return report('providers', `is ${described(providers)}, not an object`)
  for (const [name, source] of Object.entries(providers)) {
    if (!isOwnName(name)) report('', `providers: ${quoted(name)} is no name for a provider of your own: use small letters, digits and -`)
    else if (typeof source !== 'function' && !isPackage(source))
      report(`providers.${name}`, 'must be the name of a package, such as "@acme/my-store"')
  }
}

const takenNames: readonly string[] = [...providerNames, 'audit', 'secrets']

function isOwnName(name: string): boolean {
  return /^[a-z][a-z0-9-]*$/.test(name) && !takenNames.includes(name)
}

/** A package of the project, with an entry behind `/`. Never a path: a file must not name code that is no dependency. */
function isPackage(source: unknown): boolean {
  return typeof source === 'string' && /^(@[a-z0-9-][\w.-]*\/)?[a-z0-9][\w.-]*(\/[\w-][\w.-]*)*$/.test(source)
}

/** The chain names providers of ours, and those of `providers`. */
function chainShapes(providers: unknown): Readonly<Record<string, Shape>> {
  const words = [...providerNames, ...(isMembers(providers) ? Object.keys(providers) : [])]
  return { ...chainSettings, provider: { kind: 'choice', words }, fallbacks: { kind: 'list', words } }
}

function checkSection(name: string, content: unknown, shapes: Readonly<Record<string, Shape>>, report: Report): void {
  if (content === undefined) return
  if (!isMembers(content)) return report(name, `is ${described(content)}, not an object`)
  reportUnknown(`${name}.`, content, Object.keys(shapes), report)
  checkMembers(`${name}.`, content, shapes, report)
}

function checkMembers(before: string, content: Members, shapes: Readonly<Record<string, Shape>>, report: Report): void {
  for (const [member, shape] of Object.entries(shapes)) {
    const value = Object.hasOwn(content, member) ? content[member] : undefined
    const problem = value === undefined ? undefined : problemOf(shape, value)
    if (problem !== undefined) report(`${before}${member}`, problem)
  }
}

function reportUnknown(before: string, content: Members, known: readonly string[], report: Report): void {
  for (const member of Object.keys(content).filter((each) => !known.includes(each))) {
    const meant = nearest(member, known)
    report(
      '',
      `${quoted(`${before}${member}`)} is not known: ${meant === undefined ? `use ${known.join(', ')}` : `did you mean ${before}${meant}?`}`,
    )
  }
}

function checkDeclarations(secrets: unknown, report: Report): void {
  if (secrets === undefined) return
  if (!isMembers(secrets)) return report('secrets', `is ${described(secrets)}, not an object`)
  for (const [key, declared] of Object.entries(secrets)) {
    if (!isValidName(key)) report('', `secrets: ${quoted(key)} is not a valid secret name`)
    else if (!isMembers(declared)) report(`secrets.${key}`, `is ${described(declared)}: it describes a secret, and never holds its value`)
    else checkSection(`secrets.${key}`, declared, declarationShapes, report)
  }
}

function checkRotations(rotations: unknown, report: Report): void {
  if (rotations === undefined) return
  if (!isMembers(rotations)) return report('rotation', `is ${described(rotations)}, not an object`)
  for (const [name, rotation] of Object.entries(rotations)) {
    if (!isValidName(name)) report('', `rotation: ${quoted(name)} is not a valid secret name`)
    else if (!isMembers(rotation)) report(`rotation.${name}`, `is ${described(rotation)}, not an object`)
    else checkRotation(`rotation.${name}.`, rotation, report)
  }
}

/** A program may give functions of its own, which JSON cannot hold. */
function checkRotation(before: string, { generate, target, ...rotation }: Members, report: Report): void {
  reportUnknown(before, rotation, [...Object.keys(rotationShapes), 'generate', 'target'], report)
  checkMembers(before, rotation, rotationShapes, report)
  if (typeof generate !== 'function') checkKind(`${before}generate`, generate, generatorKinds, report)
  if (!isOwnTarget(target)) checkKind(`${before}target`, target, targetKinds, report)
}

function checkKind(place: string, content: unknown, kinds: Kinds, report: Report): void {
  if (content === undefined) return
  if (!isMembers(content)) return report(place, `is ${described(content)}, not an object`)
  const { kind, ...members } = content
  const shapes = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (shapes === undefined) return report(`${place}.kind`, `must be ${Object.keys(kinds).join(', ')}`)
  checkSection(place, members, shapes, report)
  for (const [member, { needed }] of Object.entries(shapes))
    if (needed && members[member] === undefined) report(`${place}.${member}`, 'is missing')
}

function isOwnTarget(target: unknown): boolean {
  return isMembers(target) && ['next', 'apply', 'test'].every((member) => typeof target[member] === 'function')
}

/** What is wrong with a value of this shape; `undefined` if nothing is. */
function problemOf(shape: Shape, value: unknown): string | undefined {
  if (shape.kind === 'credential') return credentialProblem(value)
  if (shape.kind === 'choice') return choiceProblem(shape, value)
  if (shape.kind === 'list') return listProblem(shape.words, value)
  return checks[shape.kind](value) ? undefined : `must be ${wanted[shape.kind]}`
}

const wanted = {
  text: 'a text that is not empty',
  path: 'a path',
  switch: 'true or false',
  count: 'a whole number from 0 to 999999999',
  positive: 'a whole number from 1 to 999999999',
  texts: 'a list of texts that are not empty',
  paths: 'an object of names and paths, such as { "TOKEN": "finchat/token#token" }',
}

const checks: { readonly [kind in keyof typeof wanted]: (value: unknown) => boolean } = {
  text: isText,
  path: isText,
  switch: (value) => typeof value === 'boolean',
  count: isCount,
  positive: (value) => isCount(value) && value !== 0,
  texts: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
  paths: (value) => isMembers(value) && Object.entries(value).every(([name, path]) => isMappableName(name) && isMappablePath(path)),
}

function choiceProblem({ words, or }: Shape & { readonly kind: 'choice' }, value: unknown): string | undefined {
  if (words.includes(value as string) || (or !== undefined && checks[or](value))) return undefined // not a word, if it is no text
  return `must be ${[...words, ...(or === undefined ? [] : [wanted[or]])].join(', ')}${meantIn(words, value)}`
}

function listProblem(words: readonly string[], value: unknown): string | undefined {
  if (isListOf(words, value)) return undefined
  const unknown: unknown = Array.isArray(value) ? value.find((each) => !words.includes(each)) : undefined
  return `must be a list of ${words.join(', ')}, each once${meantIn(words, unknown)}`
}

function meantIn(words: readonly string[], value: unknown): string {
  const meant = typeof value === 'string' ? nearest(value, words) : undefined
  return meant === undefined ? '' : `: did you mean ${meant}?`
}

/** The key itself must never stand in the file, which is committed and which many may read. */
function credentialProblem(value: unknown): string | undefined {
  const place = '{ "variable": "NAME" }, { "file": "PATH" } or { "keychain": "NAME" }'
  if (typeof value === 'string') return `holds the secret itself, which many can read there: name its place by ${place}, and renew it`
  if (!isMembers(value)) return `must be ${place}`
  const [[kind, where] = [], ...others] = Object.entries(value)
  const isPlace = kind === 'variable' ? isVariable(where) : (kind === 'file' || kind === 'keychain') && isText(where)
  return isPlace && others.length === 0 ? undefined : `must be ${place}`
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !hasControl(value)
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

function isVariable(value: unknown): boolean {
  return typeof value === 'string' && isVariableName(value)
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 999_999_999
}

function isListOf(words: readonly string[], value: unknown): boolean {
  return Array.isArray(value) && new Set(value).size === value.length && value.every((each) => words.includes(each))
}

/** What the variable's list can hold: entries are separated by commas, and names end at `=`. */
function isMappableName(name: string): boolean {
  return isValidName(name) && !name.includes('=')
}

function isMappablePath(path: unknown): boolean {
  return typeof path === 'string' && /^[^#,\p{Cc}\s]([^#,\p{Cc}]*[^#,\p{Cc}\s])?(#[^,\p{Cc}\s]([^,\p{Cc}]*[^,\p{Cc}\s])?)?$/u.test(path)
}
