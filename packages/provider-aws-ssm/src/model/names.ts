import { invalidArgument } from '@finchat/secrets-core/provider'

/** `PutParameter`, `Name`: 1,011 characters with the ARN before it, which has 44 or more. */
const mostCharacters = 967
/** `PutParameter`, `Name`: "limited to a maximum depth of fifteen levels". */
const mostLevels = 15

/** By the API reference of `PutParameter` and "Requirements and constraints for parameter names". */
const rules: readonly (readonly [isBroken: (name: string) => boolean, rule: string])[] = [
  [(name) => !/^[A-Za-z0-9_./-]+$/.test(name), 'use A-Z a-z 0-9 _ . - and / only'],
  [(name) => name.length > mostCharacters, `use at most ${mostCharacters} characters`],
  [(name) => /^\/?(aws|ssm)/i.test(name), 'begin with neither aws nor ssm, which AWS keeps for itself'],
  [(name) => /^[^/].*\//.test(name), 'begin a name of several levels with /'],
  [(name) => /^\/[^/]*$/.test(name), 'leave out the / before a name of one level: AWS drops it, and knows the name without it only'],
  [(name) => /\/(\/|$)/.test(name), 'leave no level empty'],
  [(name) => name.split('/').length - 1 > mostLevels, `use at most ${mostLevels} levels`],
]

/** `LabelParameterVersion`: 1 to 100 of these, no digit first, and neither aws nor ssm. */
const labelGrammar = /^(?!aws|ssm)[A-Za-z_.-][\w.-]{0,99}$/i
const numberGrammar = /^[1-9]\d{0,15}$/

/** A parameter, and the version or label that the path selects. */
export interface ParameterPath {
  readonly name: string
  /** Of `name:3` or `name:label`; absent for the newest version. */
  readonly selector?: string | undefined
}

function parse(path: unknown): ParameterPath | undefined {
  if (typeof path !== 'string') return undefined
  const [name = '', selector, ...more] = path.split(':')
  return more.length > 0 ? undefined : { name, selector }
}

function brokenRule({ name, selector }: ParameterPath): string | undefined {
  const broken = rules.find(([isBroken]) => isBroken(name))?.[1]
  const isSelector = selector === undefined || labelGrammar.test(selector) || numberGrammar.test(selector)
  return broken ?? (isSelector ? undefined : 'select a version by its number or its label')
}

/** A name, without a version. */
export function canHoldPath(path: unknown): path is string {
  return canReadPath(path) && !path.includes(':')
}

/** `name`, `name:3` or `name:label`. */
export function canReadPath(path: unknown): path is string {
  const parsed = parse(path)
  return parsed !== undefined && brokenRule(parsed) === undefined
}

/** Throws `INVALID_ARGUMENT` with the rule that the path breaks. */
export function parsePath(path: unknown): ParameterPath {
  const parsed = parse(path)
  const rule = parsed === undefined ? 'write name, name:3 or name:label' : brokenRule(parsed)
  if (parsed !== undefined && rule === undefined) return parsed
  throw invalidArgument('the path cannot be held by Parameter Store', rule)
}

/** The name to change. Throws `INVALID_ARGUMENT` for a path that selects a version. */
export function writableName(path: unknown): string {
  const { name, selector } = parsePath(path)
  if (selector === undefined) return name
  throw invalidArgument('the path selects a version, and versions are only read', 'leave out the colon and what follows it')
}

/** The resource of a policy, for an error message. */
export function resourceOf(name: string, region: string): string {
  return `arn:*:ssm:${region}:*:parameter/${name.replace(/^\//, '').replace(/:.*/, '')}`
}
