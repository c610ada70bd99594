// `pnpm copied`: copies each example out, as a reader does, installs the packed packages, runs it, and
// compares its output with its README; by npm all of them, by each other package manager two. Also lets the packed
// `npm create @finchat/secrets-provider` write a provider, and tests, lints and builds that untouched.
// Also installs the AWS provider beside an AWS SDK that is in its range: no second copy may come with it.
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { firstMissing, outputBlock } from './copied-output.ts'
import { chromium, needsChromium } from './find-program.ts'
import { ExampleServers } from './copied-servers.ts'
import { lookAtNext } from './look-at-next.ts'
import { membersOf, readFiles, root, type Files, type Manifest, type Member } from './files.ts'
import { failure, packAll, tarballSpecs } from './pack.ts'
import { packageManagers, type PackageManager } from './package-managers.ts'
import { lowestOf } from './range-versions.ts'
import { checkInScratch, type Tally } from './tally.ts'

type Tarballs = Readonly<Record<string, string>>
interface Copy {
  readonly example: Member
  readonly manager: PackageManager
  readonly folder: string
}

/** What git has of the example, in a folder of its own, with our tarballs in place of npm's. */
function copyOut(files: Files, { example, manager, folder }: Copy, tarballs: Tarballs): string[] {
  for (const path of files.keys()) {
    if (path.startsWith(`${example.folder}/`)) cpSync(join(root, path), join(folder, path.slice(example.folder.length + 1)))
  }
  return install(manager, folder, withTarballs(example.manifest, tarballs), tarballs)
}

function withTarballs(manifest: Manifest, tarballs: Tarballs): Manifest {
  const replaced = (ranges: Readonly<Record<string, string>> = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(ranges).map(([name, range]) => [name, tarballs[name] ?? range]))
  return { ...manifest, dependencies: replaced(manifest.dependencies), devDependencies: replaced(manifest.devDependencies) }
}

function install({ prepare, install: command, env }: PackageManager, folder: string, manifest: Manifest, tarballs: Tarballs): string[] {
  mkdirSync(folder, { recursive: true })
  prepare(folder, manifest, tarballs)
  const [program = '', ...args] = command
  return failure(program, args, folder, env)
}

/** Its output, compared with what its README says. */
function start(files: Files, { example, manager, folder }: Copy, variables: NodeJS.ProcessEnv): string[] {
  const [program = '', ...args] = manager.start
  const env = { ...manager.env, ...variables, NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, env, encoding: 'utf8', timeout: 300_000 }) // `next build` on a loaded machine
  if (status !== 0) return [`npm start failed (${status}):\n${stdout}${stderr}`]
  const missing = firstMissing(outputBlock(files.get(`${example.folder}/README.md`) ?? ''), stdout)
  return missing === undefined ? [] : [`README.md and the output differ at '${missing}':\n${stdout}`]
}

/** Its own `npm test`, and its types as a reader's compiler sees them. */
function checkFurther({ example, manager, folder }: Copy): string[] {
  if (manager.name !== 'npm') return []
  const types = failure(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], folder)
  const hasTest = 'test' in Object(example.manifest['scripts'])
  return [...types, ...(hasTest ? failure('npm', ['test'], folder, manager.env) : [])]
}

const creator = '@finchat/create-secrets-provider'

/** Written by the packed program, as npm runs it; only the two ranges of our packages are replaced. */
function createProvider(manager: PackageManager, folder: string, tarballs: Tarballs): string[] {
  const [parent, name] = [dirname(folder), basename(folder)]
  const written = failure(
    'npm',
    ['exec', '--yes', `--package=${tarballs[creator]}`, '--', 'create-secrets-provider', name],
    parent,
    manager.env,
  )
  if (written.length > 0) return written
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest // the template's
  const installed = install(manager, folder, withTarballs(manifest, tarballs), tarballs)
  if (installed.length > 0) return installed
  // A repository of its own, or the linter leaves out what ours ignores.
  const repository = failure('git', ['init', '--quiet'], folder)
  return [...repository, ...['test', 'lint', 'build'].flatMap((script) => failure('npm', ['run', script], folder, manager.env))]
}

