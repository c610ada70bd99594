import { resolve } from 'node:path'
import {
  configurationError,
  invalidArgument,
  type MembersOf,
  type NamesOptions,
  type ProviderManifest,
} from '@finchat/secrets-core/provider'

/** Options of every provider of this package. */
export interface FileOptions extends NamesOptions {
  /** The provider's name in errors, audit events and health. */
  readonly name?: string | undefined
  /**
   * The text that all processes with these secrets have in common, such as `payments`. Over a shared
   * cache they learn each other's former values by digests, for `acceptPreviousForSeconds`.
   */
  readonly graceSharedAs?: string | undefined
}

export const fileMembers: MembersOf<FileOptions> = {
  name: 'string',
  graceSharedAs: 'string',
  names: 'any',
  prefix: 'any',
  onlyNamed: 'boolean',
}

/** Absolute, unaffected by a change of the working folder. */
export function pathOption(option: string, path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return resolve(path)
  throw configurationError(`\`${option}\` is not a path`, 'give a path as text, by fileURLToPath where it is a URL')
}

/** Throws `INVALID_ARGUMENT` before any file is touched. */
export function assertHolds({ canHoldPath }: ProviderManifest, path: string): void {
  if (!canHoldPath(path))
    throw invalidArgument(
      'no file can hold this path',
      'use a relative path without `.`, `..` and empty segments; in a SOPS file, without a colon, too',
    )
}
