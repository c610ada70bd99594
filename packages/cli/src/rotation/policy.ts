import type { Generate, RotationPolicy, RotationTarget } from '@finchat/secrets-rotation'
import { type SecretFields, SecretsError } from '@finchat/secrets-core'
import { assertAllowed } from '../declared/planned-write.ts'
import type { Config, RotationConfig } from '../config/config.ts'
import { generatorOf } from './generators.ts'
import { loadRotation, type Project, type RotationKit } from './project.ts'
import { type RotatedSecret, rotatedSecret } from './rotated-secret.ts'
import { targetOf } from './targets.ts'

/** How one secret is rotated, with its packages loaded and its credentials read. */
export interface Prepared {
  readonly target: RotationTarget
  readonly generate: Generate
  readonly graceSeconds: number
  readonly whenUnused: boolean
}

/** `member` is that of `rotation`, for errors. */
export async function prepare(
  kit: RotationKit,
  member: string,
  config: RotationConfig,
  project: Project,
  isAllowed: IsAllowed | undefined,
): Promise<Prepared> {
  const { generate = { kind: 'password' }, target, graceSeconds = 0, whenUnused = false } = config
  const made = await targetOf(kit, target, `rotation.${member}.target`, project)
  return {
    target: isAllowed === undefined ? made : checking(made, isAllowed),
    generate: typeof generate === 'function' ? generate : generatorOf(kit, generate),
    graceSeconds,
    whenUnused,
  }
}

/** Rejects for a new value that must not be written. */
type IsAllowed = (value: string | SecretFields) => Promise<void>

/** Refuses the next value before it is staged. Its members are called as those of the target. */
function checking(target: RotationTarget, isAllowed: IsAllowed): RotationTarget {
  const { retire, sessions, isSameCredential } = target
  return {
    next: async (current, generate) => {
      const value = await target.next(current, generate)
      await isAllowed(value)
      return value
    },
    apply: async (...call) => target.apply(...call),
    test: async (...call) => target.test(...call),
    retire: retire && (async (...call) => Reflect.apply(retire, target, call)),
    sessions: sessions && (async (...call) => Reflect.apply(sessions, target, call)),
    isSameCredential: isSameCredential && ((...call) => Reflect.apply(isSameCredential, target, call)),
  }
}

/** What the declarations allow of a secret that is rotated. */
export function allowedBy({ name, alias }: RotatedSecret, { secrets = {} }: Config): IsAllowed {
  return async (value) => assertAllowed(alias ?? { name }, value, secrets)
}

/** What the configuration says of when secrets are due, by the manager's names. */
export interface DuePolicies {
  readonly policies: Readonly<Record<string, RotationPolicy>>
  /** Why a secret cannot be rotated as it is configured. */
  readonly refused: Readonly<Record<string, SecretsError>>
}

/** The policies of all secrets that say how old they may become. One that cannot be used leaves the others. */
export async function policiesOf(kit: RotationKit, config: Config, project: Project): Promise<DuePolicies> {
  const made = await Promise.all(dueRotations(config).map(async (due) => policyOf(kit, due, config, project)))
  return {
    policies: Object.fromEntries(made.flatMap(({ name, policy }) => (policy === undefined ? [] : [[name, policy]]))),
    refused: Object.fromEntries(made.flatMap(({ name, error }) => (error === undefined ? [] : [[name, error]]))),
  }
}

interface MadePolicy {
  readonly name: string
  readonly policy?: RotationPolicy
  readonly error?: SecretsError
}

async function policyOf(kit: RotationKit, { key, rotation, every }: DueRotation, config: Config, project: Project): Promise<MadePolicy> {
  const rotated = rotatedSecret(key, config)
  const { name } = rotated
  try {
    const prepared = await prepare(kit, key, rotation, project, allowedBy(rotated, config))
    return { name, policy: kit.rotationPolicy({ every, ...prepared }) }
  } catch (error) {
    return { name, error: ofRotation(key, error) }
  }
}

interface DueRotation {
  readonly key: string
  readonly rotation: RotationConfig
  readonly every: string
}

/** Those that `rotate --due` takes. */
function dueRotations({ rotation: rotations = {} }: Config): readonly DueRotation[] {
  return Object.entries(rotations).flatMap(([key, rotation]) => {
    const { every } = rotation
    return every === undefined ? [] : [{ key, rotation, every }]
  })
}

/** Names the member of the configuration. */
function ofRotation(key: string, error: unknown): SecretsError {
  if (!SecretsError.isInstance(error)) throw error
  const place = `rotation.${key}`
  if (error.problem.includes(place)) return error
  return new SecretsError(error.code, `${place}: ${error.problem}`, { remedy: error.remedy })
}

/**
 * Why `rotate --due` will refuse secrets, by the manager's names; `undefined` if nothing is due by the
 * configuration, or the package is not installed here. A target is not made: its credentials may be on
 * the rotator alone.
 */
export async function refusedPolicies(config: Config, project: Project): Promise<DuePolicies['refused'] | undefined> {
  const due = dueRotations(config).map(({ key, rotation }) => [key, { ...rotation, target: undefined }] as const)
  if (due.length === 0) return undefined
  const kit = await loadRotation(project).catch(() => undefined)
  return kit && (await policiesOf(kit, { ...config, rotation: Object.fromEntries(due) }, project)).refused
}