const sdk = '@aws-sdk/client-secrets-manager'
const awsProvider = '@finchat/secrets-provider-aws'

/**
 * A consumer that has the lowest AWS SDK of the range keeps it, and gets no other. yarn takes the
 * newest of every range, beside whatever is there.
 */
function secondCopies(files: Files, manager: PackageManager, folder: string, tarballs: Tarballs): string[] {
  const range = membersOf(files).find(({ manifest }) => manifest.name === awsProvider)?.manifest.dependencies?.[sdk] ?? ''
  const version = lowestOf(range)
  const dependencies = { ...withTarballs({ name: '', dependencies: { [awsProvider]: '' } }, tarballs).dependencies, [sdk]: version }
  const faults = install(manager, folder, { name: 'consumer', private: true, dependencies }, tarballs)
  const manifests = globSync(
    ['', '.pnpm/*/node_modules/', '**/node_modules/'].map((at) => join(folder, 'node_modules', at, sdk, 'package.json')),
  )
  const versions = new Set(manifests.map((path) => (JSON.parse(readFileSync(path, 'utf8')) as Manifest).version))
  return faults.length > 0 || (versions.size === 1 && versions.has(version))
    ? faults
    : [`the SDK is there as ${[...versions].join(' and ')}, not just ${version}`]
}

/** At the one page that an example has. */
async function look({ folder, manager }: Copy): Promise<string[]> {
  const program = chromium()
  return program === undefined ? [] : lookAtNext(folder, program, manager.env)
}

/** One example by one package manager. Its program runs only where its server is. */
async function tryExample(files: Files, copy: Copy, tarballs: Tarballs, servers: ExampleServers): Promise<string[]> {
  const installed = copyOut(files, copy, tarballs)
  if (installed.length > 0) return installed
  const name = basename(copy.example.folder)
  const started = servers.missing(name) === undefined ? start(files, copy, await servers.variables(name)) : []
  return [...started, ...(name === 'nextjs-app' ? await look(copy) : []), ...checkFurther(copy)]
}

/**
 * npm installs every example. What another manager may break is how packages lie on the disk, which
 * two examples show: one of our packages alone, and one with a driver. Each further one would cost CI
 * six seconds a manager.
 */
const byEveryManager: readonly string[] = ['quick-start', 'rotating-postgres']

function examplesFor({ name }: PackageManager, examples: readonly Member[]): readonly Member[] {
  return name === 'npm' ? examples : examples.filter(({ folder }) => byEveryManager.includes(basename(folder)))
}

await checkInScratch('copied-', async (folder, tally) => {
  const files = readFiles()
  const tarballs = tarballSpecs(packAll(files, folder))
  const examples = membersOf(files).filter((member) => member.folder.startsWith('examples/'))
  const servers = new ExampleServers()
  try {
    for (const manager of packageManagers()) {
      const at = (name: string): string => join(folder, `${name}-by-${manager.name.replace(', ', '-')}`)
      for (const example of examplesFor(manager, examples)) {
        const missing = servers.missing(basename(example.folder))
        if (example.folder.endsWith('nextjs-app') && chromium() === undefined)
          tally.notRun('the page of nextjs-app in a browser', needsChromium, true)
        if (missing) tally.notRun(`${example.folder} by ${manager.name}`, `needs ${missing}: pnpm servers`)
        const copy = { example, manager, folder: at(basename(example.folder)) }
        await tryChosen(example.folder, manager, tally, () => tryExample(files, copy, tarballs, servers))
      }
      if (manager.name === 'npm') {
        await tryChosen('a created provider', manager, tally, () => createProvider(manager, join(folder, 'my-store'), tarballs))
      }
      if (manager.name.startsWith('yarn')) continue
      await tryChosen('one AWS SDK', manager, tally, () => secondCopies(files, manager, at('sdk'), tarballs))
    }
  } finally {
    await servers.stop()
  }
})

/** Only what is named, such as `pnpm copied created`; everything without a name. */
async function tryChosen(what: string, { name }: PackageManager, tally: Tally, run: () => string[] | Promise<string[]>): Promise<void> {
  if (!process.argv.slice(2).every((word) => what.includes(word))) return
  await tally.timed(`${what.padEnd(28)} by ${name}`, run)
}
