import type { FileHandle } from 'node:fs/promises'

import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { throwIfAborted } from '../guard/deadline.ts'
import { copyOutsideHeap } from '../value/off-heap-bytes.ts'
import { type FileFailure, fileFailure, systemCode } from './file-failure.ts'

/**
 * The most bytes in a secret's file; Kubernetes and AWS have similar limits.
 *
 * @example
 * import { maxSecretFileBytes } from '@finchat/secrets-core/provider'
 *
 * console.log(maxSecretFileBytes) // 65536
 */
export const maxSecretFileBytes = 65_536

/**
 * Returns the content of a regular file, every newline kept: text if it is valid UTF-8, else bytes.
 * `undefined` if it does not exist. Rejects with `CONFIGURATION` for a FIFO, a device or more than
 * 64 KiB, with `PERMISSION_DENIED` if unreadable. `subject` names the file in errors: the path may
 * hold a secret by mistake.
 *
 * @example
 * import { readSecretFile } from '@finchat/secrets-core/provider'
 *
 * const { signal } = new AbortController()
 * console.log(await readSecretFile('/no/such/file', 'the token file', signal)) // undefined
 */
export function readSecretFile(path: string, subject: string, signal: AbortSignal): Promise<string | Uint8Array | undefined> {
  return withSecretFile(path, subject, signal, readWhole)
}

/**
 * Opens the file as `readSecretFile` does, for one use of it, and closes it. `undefined` if it does
 * not exist.
 *
 * @example
 * import { identify, withSecretFile } from '@finchat/secrets-core/provider'
 *
 * const { signal } = new AbortController()
 * console.log(await withSecretFile('/no/such/file', 'the token file', signal, identify)) // undefined
 */
export async function withSecretFile<T>(
  path: string,
  subject: string,
  signal: AbortSignal,
  use: (handle: FileHandle, subject: string) => Promise<T>,
): Promise<T | undefined> {
  const attempt = (): Promise<{ readonly answer: T } | undefined> =>
    unlessMissing(subject, async () => ({ answer: await usedOnce(path, subject, signal, use) }))
  // Twice, since kubelet may swap the volume between finding the file and opening it.
  const found = (await attempt()) ?? (await attempt())
  return found?.answer
}

async function usedOnce<T>(path: string, subject: string, signal: AbortSignal, use: Parameters<typeof withSecretFile<T>>[3]): Promise<T> {
  throwIfAborted(signal)
  const { constants, promises } = process.getBuiltinModule('node:fs')
  // Without O_NONBLOCK, opening a FIFO waits for its writer for ever and blocks one of Node's
  // four file threads. Windows has no such flag.
  const handle = await promises.open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    if (!(await handle.stat()).isFile()) throw notRegular(subject)
    throwIfAborted(signal)
    return await use(handle, subject)
  } finally {
    await handle.close()
  }
}

export async function readWhole(
  handle: { read: (into: Uint8Array, at: number, length: number, position: null) => Promise<{ bytesRead: number }> },
  subject: string,
  maxBytes: number = maxSecretFileBytes,
): Promise<string | Uint8Array> {
  // One byte more reveals a file that is too large, whatever its reported size.
  const buffer = new Uint8Array(maxBytes + 1)
  try {
    let length = 0
    // Without a length, a handle of yarn's Plug'n'Play reads nothing, and the file seems to be empty.
    for (let bytesRead = -1; bytesRead !== 0 && length < buffer.length; length += bytesRead)
      bytesRead = (await handle.read(buffer, length, buffer.length - length, null)).bytesRead
    if (length <= maxBytes) return textOrBytes(buffer.subarray(0, length))
  } finally {
    buffer.fill(0)
  }
  throw new SecretsError('CONFIGURATION', `${subject} is larger than ${maxBytes} bytes`, {
    remedy: 'point to the file of one secret',
  })
}

/**
 * Returns a secret's bytes as a provider answers them: text if they are valid UTF-8, else a copy.
 * Overwrite the bytes afterwards.
 *
 * @example
 * import { textOrBytes } from '@finchat/secrets-core/provider'
 *
 * console.log(textOrBytes(Buffer.from('caf\u00e9')), textOrBytes(Uint8Array.of(0xff))) // café Uint8Array(1) [ 255 ]
 */
export function textOrBytes(bytes: Uint8Array): string | Uint8Array {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return copyOutsideHeap(bytes)
  }
}

const failures: Partial<Record<FileFailure, readonly [SecretsErrorCode, string]>> = {
  denied: ['PERMISSION_DENIED', 'may not be read by this process'],
  'not-a-file': ['CONFIGURATION', 'is not a regular file'],
  'link-loop': ['CONFIGURATION', 'is not a regular file'],
}
const missing: readonly (FileFailure | undefined)[] = ['missing', 'not-a-folder', 'name-too-long']

/**
 * Resolves as the call on a file does, or to `undefined` if the file or its folder does not exist.
 * Rejects with `PERMISSION_DENIED`, `CONFIGURATION` or `UNAVAILABLE` otherwise, without the system's
 * message, which quotes the path.
 *
 * @example
 * import { readdir } from 'node:fs/promises'
 * import { unlessMissing } from '@finchat/secrets-core/provider'
 *
 * console.log(await unlessMissing('the folder', () => readdir('/no/such/folder'))) // undefined
 */
export async function unlessMissing<T>(subject: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (SecretsError.isInstance(error)) throw error
    const failure = fileFailure(error)
    if (missing.includes(failure)) return undefined
    const [code, problem] = (failure && failures[failure]) ?? ['UNAVAILABLE', 'could not be read']
    throw new SecretsError(code, `${subject} ${problem}`, { storeStatus: systemCode(error) })
  }
}

function notRegular(subject: string): SecretsError {
  return new SecretsError('CONFIGURATION', `${subject} is not a regular file`, { remedy: 'point to the file that holds the secret' })
}
