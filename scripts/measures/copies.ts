/**
 * The shortest run of equal tokens that counts as copied, and how many different ones it must hold:
 * a list of texts is no copy.
 */
export const leastTokens = 30
const leastDifferent = 10

export interface TokenizedFile {
  readonly path: string
  readonly package: string
  readonly tokens: readonly string[]
}

interface Region {
  readonly file: number
  start: number
  end: number
  readonly runs: Set<string>
}

/**
 * Families of code copied between packages. A run of `least` tokens in more than one package marks
 * its positions; overlapping ones are one region, and regions with a common run are one family.
 * Families of the same files count once.
 */
export function copiedFamilies(files: readonly TokenizedFile[], least: number = leastTokens): string[][] {
  const regions = regionsOf(files, sharedRuns(files, least), least)
  const leader = regions.map((_, index) => index)
  const rootOf = (index: number): number => (leader[index] === index ? index : rootOf(leader[index] ?? index))
  const owner = new Map<string, number>()
  for (const [index, { runs }] of regions.entries())
    for (const run of runs) {
      const first = owner.get(run)
      if (first === undefined) owner.set(run, index)
      else leader[rootOf(index)] = rootOf(first)
    }
  const families = Map.groupBy(regions.keys(), rootOf)
  const pathsOf = (members: number[]): string[] =>
    [...new Set(members.map((index) => files[regions[index]?.file ?? 0]?.path ?? ''))].toSorted()
  const byFiles = new Map([...families.values()].map(pathsOf).map((paths) => [paths.join(), paths]))
  return [...byFiles].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, paths]) => paths)
}

function* runsOf(tokens: readonly string[], least: number): Generator<readonly [start: number, run: string]> {
  for (let start = 0; start + least <= tokens.length; start += 1) {
    const run = tokens.slice(start, start + least)
    if (new Set(run).size >= leastDifferent) yield [start, run.join(' ')]
  }
}

function sharedRuns(files: readonly TokenizedFile[], least: number): ReadonlySet<string> {
  const seenIn = new Map<string, string>()
  const shared = new Set<string>()
  for (const { tokens, package: owner } of files)
    for (const [, run] of runsOf(tokens, least)) {
      const first = seenIn.get(run)
      if (first === undefined) seenIn.set(run, owner)
      else if (first !== owner) shared.add(run)
    }
  return shared
}

function regionsOf(files: readonly TokenizedFile[], shared: ReadonlySet<string>, least: number): Region[] {
  const regions: Region[] = []
  for (const [file, { tokens }] of files.entries())
    for (const [start, run] of runsOf(tokens, least)) {
      if (!shared.has(run)) continue
      const last = regions.at(-1)
      if (last?.file === file && start <= last.end) last.end = start + least
      else regions.push({ file, start, end: start + least, runs: new Set() })
      regions.at(-1)?.runs.add(run)
    }
  return regions
}
