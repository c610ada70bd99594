// The rules of the versions that a published package has and asks for.
import { publicPackages, type Manifest } from './files.ts'
import type { Rule } from './structure-rules.ts'

/**
 * An exact range puts a second copy into a tree that has another version. Only the lockfile is
 * exact.
 */
export const rangesAreCarets: Rule = (files) =>
  publicPackages(files).flatMap(({ folder, manifest }) =>
    publishedRanges(manifest)
      .filter(([name, range]) => range !== (name.startsWith('@finchat/') ? 'workspace:^' : caretsIn(range)))
      .map(([name, range]) => `${folder}/package.json: ${name} must have a caret range, not ${range}`),
  )

/** What users install with a package, and in which versions. */
export function publishedRanges({ dependencies, peerDependencies }: Manifest): [string, string][] {
  return Object.entries({ ...dependencies, ...peerDependencies })
}

/** The range, if each of its parts is a caret range. */
export function caretsIn(range: string): string | undefined {
  return range.match(/^\^\d+\.\d+\.\d+( \|\| \^\d+\.\d+\.\d+)*$/)?.[0]
}

/** npm reads `^0.0.0` as exact; and the notes of a release are packed with it. */
export const releasesHaveNotes: Rule = (files) =>
  publicPackages(files).flatMap(({ folder, manifest }) => {
    const version = manifest.version ?? '0.0.0'
    const newest = files.get(`${folder}/CHANGELOG.md`)?.match(/^## (.+)$/m)?.[1]
    return [
      ...(version.startsWith('0.0.') ? [`${folder}/package.json: versions start at 0.1.0`] : []),
      ...(newest === version ? [] : [`${folder}/CHANGELOG.md must begin with version ${version}`]),
    ]
  })

export const rangeRules: readonly Rule[] = [rangesAreCarets, releasesHaveNotes]
