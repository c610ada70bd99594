import type { StoredSecret } from '../contract/provider.ts'

/**
 * Asks a file of mounted secrets, with the time of the mount. That is asked first: a swap meanwhile
 * makes it too early, never too late.
 */
export async function withMountTime<T extends object>(
  folder: string,
  path: string,
  ask: () => Promise<T | undefined>,
): Promise<(T & Pick<StoredSecret, 'currentNotBefore'>) | undefined> {
  const currentNotBefore = await mountedNotBefore(folder, path)
  const found = await ask()
  return found === undefined || currentNotBefore === undefined ? found : { ...found, currentNotBefore }
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
