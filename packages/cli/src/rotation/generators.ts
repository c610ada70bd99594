import type { Generate } from '@finchat/secrets-rotation'
import type { GeneratorConfig } from '../config/config.ts'
import type { RotationKit } from './project.ts'

/** What makes the new value. Throws `CONFIGURATION` for options that make no sense. */
export function generatorOf(kit: RotationKit, config: GeneratorConfig): Generate {
  if (config.kind === 'uuid') return kit.uuidGenerator()
  if (config.kind === 'token') return kit.tokenGenerator(withoutKind(config))
  return config.kind === 'password' ? kit.passwordGenerator(withoutKind(config)) : kit.keyPairGenerator(withoutKind(config))
}

export function withoutKind<Section extends { readonly kind: string }>(section: Section): Omit<Section, 'kind'> {
  return Object.fromEntries(Object.entries(section).filter(([member]) => member !== 'kind')) as Omit<Section, 'kind'> // all its others
}
