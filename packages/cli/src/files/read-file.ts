import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { fileFailure, type FileFailure } from '@finchat/secrets-core/provider'

/** What a file holds, or why it is not read, to be put behind its name. */
export type FileContent = { readonly bytes: Buffer } | { readonly problem: string }

/**
 * Reads a regular file of at most so many bytes. Opening waits for no writer of a FIFO, and a device,
 * which might not end, is not read. The system's text, which quotes the path, is not shown.
 */
export function readRegular(path: string, mostBytes: number): FileContent {
  try {
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)) // Windows has no such flag
    try {
      return fstatSync(file).isFile() ? upTo(mostBytes, file) : { problem: irregular }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return { problem: problems[fileFailure(error) ?? 'input-output'] ?? 'cannot be read' }
  }
}

const irregular = 'is not a regular file'

const problems: Readonly<Partial<Record<FileFailure, string>>> = {
  missing: 'is not there',
  'not-a-folder': 'is not there',
  'not-a-file': irregular, // a socket
  denied: 'cannot be read: access is denied',
}

/** To its end, whatever its size is said to be: it may grow, and files of the system have none. */
function upTo(mostBytes: number, file: number): FileContent {
  const atOnce = Math.min(Math.max(fstatSync(file).size, leastBytes), mostBytes) + 1
  const chunks: Buffer[] = []
  for (let length = 0; length <= mostBytes;) {
    const chunk = Buffer.alloc(atOnce)
    const read = readSync(file, chunk, 0, atOnce, null)
    if (read === 0) return { bytes: Buffer.concat(chunks) }
    chunks.push(chunk.subarray(0, read))
    length += read
  }
  return { problem: `is larger than ${mostBytes} bytes` }
}

const leastBytes = 4_096
