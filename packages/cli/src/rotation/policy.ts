import type { Generate, RotationPolicy, RotationTarget } from '@finchat/secrets-rotation'
import type { Config, RotationConfig } from '../config/config.ts'
import { generatorOf } from './generators.ts'
import type { Project, RotationKit } from './project.ts'
import { rotatedSecret } from './rotated-secret.ts'
import { targetOf } from './targets.ts'

/** How one secret is rotated, with its packages loaded and its credentials read. */
export interface Prepared {
  readonly target: RotationTarget
  readonly generate: Generate
  readonly graceSeconds: number
  readonly whenUnused: boolean
}

/** `name` is the member of `rotation`, for errors. */
export async function prepare(kit: RotationKit, name: string, config: RotationConfig, project: Project): Promise<Prepared> {
  const { generate = { kind: 'password' }, target, graceSeconds = 0, whenUnused = false } = config
  return {
    target: await targetOf(kit, target, `rotation.${name}.target`, project),
    generate: typeof generate === 'function' ? generate : generatorOf(kit, generate),
    graceSeconds,
    whenUnused,
  }
}

/** The policies of all secrets that say how old they may become, by the manager's names. */
export async function policiesOf(kit: RotationKit, config: Config, project: Project): Promise<Readonly<Record<string, RotationPolicy>>> {
  const policies = Object.entries(config.rotation ?? {}).flatMap(([key, rotation]) => {
    const { every } = rotation
    return every === undefined ? [] : [{ key, rotation, every }]
  })
  const made = policies.map(async ({ key, rotation, every }) => {
    const { name } = rotatedSecret(key, config)
    return [name, kit.rotationPolicy({ every, ...(await prepare(kit, key, rotation, project)) })] as const
  })
  return Object.fromEntries(await Promise.all(made))
}
