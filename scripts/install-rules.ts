// The rules of what readers are told to install and to run.
import { publicPackages, type Files } from './files.ts'
import type { Rule } from './structure-rules.ts'

/** These rules, and their tests, name what they look for. */
const isOwn = (path: string): boolean => /^scripts\/install-rules(\.test)?\.ts$/.test(path)

/**
 * npx asks the registry for a program that is not installed, and runs what it gets. The name of a
 * program is not that of its package: somebody else may register it.
 */
export const npxFetchesNothing: Rule = (files) => {
  const programs = publicPackages(files).flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}))
  const fetching = programs.map(
    (program) => new RegExp(String.raw`\b(npx|npm exec|pnpx|pnpm dlx|yarn dlx|bunx)( -y| --yes| --)* ${program}(?![\w-])`),
  )
  return [...files].flatMap(([path, text]) => {
    const lines = isOwn(path) ? [] : text.split('\n')
    const wrong = lines.flatMap((line, index) => (fetching.some((pattern) => pattern.test(line)) ? [index + 1] : []))
    return wrong.map((line) => `${path}:${line}: fetches a program by a name that is no package of ours: npx --no`)
  })
}

export const installRules: readonly Rule[] = [npxFetchesNothing]
