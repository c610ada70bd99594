import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

/** A pipe of the system: a child writes to one end, this process reads the other. */
export interface OutputPipe {
  readonly writeEnd: number
  readonly source: Readable
  /** Closes this process's copy of the child's end. */
  readonly closeWriteEnd: () => void
}

/**
 * Makes a pipe. Those of Node.js are sockets: there /dev/stdout cannot be opened, and a reader that
 * ends is no SIGPIPE. Returns undefined where there is no `mkfifo`, or no folder for temporary files,
 * as in a read-only container. Nothing remains in the folder.
 */
export function outputPipe(): OutputPipe | undefined {
  let folder: string | undefined
  try {
    folder = mkdtempSync(join(tmpdir(), 'finchat-secrets-'))
    const path = join(folder, 'output')
    execFileSync('mkfifo', ['-m', '600', path], { stdio: 'ignore' })
    // Without a writer, only a reader that does not block can open it.
    const source = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false })
    const writeEnd = openSync(path, constants.O_WRONLY)
    return { writeEnd, source, closeWriteEnd: () => closeSync(writeEnd) }
  } catch {
    return undefined
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true })
  }
}
