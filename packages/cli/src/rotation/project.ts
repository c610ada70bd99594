import type * as Rotation from '@finchat/secrets-rotation'
import type { Environment } from '@finchat/secrets-core'
import { loadPackage } from '../config/provider-packages.ts'

/** Where packages and credentials are looked for. */
export interface Project {
  readonly folder: string
  /** The environment as it was given. */
  readonly env: Environment
}

export type RotationKit = typeof Rotation

export async function loadRotation({ folder }: Project): Promise<RotationKit> {
  return loadPackage<RotationKit>('@finchat/secrets-rotation', 'rotate', folder)
}
