import type { Generate, RotationPolicy, RotationTarget } from '@finchat/secrets-rotation'
import type { RotationConfig } from '../config/config.ts'
import { generatorOf } from './generators.ts'
import type { Project, RotationKit } from './project.ts'
import { targetOf } from './targets.ts'

/** How one secret is rotated, with its packages loaded and its credentials read. */
export interface Prepared {
  readonly target: RotationTarget
  readonly generate: Generate
  readonly graceSeconds: number
  readonly whenUnused: boolean
}

export async function prepare(kit: RotationKit, name: string, config: RotationConfig, project: Project): Promise<Prepared> {
  const { generate = { kind: 'password' }, target, graceSeconds = 0, whenUnused = false } = config
  return {
    target: await targetOf(kit, target, `rotation.${name}.target`, project),
    generate: typeof generate === 'function' ? generate : generatorOf(kit, generate),
    graceSeconds,
    whenUnused,
  }
}

/** The policies of all secrets that say how old they may become. */
export async function policiesOf(
  kit: RotationKit,
  rotation: Readonly<Record<string, RotationConfig>>,
  project: Project,
): Promise<Readonly<Record<string, RotationPolicy>>> {
  const policies = Object.entries(rotation).flatMap(([name, config]) => {
    const { every } = config
    return every === undefined ? [] : [policyOf(kit, name, config, every, project)]
  })
  return Object.fromEntries(await Promise.all(policies))
}

async function policyOf(
  kit: RotationKit,
  name: string,
  config: RotationConfig,
  every: string,
  project: Project,
): Promise<readonly [string, RotationPolicy]> {
  return [name, kit.rotationPolicy({ every, ...(await prepare(kit, name, config, project)) })]
}
