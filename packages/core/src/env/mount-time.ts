import type { StoredSecret } from '../contract/provider.ts'

/**
 * Reads a file of mounted secrets, with the time of the mount. That is asked first: a swap meanwhile
 * makes it too early, never too late.
 */
export async function withMountTime(
  folder: string,
  path: string,
  read: () => Promise<StoredSecret['value'] | undefined>,
): Promise<StoredSecret | undefined> {
  const currentNotBefore = await mountedNotBefore(folder, path)
  const value = await read()
  if (value === undefined) return undefined
  return currentNotBefore === undefined ? { value } : { value, currentNotBefore }
}

/** Kubernetes swaps the link `..data`, which makes a version of each file behind it. */
async function mountedNotBefore(folder: string, path: string): Promise<number | undefined> {
  const { join } = process.getBuiltinModule('node:path')
  const { lstat, readlink } = process.getBuiltinModule('node:fs').promises
  const [top = ''] = path.split('/')
  const target = await readlink(join(folder, top)).catch(() => '')
  try {
    const { mtimeMs, ctimeMs } = await lstat(join(folder, target.startsWith('..data/') ? '..data' : path))
    // Whoever may write the file can set `mtime` to the future, but `ctime` to the present only.
    return Math.floor(Math.min(mtimeMs, ctimeMs, Date.now()))
  } catch {
    return undefined // the read reports the cause
  }
}
