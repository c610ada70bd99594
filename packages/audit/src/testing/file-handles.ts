import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { vi } from 'vitest'

interface FileHandleMethods {
  read: () => Promise<unknown>
  write: () => Promise<unknown>
  datasync: () => Promise<unknown>
  sync: () => Promise<unknown>
  stat: () => Promise<unknown>
  truncate: () => Promise<unknown>
}

/** What all file handles are made of, for a test to put faults into: they have no class that could be imported. */
export async function fileHandle(): Promise<FileHandleMethods> {
  const handle = await open('/dev/null')
  await handle.close()
  return Object.getPrototypeOf(handle) // a class of Node.js
}

/** What the file system says. */
export function failure(code: string): Error {
  return Object.assign(new Error('the message of the system'), { code })
}

/**
 * The next write finds room for so many bytes, and the one after for none. Returns what stood in
 * this file then.
 */
export async function putFullDisk(path: string, bytesWritten = (size: number): number => Math.min(size, 7)): Promise<() => Buffer> {
  const handles = await fileHandle()
  const usual = handles.write
  let shown = Buffer.alloc(0)
  vi.spyOn(handles, 'write')
    .mockImplementationOnce(function (this: unknown, ...[buffer]: unknown[]) {
      return Reflect.apply(usual, this, [buffer, 0, bytesWritten(Buffer.isBuffer(buffer) ? buffer.length : 0)])
    })
    .mockImplementationOnce(async () => {
      shown = readFileSync(path)
      throw failure('ENOSPC')
    })
  return () => shown
}
