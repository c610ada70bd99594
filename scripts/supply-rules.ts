// The rules of where this repository's programs read from and what they let others run. Each
// returns one line for a fault.
import { posix } from 'node:path'
import type { Files } from './files.ts'
import { importsOf } from './imports.ts'
import { asNode, syntaxOf, type SyntaxNode } from './mutation/syntax.ts'

type Rule = (files: Files) => string[]

const sharedFolder = /(^|[\s"'`=:<>(])(\/private)?\/(tmp|var\/tmp|dev\/shm)(?![\w.-])/
/** These rules, and their tests, name what they look for. */
const isOwn = (path: string): boolean => /^scripts\/supply-rules(\.test)?\.ts$/.test(path)
const isCode = (path: string): boolean => /\.[cm]?[jt]s$/.test(path)

/**
 * Another user of the machine can plant a file or a link under a fixed name in the shared temporary
 * folder. So names there come from `mkdtemp`.
 */
export const noFixedTemporaryName: Rule = (files) =>
  [...files].flatMap(([path, text]) => {
    const places = isCode(path) ? sharedNodes(path, text) : sharedLines(text)
    return places.map((place) => `${path}:${place}: a fixed name in the shared temporary folder; take mkdtemp(join(tmpdir(), 'name-'))`)
  })

function sharedLines(text: string): number[] {
  const shared = /(^|[\s"'`=:<>(])\/(tmp|var\/tmp|dev\/shm)\/|\$\{?TMPDIR|\bgettempdir\b|\bmktemp (-\w*u|--dry-run)/
  return text.split('\n').flatMap((line, index) => (shared.test(line) ? [index + 1] : []))
}

function sharedNodes(path: string, text: string): number[] {
  if (!/tmpdir|TMPDIR|\/tmp|\/dev\/shm/.test(text)) return []
  const nodes = [...walk(syntaxOf(text), [])]
  const faults = nodes.filter(([node, above]) => isAlias(node) || (isShared(node) && !isAskedOnly(above) && !isInMkdtemp(above)))
  return isOwn(path) ? [] : faults.map(([{ start }]) => text.slice(0, start).split('\n').length)
}

/** `tmpdir()`, what stands for it in the environment, and its usual names. */
function isShared(node: SyntaxNode): boolean {
  const { type } = node
  if (type === 'CallExpression') return nameOf(node['callee']) === 'tmpdir'
  if (type === 'MemberExpression') return nameOf(node['object']) === 'env' && /^(TMPDIR|TEMP|TMP)$/.test(nameOf(node) ?? '')
  if (type === 'Literal') return typeof node['value'] === 'string' && sharedFolder.test(node['value'])
  return type === 'TemplateElement' && sharedFolder.test(textOf(node))
}

function isAlias(node: SyntaxNode): boolean {
  return node.type === 'ImportSpecifier' && nameOf(node['imported']) === 'tmpdir' && nameOf(node['local']) !== 'tmpdir'
}

/** `existsSync('/dev/shm')`: reads nothing from there. */
function isAskedOnly(above: readonly SyntaxNode[]): boolean {
  const parent = above.at(-1)
  return parent?.type === 'CallExpression' && nameOf(parent['callee']) === 'existsSync'
}

/** `mkdtemp(join(tmpdir(), 'name-'))`, with the two folders that a condition may choose from. */
function isInMkdtemp(above: readonly SyntaxNode[]): boolean {
  const [call, join] = above.filter(({ type }) => type !== 'ConditionalExpression').slice(-2)
  if (!call || !join || !/^mkdtemp(Disposable)?(Sync)?$/.test(nameOf(call['callee']) ?? '')) return false
  const [, prefix, ...further] = argumentsOf(join)
  return nameOf(join['callee']) === 'join' && further.length === 0 && prefix !== undefined && !/[/\\]/.test(textOf(prefix))
}

function argumentsOf(call: SyntaxNode): SyntaxNode[] {
  return Array.isArray(call['arguments']) ? call['arguments'].flatMap((each) => asNode(each) ?? []) : []
}

/** The name of an identifier or of a member. */
function nameOf(value: unknown): string | undefined {
  const node = asNode(value)
  if (node?.type === 'Identifier') return String(node['name'])
  if (node?.type === 'Literal') return String(node['value'])
  return node?.type === 'MemberExpression' ? nameOf(node['property']) : undefined
}

/** What a string says as it stands; a variable in it counts for nothing. */
function textOf(node: SyntaxNode): string {
  if (node.type === 'Literal') return String(node['value'])
  if (node.type === 'TemplateElement') return (node['value'] as { raw: string }).raw // ESTree
  if (node.type !== 'TemplateLiteral' || !Array.isArray(node['quasis'])) return '/' // unknown
  return node['quasis'].map((each) => textOf(asNode(each) ?? node)).join('')
}

function* walk(node: SyntaxNode, above: readonly SyntaxNode[]): Generator<[SyntaxNode, readonly SyntaxNode[]]> {
  yield [node, above]
  for (const member of Object.values(node).flat()) {
    const child = asNode(member)
    if (child) yield* walk(child, [...above, node])
  }
}

const ownScripts = /"(preinstall|install|postinstall|prepare|prepublish)":/
const allowing = /^\s*"?(onlyBuiltDependencies\w*|neverBuiltDependencies|allowBuilds|dangerouslyAllowAllBuilds|allowNonAppliedPatches)"?:/m

/**
 * Nothing that is installed runs a script of its own: no setting allows it, and every call of a
 * package manager says so.
 */
export const noInstallScripts: Rule = (files) => [
  ...(/^ignoreScripts: true$/m.test(files.get('pnpm-workspace.yaml') ?? '') ? [] : ['pnpm-workspace.yaml: needs `ignoreScripts: true`']),
  ...[...files].flatMap(([path, text]) => [...settingFaults(path, text), ...(isCode(path) ? callFaults(path, text) : [])]),
]

function settingFaults(path: string, text: string): string[] {
  const isSetting = /(^|\/)(pnpm-workspace\.yaml|package\.json|\.npmrc|\.pnpmfile\.[cm]js)$/.test(path)
  if (!isSetting) return []
  if (/\.(npmrc|pnpmfile\.[cm]js)$/.test(path)) return [`${path}: settings of a package manager stand in pnpm-workspace.yaml`]
  const found = ownScripts.exec(text)?.[1] ?? allowing.exec(text)?.[1]
  return found === undefined ? [] : [`${path}: ${found} lets an install run a script`]
}

/**
 * A call is an array of arguments that begins, for pip behind its name, with the word that
 * downloads.
 */
function callFaults(path: string, text: string): string[] {
  if (isOwn(path) || !/'(install|add|ci|npx|dlx)'/.test(text)) return []
  const strings = [...walk(syntaxOf(text), [])].flatMap(([node]) => (node.type === 'ArrayExpression' ? [stringsIn(node)] : []))
  const mentions = (flag: string): boolean => text.includes(`'${flag}'`)
  return strings.flatMap((words) => {
    if (words.includes('pip') && words.includes('install')) {
      const missing = ['--require-hashes', '--only-binary=:all:'].filter((flag) => !mentions(flag))
      return missing.map((flag) => `${path}: pip installs without ${flag}`)
    }
    if (words.some((word) => word === 'npx' || word === 'dlx')) return [`${path}: runs a package that nothing pins`]
    const installs = /^(install|add|ci)$/.test(words[0] ?? '') && words.length > 1
    const ignoresScripts = words.some((word) => word === '--ignore-scripts' || word === '--mode=skip-build') // the latter is yarn's
    return installs && !ignoresScripts ? [`${path}: ${words[0]} needs --ignore-scripts`] : []
  })
}

function stringsIn(array: SyntaxNode): string[] {
  const elements = Array.isArray(array['elements']) ? array['elements'] : []
  return elements.flatMap((element) => (asNode(element)?.type === 'Literal' ? [String(asNode(element)?.['value'])] : []))
}

/** turbo sends telemetry and prints a notice of it, unless it is started by scripts/build.mjs. */
export const turboIsSilent: Rule = (files) =>
  [...files].flatMap(([path, text]) => {
    const isStarted = /(^|\/)package\.json$/.test(path) ? /"turbo run/.test(text) : /\.ya?ml$/.test(path) && /\bturbo run\b/.test(text)
    return isStarted ? [`${path}: starts turbo, which sends telemetry: node scripts/build.mjs`] : []
  })

/** pnpm asks the registry for a newer pnpm, and prints a notice, unless its settings say otherwise. */
export const noUpdateNotices: Rule = (files) => {
  const settings = files.get('pnpm-workspace.yaml')?.split('\n')
  return settings === undefined || settings.includes('updateNotifier: false') ? [] : ['pnpm-workspace.yaml: lacks updateNotifier: false']
}

/** An override changes what a dependency asked for. The line before it says why. */
export const overridesHaveReasons: Rule = (files) => {
  const lines = (files.get('pnpm-workspace.yaml') ?? '').split('\n')
  const start = lines.indexOf('overrides:')
  if (start === -1) return []
  const length = lines.slice(start + 1).findIndex((line) => /^\S/.test(line))
  const block = length === -1 ? lines.slice(start) : lines.slice(start, start + 1 + length)
  const bare = block.filter((line, index) => /^ +[^#\s]/.test(line) && !/^ +# \S/.test(block[index - 1] ?? ''))
  return bare.map((line) => `pnpm-workspace.yaml: say in a comment before it why this override is needed: ${line.trim()}`)
}

/** A tag of an action can be moved to other code by its owner; a commit cannot. */
export const actionsArePinned: Rule = (files) =>
  [...files].flatMap(([path, text]) => {
    const used = path.startsWith('.github/') ? [...text.matchAll(/^[ -]*uses: *(\S+)/gm)].flatMap(([, action]) => action ?? []) : []
    return used
      .filter((action) => !/^\.\/|@[0-9a-f]{40}$/.test(action))
      .map((action) => `${path}: pin ${action} by its commit, or run a command instead`)
  })

/** What is installed could publish in our name, so a job that may publish runs nothing of it. */
export const publishingRunsNoDependency: Rule = (files) => {
  const workflows = [...files].filter(([path]) => path.startsWith('.github/'))
  const jobs = workflows.flatMap(([path, text]) => text.split(/^(?= {2}[\w-]+:$)/m).map((job) => [path, job] as const))
  return jobs.flatMap(([path, job]) => {
    if (!job.includes('id-token: write')) return []
    const found = [
      ...(job.match(/\.ci\/run\b|\bnpm (run|test|ci|install|exec)\b|\b(pnpm|npx|yarn)\b|\buses:/g) ?? []),
      ...foreignTo(files, job),
    ]
    return found.map((each) => `${path}: the job ${job.trim().split(':')[0]} may publish, and has ${each}: give it a job without rights`)
  })
}

/** The packages that the programs of a job import, also those that a script of `.ci` starts. */
function foreignTo(files: Files, job: string): string[] {
  const shell = [job, ...(job.match(/\.ci\/[\w-]+/g) ?? []).map((path) => files.get(path) ?? '')].join('\n')
  const programs = [...shell.matchAll(/\bnode (scripts\/[\w./-]+)/g)].flatMap(([, path]) => path ?? [])
  const seen = new Set<string>()
  return programs.flatMap((path) => foreignImports(files, path, seen))
}

function foreignImports(files: Files, path: string, seen: Set<string>): string[] {
  if (seen.has(path)) return []
  seen.add(path)
  return importsOf(files.get(path) ?? '').flatMap((specifier) => {
    if (specifier.startsWith('.')) return foreignImports(files, posix.join(posix.dirname(path), specifier), seen)
    return specifier.startsWith('node:') ? [] : [`${specifier}, imported by ${path}`]
  })
}

export const supplyRules: readonly Rule[] = [
  noFixedTemporaryName,
  noInstallScripts,
  turboIsSilent,
  noUpdateNotices,
  overridesHaveReasons,
  actionsArePinned,
  publishingRunsNoDependency,
]
