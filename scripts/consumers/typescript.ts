// Compiles and runs a reader's project by each TypeScript and each way of resolving modules.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { faultsOf, inParallel, installProject, managerNamed, timed, type Check, type Versions } from './project.ts'
import { importingProgram, requiringProgram, type EntryNames } from './typescript-programs.ts'

export const typescriptVersions: readonly string[] = ['5.6.3', '5.7.3', '5.8.3', '5.9.3', '6.0.3', '7.0.2']

export interface Resolution {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  readonly formats: readonly ('cjs' | 'esm')[]
  /** The major versions of TypeScript that have it. */
  readonly from?: number
  readonly upTo?: number
}

const both = ['cjs', 'esm'] as const
export const resolutions: readonly Resolution[] = [
  { name: 'node10', options: { module: 'commonjs', moduleResolution: 'node10' }, formats: ['cjs'], upTo: 6 },
  { name: 'node16', options: { module: 'node16', moduleResolution: 'node16' }, formats: both },
  { name: 'nodenext', options: { module: 'nodenext', moduleResolution: 'nodenext' }, formats: both },
  { name: 'bundler', options: { module: 'esnext', moduleResolution: 'bundler' }, formats: ['esm'] },
  { name: 'bundler, commonjs', options: { module: 'commonjs', moduleResolution: 'bundler' }, formats: ['cjs'], from: 6 },
]

interface Project {
  readonly folder: string
  readonly entries: readonly string[]
  readonly nodes: Readonly<Record<string, string>>
  /** The version of @types/node. */
  readonly typesOfNode: string
}

/** `entries` are all that can be imported. `nodes` run what was compiled. */
export async function typescriptChecks(project: Project, tarballs: Versions): Promise<Check[]> {
  const compilers = Object.fromEntries(typescriptVersions.map((version) => [`typescript-${version}`, `npm:typescript@${version}`]))
  const dependencies = { ...tarballs, ...compilers, '@types/node': project.typesOfNode }
  const installed = await timed('install', 'npm', () =>
    installProject({ manager: managerNamed('npm'), folder: project.folder, dependencies, tarballs }),
  )
  if (installed.faults.length > 0) return [installed]
  const names = namesOf(project)
  const cells = typescriptVersions.flatMap((version) =>
    resolutions.filter(isIn(Number.parseInt(version))).map((each) => [version, each] as const),
  )
  return inParallel(
    cells.map(
      ([version, resolution]) =>
        () =>
          timed(version, resolution.name, () => compileAndRun(project, names, version, resolution)),
    ),
  )
}

export const isIn =
  (major: number) =>
  ({ from = 0, upTo = Infinity }: Resolution): boolean =>
    major >= from && major <= upTo

/** As Node imports them; `module.exports` is its own addition. */
function namesOf({ folder, entries }: Project): EntryNames {
  const program = `
    const names = {}
    for (const entry of ${JSON.stringify(entries)}) names[entry] = Object.keys(await import(entry)).filter((name) => name !== 'module.exports')
    console.log(JSON.stringify(names))`
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder, encoding: 'utf8' })
  return JSON.parse(printed) as EntryNames // printed by the program above
}

async function compileAndRun(project: Project, names: EntryNames, version: string, resolution: Resolution): Promise<string[]> {
  const folder = join(project.folder, `${version}-${resolution.name.replace(', ', '-')}`)
  const program = importingProgram(names)
  for (const format of resolution.formats) {
    mkdirSync(join(folder, format), { recursive: true })
    writeFileSync(join(folder, format, 'package.json'), JSON.stringify(format === 'esm' ? { type: 'module' } : {}))
    writeFileSync(join(folder, format, 'main.ts'), format === 'esm' ? program : program + requiringProgram)
  }
  const files = resolution.formats.map((format) => `${format}/main.ts`)
  const silenced = version.startsWith('6.') && resolution.name === 'node10' ? { ignoreDeprecations: '6.0' } : {}
  const compilerOptions = { ...readersOptions, ...resolution.options, ...silenced }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const compiler = join(project.folder, 'node_modules', `typescript-${version}`, 'bin/tsc')
  const faults = await faultsOf([process.execPath, compiler, '-p', folder], project.folder, process.env)
  for (const node of Object.values(project.nodes)) {
    for (const format of resolution.formats) faults.push(...(await faultsOf([node, `${format}/main.js`], folder, process.env, isSilent)))
  }
  return faults
}

const isSilent = (stdout: string, stderr: string): boolean => stdout + stderr === ''

/** Strict, also with the declarations that it reads. Code is written beside its source. */
const readersOptions = { target: 'es2022', strict: true, skipLibCheck: false, types: ['node'], rootDir: '.' }
