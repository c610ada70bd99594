import { gzipSync } from 'node:zlib'
import { staticImportsOf } from './imports.ts'

/**
 * The files that importing `entry` reads at once, its own parts included; packages and what is
 * loaded later are not among them.
 */
export function filesImported(entry: string, read: (path: string) => string): string[] {
  const found = new Set([entry])
  for (const path of found) {
    const parts = staticImportsOf(read(path)).filter((specifier) => specifier.startsWith('.'))
    for (const part of parts) found.add(new URL(part, `file:///${path}`).pathname.slice(1))
  }
  return [...found]
}

/** What they take together, compressed as a download or an archive of them would be, in bytes. */
export function gzippedSize(entry: string, read: (path: string) => string): number {
  return gzipSync(filesImported(entry, read).map(read).join(''), { level: 9 }).length
}
