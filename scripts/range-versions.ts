// The ends of a caret range.
import { execFileSync } from 'node:child_process'

/** The lowest version of `^1.2.3 || ^2.0.0`: the first part's own. */
export function lowestOf(range: string): string {
  return range.match(/^\^([^ ]+)/)?.[1] ?? range
}

/** The newest that npm has in the range. */
export function newestOf(name: string, range: string): string {
  const printed = execFileSync('npm', ['view', `${name}@${range}`, 'version', '--json'], { encoding: 'utf8' })
  const found: unknown = JSON.parse(printed)
  const newest = newestIn((Array.isArray(found) ? found : [found]).map(String))
  if (newest === undefined) throw new Error(`npm has no ${name}@${range}`)
  return newest
}

/** The newest of these that is released. */
export function newestIn(versions: readonly string[]): string | undefined {
  const released = versions.filter((version) => !version.includes('-'))
  return released.toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true })).at(-1)
}

/**
 * The entry of these dependencies that gets the version. Tests may have several majors of a package
 * by aliases, such as `keyv5`: the one of this major, or else the package's own name.
 */
export function versionIn(section: Readonly<Record<string, string>>, name: string, version: string): Record<string, string> {
  const major = version.replace(/\..*$/, '.')
  const alias = Object.keys(section).find((key) => section[key]?.startsWith(`npm:${name}@${major}`))
  if (alias !== undefined) return { [alias]: `npm:${name}@${version}` }
  return name in section ? { [name]: version } : {}
}
