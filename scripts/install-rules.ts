// The rules of what readers are told to install and to run.
import { publicPackages, type Files, type Manifest } from './files.ts'
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

/** SECURITY.md lists what each package of ours brings, and no more. */
export const dependenciesAreListed: Rule = (files) => {
  const security = files.get('SECURITY.md')
  if (security === undefined) return []
  const listed = new Map(security.split('\n').flatMap((line) => rowOf(line)))
  const packages = publicPackages(files).map(({ manifest }) => [manifest.name, dependenciesOf(manifest)] as const)
  const unknown = [...listed.keys()].filter((name) => !packages.some(([known]) => known === name))
  return [
    ...unknown.map((name) => `SECURITY.md lists the dependencies of ${name}, which is not published`),
    ...packages.flatMap(([name, expected]) => {
      const found = listed.get(name) ?? []
      return found.join(' ') === expected.join(' ') ? [] : [`SECURITY.md: ${name} depends on ${expected.join(', ') || 'nothing'}`]
    }),
    ...peersOf(files)
      .filter((name) => !security.includes(`\`${name}\``))
      .map((name) => `SECURITY.md does not name ${name}, which users bring`),
  ]
}

/** What packages of ours use if a user installed it. */
function peersOf(files: Files): string[] {
  const peers = publicPackages(files).flatMap(({ manifest: { peerDependencies = {} } }) => Object.keys(peerDependencies))
  return [...new Set(peers)].filter((name) => !name.startsWith('@finchat/'))
}

/** `| package | its dependencies | … |`, each in backquotes. */
function rowOf(line: string): [string, string[]][] {
  const [, first = '', second = ''] = /^\| (`@finchat\/[^`]+`) +\| ([^|]+)\|/.exec(line) ?? []
  const names = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => name ?? [])
  return names(first).map((name) => [name, names(second).toSorted()])
}

/** Core is what every package has. */
function dependenciesOf({ dependencies = {} }: Manifest): string[] {
  return Object.keys(dependencies)
    .filter((name) => name !== '@finchat/secrets-core')
    .toSorted()
}

export const installRules: readonly Rule[] = [npxFetchesNothing, dependenciesAreListed]
