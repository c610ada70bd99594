// Installs what the line of each README installs, by yarn's Plug'n'Play, and runs the README's first
// example. Plug'n'Play lets a package import only what it declares.
import { writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expectedLines, firstUnprinted, readmeExample } from '../examples.ts'
import type { Files, Member } from '../files.ts'
import { faultsOf, inParallel, installProject, managerNamed, timed, type Check, type Versions } from './project.ts'

/**
 * What the first `npm install` lines of a README install, and what the first example also needs: a
 * range, or `*`, by the name.
 */
export function installedBy(readme: string): Versions {
  const block = readme.match(/^```sh\n((?:npm install .+\n)+)(?:.+\n)*```$/m)?.[1] ?? ''
  const words = block
    .replaceAll(/ #.*/g, '')
    .split(/\s+/)
    .filter((word) => word !== '' && !/^(npm|install|--save-dev)$/.test(word))
  const further = readme.match(/first\s+example\s+also\s+needs\s+`([^`]+)`/)?.[1] ?? []
  return Object.fromEntries(
    [...words, further].flat().map((word) => {
      const [, name = word, range = '*'] = word.match(/^(@?[^@]+)(?:@(.+))?$/) ?? []
      return [name, range]
    }),
  )
}

/** Of the root's README, and of each package's. What `npm create` runs is not installed. */
export function readmeChecks(files: Files, packages: readonly Member[], folder: string, tarballs: Versions): Promise<Check[]> {
  const readmes = ['README.md', ...packages.map((member) => `${member.folder}/README.md`).filter((path) => !path.includes('/create-'))]
  return inParallel(
    readmes.map(
      (path) => () =>
        timed(path, 'yarn, pnp', () =>
          install(path, files.get(path) ?? '', join(folder, basename(dirname(path)).replace('.', 'root')), tarballs),
        ),
    ),
  )
}

async function install(path: string, readme: string, folder: string, tarballs: Versions): Promise<string[]> {
  const example = readmeExample(path, readme)
  const wanted = installedBy(readme)
  if (!example || Object.keys(wanted).length === 0) return [`${path} has no line that installs, or no example`]
  const dependencies = Object.fromEntries(Object.entries(wanted).map(([name, range]) => [name, tarballs[name] ?? range]))
  const manager = managerNamed('yarn, pnp')
  const installed = await installProject({ manager, folder, dependencies, tarballs, program: 'start.mjs' })
  if (installed.length > 0) return installed
  const imports = Object.keys(dependencies).map((name) => `import '${name}'\n`)
  writeFileSync(join(folder, 'start.mjs'), imports.join('') + example.code)
  const env = { ...manager.env, FINCHAT_TOKEN: 'the-token' }
  return faultsOf(manager.start, folder, env, (stdout) => firstUnprinted(expectedLines(example.code), stdout) === undefined)
}
