import { open } from 'node:fs/promises'

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
