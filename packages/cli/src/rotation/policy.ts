import type { Generate, RotationPolicy, RotationTarget } from '@finchat/secrets-rotation'
import type { SecretFields } from '@finchat/secrets-core'
import { assertAllowed } from '../declared/planned-write.ts'
import type { Config, RotationConfig } from '../config/config.ts'
import { generatorOf } from './generators.ts'
import type { Project, RotationKit } from './project.ts'
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

/** The policies of all secrets that say how old they may become, by the manager's names. */
export async function policiesOf(kit: RotationKit, config: Config, project: Project): Promise<Readonly<Record<string, RotationPolicy>>> {
  const policies = Object.entries(config.rotation ?? {}).flatMap(([key, rotation]) => {
    const { every } = rotation
    return every === undefined ? [] : [{ key, rotation, every }]
  })
  const made = policies.map(async ({ key, rotation, every }) => {
    const rotated = rotatedSecret(key, config)
    const prepared = await prepare(kit, key, rotation, project, allowedBy(rotated, config))
    return [rotated.name, kit.rotationPolicy({ every, ...prepared })] as const
  })
  return Object.fromEntries(await Promise.all(made))
}
